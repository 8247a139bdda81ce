import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chooseItems } from "../../gpu-worker/train/choose_items.ts";
import { findItems } from "../../gpu-worker/train/find_items.ts";
import type { BatchSpec } from "../../gpu-worker/train/make_batches.ts";
import {
  openLocalPreparer,
  openWorkerPreparer,
} from "../../gpu-worker/train/open_batches.ts";
import {
  pickAcrossKinds,
  splitByName,
  splitFolds,
} from "../../gpu-worker/train/split_items.ts";
import { encodeLabelPng } from "../../shared/image/labels.ts";
import { encodeNpy } from "../../shared/image/npy.ts";
import { encodePng } from "../../shared/image/png.ts";
import { encodeSegNpy } from "../../shared/image/seg_npy_write.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { core } from "../core.ts";
import { makeFolder, writeFile, writeScene } from "./folders.ts";

let root: ReturnType<typeof makeFolder>;
const SIZE = { height: 96, width: 112 };
const PIXELS = SIZE.height * SIZE.width;

const SPEC: Omit<BatchSpec, "files"> = {
  seed: 1,
  batch: 2,
  weights: "count",
  memoryBytes: 2 ** 28,
  minMasks: 3,
  cropSize: 64,
  channels: 3,
  diameter: 20,
  scaleRange: 0.5,
  rotate: true,
  flip: true,
  focus: 0.5,
  intensity: 1,
  layout: "any",
};

beforeAll(() => {
  root = makeFolder();
  for (const name of ["a", "b", "c"]) {
    writeScene(join(root.path, "good", name), name.charCodeAt(0));
  }
});
afterAll(() => root.remove());

test("findItems() pairs images with labels of every name and format", () => {
  const folder = join(root.path, "pairs");
  const data = new Uint8Array(PIXELS);
  const image = encodePng({ data, size: SIZE, channels: 1 });
  const names = {
    one: "one_masks.tif",
    two: "two_cp_masks.png",
    three: "three_labels.png",
    four: "four_seg.npy",
    five: "five.geojson",
    six: undefined,
  };
  for (const [stem, labels] of Object.entries(names)) {
    writeFile(join(folder, `${stem}.png`), image);
    if (labels) writeFile(join(folder, labels), "");
  }
  writeFile(join(folder, "one_overlay_cp_masks.png"), image);
  const found = findItems([folder]);
  expect(
    Object.fromEntries(
      found.map(({ name, labels }) => [
        name.slice("pairs/".length, -".png".length),
        labels?.slice(folder.length + 1),
      ]),
    ),
  ).toEqual(names);
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["pairs"]));
});

test("findItems() takes pairs, kinds and licences of a manifest", () => {
  const folder = join(root.path, "told");
  writeScene(join(folder, "x"), 5);
  const images = [{
    file: "x.png",
    labels: "x_masks.png",
    modality: "phase",
    licence: "MIT",
    evaluation_only: false,
  }];
  writeFile(join(folder, "manifest.json"), JSON.stringify({ images }));
  expect(findItems([folder])).toEqual([{
    name: "told/x.png",
    image: join(folder, "x.png"),
    labels: join(folder, "x_masks.png"),
    kind: "phase",
    licence: "MIT",
  }]);
});

test("findItems() refuses what is for evaluation only, by name", () => {
  const folder = join(root.path, "reserved");
  const images = [
    { file: "a.png", evaluation_only: false },
    { file: "secret.png", evaluation_only: true },
  ];
  writeFile(join(folder, "manifest.json"), JSON.stringify({ images }));
  expect(() => findItems([folder])).toThrow(
    /secret\.png .* evaluation_only: it must not be trained on/,
  );
});

test("findItems() says what is wrong with folders and manifests", () => {
  expect(() => findItems([join(root.path, "none")])).toThrow(/is no folder/);
  const empty = join(root.path, "empty");
  writeFile(join(empty, "readme.txt"), "");
  expect(() => findItems([empty])).toThrow(/holds no image/);
  writeFile(join(empty, "manifest.json"), "{");
  expect(() => findItems([empty])).toThrow(/is no JSON/);
  writeFileSync(join(empty, "manifest.json"), '{"images": [{"labels": 1}]}');
  expect(() => findItems([empty])).toThrow(/images\.0\./);
});

