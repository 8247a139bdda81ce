import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepTraining } from "../../gpu-worker/kept_training.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { openTaskBook } from "../../shared/queue/tasks.ts";
import { keyPrefix } from "../../shared/storage/keys.ts";
import { openFolder } from "../../shared/storage/folder.ts";

test("openTaskBook() forgets the checkpoint of a training whose workers all died", async () => {
  const root = mkdtempSync(join(tmpdir(), "cytoedge-given-up-"));
  const clock = { now: 1_000 };
  const now = () => clock.now;
  const backend = openSqlite({ path: ":memory:", now });
  const store = await openFolder({
    root,
    baseUrl: "/store",
    secret: new Uint8Array(32),
  });
  const book = await openTaskBook(backend, "trainings", {
    now,
    leaseMs: 100,
    onGivenUp: (ref) => keepTraining(store, ref).drop(),
  });
  try {
    await book.create({ tenant: "lab", id: "t1", key: "key", input: {} });
    const key = `${keyPrefix("lab", "trainings", "t1")}checkpoint`;
    await store.put(key, new Uint8Array(9), { mediaType: "a/b" });
    for (let death = 1; death <= 3; death++) {
      expect(await book.queue.pull()).toHaveLength(1);
      expect(await store.head(key)).toBeDefined();
      clock.now += 101;
    }
    expect(await book.queue.pull()).toEqual([]);
    expect(await book.get("lab", "t1")).toMatchObject({ state: "failed" });
    expect(await store.head(key)).toBeUndefined();
  } finally {
    await store.close();
    await backend.close();
    rmSync(root, { recursive: true, force: true });
  }
});
