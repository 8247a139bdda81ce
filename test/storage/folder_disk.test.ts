import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { appendFile, readdir, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { isSegError, StorageError } from "../../shared/errors.ts";
import { openFolder } from "../../shared/storage/folder.ts";

const scratch = mkdtempSync(join(tmpdir(), "cytoedge-disk-"));
const disk = mkdtempSync(join(tmpdir(), "cytoedge-full-"));
const hasDisk = mountSmallDisk(disk);

afterAll(() => {
  if (hasDisk) execFileSync("umount", [disk]);
  rmSync(disk, { recursive: true });
  rmSync(scratch, { recursive: true });
});

function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false; // only the superuser may
  }
}

const open = (root: string) =>
  openFolder({ root, baseUrl: "/", secret: new Uint8Array(32).fill(1) });

const TYPE = { mediaType: "image/png" };

test.skipIf(!hasDisk)(
  "put() tells that the disk is full, and leaves nothing of the object",
  async () => {
    const store = await open(disk);
    await store.put("small", new Uint8Array(1000), TYPE);
    const large = store.put("large", new Uint8Array(2_000_000), TYPE);
    const err = await large.catch((e) => e);
    expect(err).toBeInstanceOf(StorageError);
    expect(err.isFull).toBe(true);
    expect(err.message).toContain("no space is left");
    expect(await store.head("large")).toBeUndefined();
    expect(await readdir(join(disk, "tmp"))).toEqual([]);
    // the space is free again
    await store.put("other", new Uint8Array(500_000), TYPE);
  },
);

test("get() tells of a file that is no object", async () => {
  const store = await open(scratch);
  await writeFile(join(scratch, "objects", "foreign"), "not written by us");
  await store.put("cut", new Uint8Array(5000), TYPE);
  await truncate(join(scratch, "objects", "cut"), 3000);
  await store.put("grown", new Uint8Array(5000), TYPE);
  await appendFile(join(scratch, "objects", "grown"), "more");
  for (const key of ["foreign", "cut", "grown"]) {
    await expect(store.get(key)).rejects
      .toSatisfy((e) => isSegError(e, "storage"));
  }
});

test("put() under an object, or over a prefix, is refused", async () => {
  const store = await open(scratch);
  await store.put("p/a", new Uint8Array(1), TYPE);
  for (const key of ["p", "p/a/b"]) {
    await expect(store.put(key, new Uint8Array(1), TYPE)).rejects
      .toSatisfy((e) => isSegError(e, "storage"));
  }
  expect(await store.head("p/a")).toBeDefined();
});

test("put() and delete() of neighbors do not disturb one another", async () => {
  const store = await open(scratch);
  const keys = Array.from({ length: 40 }, (_, i) => `race/${i % 4}/${i}`);
  for (let round = 0; round < 5; round++) {
    await Promise.all(keys.map(async (key) => {
      await store.put(key, new Uint8Array(10), TYPE);
      await store.delete(key);
    }));
  }
  expect((await store.list("race/")).objects).toEqual([]);
  expect(await readdir(join(scratch, "objects"))).not.toContain("race");
});

test("put() of a killed process leaves a whole object or none", async () => {
  const script = fileURLToPath(new URL("put_forever.ts", import.meta.url));
  const store = await open(scratch);
  const seen = new Set<number>();
  for (let kill = 0; kill < 4; kill++) {
    const child = spawn(process.execPath, ["run", "-A", script, scratch], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    // killed somewhere within its second or a later write
    await once(child.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, 7 * kill));
    child.kill("SIGKILL");
    await closed;
    const found = await store.get("killed");
    const bytes = new Uint8Array(await new Response(found.body).arrayBuffer());
    expect(bytes).toHaveLength(4_000_000);
    expect(new Set(bytes).size).toBe(1);
    seen.add(bytes[0]);
  }
  expect(seen.size).toBeGreaterThan(0);
}, 60_000);