test("a survey names what is wrong with each label file", async () => {
  const folder = join(root.path, "faults");
  const labels = writeScene(join(folder, "fine"), 9);
  const data = Uint8Array.from({ length: PIXELS }, (_, i) => i % 251);
  const image = encodePng({ data, size: SIZE, channels: 1 });
  const put = (name: string, end: string, bytes: Uint8Array) => {
    writeFile(join(folder, `${name}.png`), image);
    writeFile(join(folder, `${name}${end}`), bytes);
  };
  const small = { height: 10, width: 12 };
  const rgb = new Uint8Array(PIXELS * 3).fill(7);
  put("rgb", "_masks.png", encodePng({ data: rgb, size: SIZE, channels: 3 }));
  const floats = Float32Array.from(labels, (v) => v > 0 ? 0.7 : 0.1);
  put(
    "float",
    "_masks.tif",
    encodeTiff({ data: floats, axes: "YX", shape: [96, 112] }),
  );
  const binary = labels.map((label) => label > 0 ? 255 : 0);
  put("binary", "_masks.png", encodeLabelPng({ masks: binary, size: SIZE }));
  const whole = labels.map(() => 1);
  put("whole", "_masks.png", encodeLabelPng({ masks: whole, size: SIZE }));
  const classes = labels.map((label) => label === 0 ? 0 : 1 + label % 2);
  put("classes", "_masks.png", encodeLabelPng({ masks: classes, size: SIZE }));
  const other = new Uint32Array(120);
  put("size", "_masks.png", encodeLabelPng({ masks: other, size: small }));
  const none = labels.map(() => 0);
  put("blank", "_masks.png", encodeLabelPng({ masks: none, size: SIZE }));
  writeFile(join(folder, "alone.png"), image);
  writeFile(join(folder, "broken.png"), image.subarray(0, 50));
  writeFile(join(folder, "broken_masks.png"), "");
  const stack = encodeNpy(new Uint8Array(5 * PIXELS), [5, 96, 112]);
  writeFile(join(folder, "stack.npy"), stack);
  put(
    "seg",
    "_seg.npy",
    encodeSegNpy({ masks: labels, size: SIZE, filename: "seg" }),
  );

  const files = findItems([folder]);
  const { facts, leftOut } = await openLocalPreparer(core)
    .survey({ ...SPEC, files });
  expect(facts.map(({ name }) => name)).toEqual([
    "faults/fine.png",
    "faults/seg.png",
  ]);
  const found = Object.fromEntries(
    leftOut.map(({ name, fault }) => [name.slice("faults/".length), fault]),
  );
  expect(found).toEqual({
    "rgb.png": "wrong-label-format",
    "float.png": "wrong-label-format",
    "binary.png": "one-class",
    "whole.png": "one-class",
    "classes.png": "semantic-classes",
    "size.png": "size-mismatch",
    "blank.png": "too-few-masks",
    "alone.png": "no-labels",
    "broken.png": "unreadable",
    "stack.npy": "not-an-image",
  });
  const detail = (name: string) =>
    leftOut.find((each) => each.name === `faults/${name}`)?.detail;
  expect(detail("binary.png")).toMatch(/label 255; give each cell a number/);
  expect(detail("size.png")).toBe("labels are 10×12, the image is 96×112");
  expect(detail("float.png")).toMatch(/is no label/);
});

test("batches depend on seed and number only, here and in a worker", async () => {
  const files = findItems([join(root.path, "good")]);
  const scenes = {
    module: new URL("../../gpu-worker/train/render_item.ts", import.meta.url)
      .href,
    share: 0.4,
    count: 3,
  };
  const spec = { ...SPEC, files, scenes };
  const local = await openLocalPreparer(core).open(spec);
  const first = [await local.get(0), await local.get(1), await local.get(5)];
  const again = await openLocalPreparer(core).open(spec);
  // a resumed training asks for later batches first
  expect(await again.get(5)).toEqual(first[2]);
  expect(await again.get(1)).toEqual(first[1]);
  const other = await openLocalPreparer(core).open({ ...spec, seed: 2 });
  expect((await other.get(0)).images).not.toEqual(first[0].images);

  const preparer = await openWorkerPreparer(core);
  try {
    const worker = await preparer.open(spec);
    const beside = await preparer.open({ ...spec, seed: 2 });
    expect(await worker.get(0)).toEqual(first[0]);
    expect(await beside.get(0)).toEqual(await other.get(0));
    expect(await worker.get(5)).toEqual(first[2]);
  } finally {
    preparer.close();
  }
});

