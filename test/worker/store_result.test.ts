import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type StoredParts,
  storeResult,
} from "../../gpu-worker/store_result.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { openFolder } from "../../shared/storage/folder.ts";
import { readBytes } from "../../shared/storage/read_bytes.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";

const SIZE = { height: 2, width: 3 };
const FILES = ["cells_cp_masks.tif", "network.npy"];
const never = new AbortController().signal;

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "cytoedge-result-"));
  store = await openFolder({
    root,
    baseUrl: "/store",
    secret: new Uint8Array(32),
  });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A result of a plane whose flows and logits lie in `all`, or apart. */
function partsOf(all: Float32Array, isApart = false): StoredParts {
  const cut = (from: number, to?: number) =>
    isApart ? all.slice(from, to) : all.subarray(from, to);
  const plane = {
    masks: Uint32Array.of(0, 1, 1, 0, 2, 2),
    size: SIZE,
    flows: cut(0, 12),
    cellprob: cut(12),
    flowsSize: SIZE,
  };
  const parts = {
    outputs: ["tif"],
    folder: (file: string) => `results/${file}`,
    description: { id: "it" },
    result: { planes: [plane], size: SIZE },
    image: {},
    fileName: "cells.png",
    stem: "cells",
  };
  return parts as unknown as StoredParts;
}

const numbers = () => Float32Array.from({ length: 18 }, (_, i) => i);

const listed = async () =>
  (await store.list("results/")).objects.map(({ key }) => key.slice(8));

test.each([false, true])(
  "storeResult() stores flows and logits as one array, apart: %s",
  async (isApart) => {
    const files = await storeResult(store, partsOf(numbers(), isApart), never);
    expect(files.toSorted()).toEqual(FILES);
    const network = decodeNpy(await readBytes(store, "results/network.npy"));
    expect(network.shape).toEqual([3, 2, 3]);
    expect(network.data).toEqual(numbers());
    const text = new TextDecoder().decode(
      await readBytes(store, "results/result.json"),
    );
    expect(JSON.parse(text)).toEqual({ id: "it", outputs: ["tif"], files });
  },
);

test("storeResult() lets the description appear when all files have", async () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  const slow: ObjectStore = {
    ...store,
    async put(key, content, options) {
      options.onSent?.();
      if (key.endsWith(".tif")) await opened;
      return await store.put(key, content, options);
    },
  };
  const stored = storeResult(slow, partsOf(numbers()), never);
  while ((await listed()).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // longer than writing the description takes
  await store.put("other", new Uint8Array(100), { mediaType: "a/b" });
  expect(await listed()).toEqual(["network.npy"]);
  open();
  await stored;
  expect(await listed()).toEqual([...FILES, "result.json"]);
});

test.each(FILES)(
  "storeResult() writes no description where %s fails",
  async (name) => {
    const broken: ObjectStore = {
      ...store,
      put: (key, content, options) =>
        key.endsWith(name)
          ? Promise.reject(new Error("refused"))
          : store.put(key, content, options),
    };
    const parts = partsOf(numbers());
    await expect(storeResult(broken, parts, never)).rejects.toThrow();
    expect(await listed()).not.toContain("result.json");
  },
);

test("storeResult() of a full store fails once, with nothing left unhandled", async () => {
  const unhandled: unknown[] = [];
  const note = (err: unknown) => unhandled.push(err);
  process.on("unhandledRejection", note);
  try {
    const full: ObjectStore = {
      ...store,
      // the flows fit, nothing after them does; what comes later is not asked
      put: (key, content, options) =>
        key.endsWith(".npy")
          ? store.put(key, content, options)
          : Promise.reject(new Error("full")),
    };
    await expect(storeResult(full, partsOf(numbers()), never)).rejects
      .toThrow("full");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
  }
});
