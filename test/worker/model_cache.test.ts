import { expect, test } from "vitest";
import { openModelCache } from "../../gpu-worker/model_cache.ts";
import { warmUp } from "../../gpu-worker/warm_up.ts";
import { ConflictError, ModelError } from "../../shared/errors.ts";
import type { ModelBook } from "../../shared/queue/models.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";
import { createIdentity } from "../pipeline/fake_encoder.ts";

/** A cache whose only model is the shipped one, and what was done. */
function openCache(load?: () => Promise<never>) {
  const done: string[] = [];
  const cache = openModelCache({
    shipped: "shipped",
    models: {
      require: (_, id) => Promise.reject(new ConflictError(`model ${id}`, "")),
    } as Partial<ModelBook> as ModelBook,
    store: {} as ObjectStore,
    folder: "",
    load: load ?? ((folder) => {
      done.push(`load ${folder}`);
      const close = () => {
        done.push(`close ${folder}`);
        return Promise.resolve();
      };
      return Promise.resolve({ ...createIdentity(), close });
    }),
    maxLoaded: 0,
  });
  return { cache, done };
}

test("find() loads a model once for all who use it, and unloads it after the last", async () => {
  const { cache, done } = openCache();
  const [a, b] = await Promise.all([
    cache.find("default", "lab"),
    cache.find("default", "other"),
  ]);
  expect(done).toEqual(["load shipped"]);
  await a.close();
  await a.close();
  expect(done).toEqual(["load shipped"]);
  await expect(warmUp(b)).resolves.toBeGreaterThanOrEqual(0);
  await b.close();
  expect(done).toEqual(["load shipped", "close shipped"]);
});

test("find() tries again after a model could not be loaded", async () => {
  let fails = true;
  const { cache } = openCache(() =>
    fails
      ? Promise.reject(new ModelError("m", "no memory", { outOfMemory: true }))
      : Promise.resolve(createIdentity() as never)
  );
  await expect(cache.find("default", "lab")).rejects.toThrow(/no memory/);
  fails = false;
  await (await cache.find("default", "lab")).close();
  await expect(cache.find("other", "lab")).rejects.toThrow(/model other/);
  await cache.close();
});