test("a batch holds foreground and the flows of its own labels", async () => {
  const files = findItems([join(root.path, "good")]);
  const batches = await openLocalPreparer(core).open({ ...SPEC, files });
  const { images, targets, count } = await batches.get(3);
  expect(images.length).toBe(count * 3 * 64 * 64);
  expect(images.every(Number.isFinite)).toBe(true);
  let cells = 0;
  for (let i = 0; i < 64 * 64; i++) {
    const [isCell, dy, dx] = [0, 1, 2].map((k) => targets[k * 64 * 64 + i]);
    cells += isCell;
    const length = Math.hypot(dy, dx);
    if (isCell === 0) expect(length).toBe(0);
    else expect(length === 0 || Math.abs(length - 1) < 1e-5).toBe(true);
  }
  expect(cells).toBeGreaterThan(100);
});

test("a small memory gives the same batches", async () => {
  const files = findItems([join(root.path, "good")]);
  const large = await openLocalPreparer(core).open({ ...SPEC, files });
  const small = await openLocalPreparer(core).open({
    ...SPEC,
    files,
    memoryBytes: 1,
  });
  for (const k of [0, 1, 2]) {
    expect(await small.get(k)).toEqual(await large.get(k));
  }
});

test("a failure in the worker is told to whoever asks", async () => {
  const files = [{
    name: "x",
    image: "nowhere.png",
    labels: "nowhere_masks.png",
    kind: "x",
    licence: null,
  }];
  const preparer = await openWorkerPreparer(core);
  const batches = await preparer.open({ ...SPEC, files });
  await expect(batches.get(0)).rejects.toThrow(/x was usable/);
  preparer.close();
});

test("chooseItems() shows every image once a round", () => {
  const choose = chooseItems(["a", "a", "b"], { seed: 3, weights: "count" });
  for (let round = 0; round < 5; round++) {
    const items = [0, 1, 2].map((k) => choose(3 * round + k));
    expect(items.sort()).toEqual([0, 1, 2]);
  }
  // out of order, as a resumed training asks
  const other = chooseItems(["a", "a", "b"], { seed: 3, weights: "count" });
  expect([7, 2].map(other)).toEqual([7, 2].map(choose));
});

test("chooseItems() weighs kinds", () => {
  const kinds = [...Array(90).fill("many"), ...Array(10).fill("few")];
  const shareOfFew = (
    weights: Parameters<typeof chooseItems>[1]["weights"],
  ) => {
    const choose = chooseItems(kinds, { seed: 1, weights });
    const drawn = Array.from({ length: 4000 }, (_, k) => choose(k));
    return drawn.filter((i) => i >= 90).length / 4000;
  };
  expect(shareOfFew("equal")).toBeCloseTo(0.5, 1);
  expect(shareOfFew("root")).toBeCloseTo(0.25, 1);
  expect(shareOfFew({ few: 1 })).toBe(1);
  expect(() => shareOfFew({ fewer: 1 })).toThrow(/kinds are few; many/);
  expect(() => shareOfFew({ few: 0 })).toThrow(/one above 0/);
});

test("splitByName() holds whole images out, by their names alone", () => {
  const items = Array.from({ length: 300 }, (_, i) => ({ name: `d/${i}.png` }));
  const { train, held } = splitByName(items, 0.2);
  expect(train.length + held.length).toBe(300);
  expect(held.length).toBeGreaterThan(35);
  expect(held.length).toBeLessThan(85);
  // more images do not move one, another folder neither
  const half = splitByName(
    items.slice(0, 150).map(({ name }) => ({ name: name.replace("d", "e") })),
    0.2,
  );
  const stay = new Set(held.map(({ name }) => name.slice(2)));
  expect(half.held.every(({ name }) => stay.has(name.slice(2)))).toBe(true);
  expect(splitByName(items, 0).held).toEqual([]);
  expect(splitByName(items.slice(0, 2), 0.01).held).toHaveLength(1);
});

test("splitFolds() holds each item out once", () => {
  const items = Array.from({ length: 7 }, (_, i) => ({ name: `${i}` }));
  const folds = splitFolds(items, 3);
  expect(folds.flatMap(({ held }) => held).length).toBe(7);
  expect(new Set(folds.flatMap(({ held }) => held)).size).toBe(7);
  for (const { train, held } of folds) {
    expect(train.length + held.length).toBe(7);
  }
});

test("pickAcrossKinds() takes kinds in turn", () => {
  const items = ["a", "a", "a", "b"].map((kind, i) => ({ name: `${i}`, kind }));
  expect(pickAcrossKinds(items, 2).map(({ kind }) => kind)).toEqual(["a", "b"]);
  expect(pickAcrossKinds(items, 9)).toHaveLength(4);
});
