import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sendNetwork } from "../../gpu-worker/send_network.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { openFolder } from "../../shared/storage/folder.ts";
import { readBytes } from "../../shared/storage/read_bytes.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";

const KEY = "results/network.npy";
const size = { height: 2, width: 3 };
const all = Float32Array.from({ length: 18 }, (_, i) => i - 4);
const output = { flows: all.subarray(0, 12), cellprob: all.subarray(12), size };

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "cytoedge-network-"));
  store = await openFolder({
    root,
    baseUrl: "/store",
    secret: new Uint8Array(32),
  });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("sendNetwork() stores an output that appears when it is released", async () => {
  const network = sendNetwork(store, KEY, output);
  await network.sent;
  expect(readdirSync(join(root, "tmp"))).toHaveLength(1);
  expect(await store.head(KEY)).toBeUndefined();
  await network.release();
  const { data, shape } = decodeNpy(await readBytes(store, KEY));
  expect(shape).toEqual([3, 2, 3]);
  expect(data).toEqual(all);
});

test("sendNetwork() leaves nothing of what is dropped", async () => {
  const network = sendNetwork(store, KEY, output);
  await network.sent;
  await network.drop();
  expect(await store.head(KEY)).toBeUndefined();
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
  // also before the store has begun
  await sendNetwork(store, KEY, output).drop();
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
});

test("sendNetwork() tells a failure of the store when it is released", async () => {
  const full: ObjectStore = {
    ...store,
    put: () => Promise.reject(new Error("full")),
  };
  const network = sendNetwork(full, KEY, output);
  await network.sent;
  await expect(network.release()).rejects.toThrow("full");
  await network.drop();
});
