/** Models on a worker's disk: bounded, and gone when they are deleted. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openModelCache } from "../../gpu-worker/model_cache.ts";
import { openModelCopies } from "../../gpu-worker/model_copies.ts";
import type { ModelBook } from "../../shared/queue/models.ts";
import type { StoredModel } from "../../shared/schema/tasks.ts";
import { openFolder } from "../../shared/storage/folder.ts";
import { objectKey } from "../../shared/storage/keys.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";
import { createIdentity } from "../pipeline/fake_encoder.ts";

/** Bytes of each model: a graph and its description. */
const BYTES = 1000;
const HOUR = 3_600_000;

let root: string;
let folder: string;
let store: ObjectStore;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "cytoedge-copies-"));
  folder = join(root, "models");
  store = await openFolder({
    root: join(root, "store"),
    baseUrl: "/store",
    secret: new Uint8Array(32),
  });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

async function storeModelOf(tenant: string, digest: string) {
  for (const name of ["model.onnx", "model.json"]) {
    const key = objectKey(tenant, "models", digest, name);
    const bytes = new Uint8Array(BYTES / 2);
    await store.put(key, bytes, { mediaType: "a/b" });
  }
  return { digest, files: [{ name: "model.onnx" }] } as unknown as StoredModel;
}

async function deleteModelOf(tenant: string, digest: string) {
  for (const name of ["model.onnx", "model.json"]) {
    await store.delete(objectKey(tenant, "models", digest, name));
  }
}

const copied = () => existsSync(folder) ? readdirSync(folder).sort() : [];
const never = () => false;

/** A cache of models whose ids are their digests. */
function openCache(options: { maxLoaded?: number; maxCopyBytes?: number }) {
  const done: string[] = [];
  const cache = openModelCache({
    shipped: "shipped",
    models: {
      require: (_: string, digest: string) =>
        Promise.resolve({ digest, files: [{ name: "model.onnx" }] }),
    } as unknown as ModelBook,
    store,
    folder,
    load(path) {
      const name = path.split("/").at(-1);
      done.push(`load ${name}`);
      const close = () => Promise.resolve(void done.push(`close ${name}`));
      return Promise.resolve({ ...createIdentity(), close });
    },
    ...options,
  });
  return { cache, done };
}

test("listDeleted() names copies whose last owner has deleted them", async () => {
  const copies = openModelCopies(store, folder, { maxBytes: 10 * BYTES });
  expect(await copies.listDeleted()).toEqual([]);
  const model = await storeModelOf("lab", "aa");
  await storeModelOf("other", "aa");
  expect((await copies.bring("lab", model)).isNew).toBe(true);
  expect((await copies.bring("other", model)).isNew).toBe(false);
  await copies.bring("lab", await storeModelOf("lab", "bb"));
  expect(await copies.listDeleted()).toEqual([]);
  await deleteModelOf("lab", "aa");
  expect(await copies.listDeleted()).toEqual([]);
  await deleteModelOf("other", "aa");
  expect(await copies.listDeleted()).toEqual(["aa"]);
  await copies.remove("aa", () => true);
  expect(copied()).toEqual(["aa", "bb"]);
  await copies.remove("aa", never);
  expect(copied()).toEqual(["bb"]);
});

test("listDeleted() leaves a copy without owners while it is young", async () => {
  let now = Date.now();
  const options = { maxBytes: 10 * BYTES, now: () => now };
  const copies = openModelCopies(store, folder, options);
  await mkdir(join(folder, "aa"), { recursive: true });
  expect(await copies.listDeleted()).toEqual([]);
  now += HOUR;
  expect(await copies.listDeleted()).toEqual(["aa"]);
});

test("shrink() removes the least recently used until the bytes fit", async () => {
  let now = Date.now();
  const copies = openModelCopies(store, folder, {
    maxBytes: 2 * BYTES,
    now: () => now,
  });
  const models = [];
  for (const digest of ["aa", "bb", "cc", "dd"]) {
    models.push(await storeModelOf("lab", digest));
    await copies.bring("lab", models.at(-1)!);
    now += HOUR;
  }
  await copies.bring("lab", models[0]);
  await copies.shrink((digest) => digest === "bb");
  expect(copied()).toEqual(["aa", "bb"]);
  // what has gone is brought again
  expect((await copies.bring("lab", models[3])).isNew).toBe(true);
  expect(copied()).toEqual(["aa", "bb", "dd"]);
});

test("shrink() removes what a process left half brought, after a day", async () => {
  const copies = openModelCopies(store, folder, { maxBytes: 2 * BYTES });
  for (const name of ["aa.part", "bb.part"]) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "model.onnx"), "half");
  }
  const before = (Date.now() - 25 * HOUR) / 1000;
  await utimes(join(folder, "aa.part"), before, before);
  await copies.shrink(never);
  expect(copied()).toEqual(["bb.part"]);
});

test("sweep() unloads a deleted model and removes its copy when nobody uses it", async () => {
  const { cache, done } = openCache({});
  await storeModelOf("lab", "aa");
  const encoder = await cache.find("aa", "lab");
  await deleteModelOf("lab", "aa");
  await cache.sweep();
  expect(copied()).toEqual(["aa"]);
  expect(done).toEqual(["load aa"]);
  await encoder.close();
  await cache.sweep();
  expect(copied()).toEqual([]);
  expect(done).toEqual(["load aa", "close aa"]);
  // made again it is brought again
  await storeModelOf("lab", "aa");
  await (await cache.find("aa", "lab")).close();
  expect(done.slice(2)).toEqual(["load aa"]);
  await cache.close();
});

test("find() keeps the copies within their bound, but for those in use", async () => {
  const { cache } = openCache({ maxLoaded: 0, maxCopyBytes: BYTES });
  for (const digest of ["aa", "bb", "cc"]) await storeModelOf("lab", digest);
  const held = await cache.holdFolder("aa", "lab");
  await (await cache.find("bb", "lab")).close();
  await (await cache.find("cc", "lab")).close();
  expect(copied()).toEqual(["aa", "cc"]);
  held.release();
  held.release();
  await cache.sweep();
  expect(copied()).toEqual(["cc"]);
  await cache.close();
});
