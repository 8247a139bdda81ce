import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadGraph } from "../gpu-worker/run_graph.ts";
import { buildGraph, encodeModel } from "../shared/graph/mod.ts";
import { encodeLabelPng } from "../shared/image/labels.ts";
import { encodePng } from "../shared/image/png.ts";
import { generateScene } from "../shared/synthetic/mod.ts";
import { core } from "./core.ts";
import { correctWorst } from "./experiments/training/correct.ts";
import { cropItem, findFullest } from "./experiments/training/crops.ts";
import {
  drawImages,
  leaveOut,
  sortKinds,
} from "./experiments/training/draws.ts";
import type { Item } from "./experiments/training/lab.ts";
import { findBoxes, segmentByPrompts } from "./experiments/training/prompts.ts";
import {
  hideSquares,
  reconstructionLoss,
  withUntrainedHead,
} from "./experiments/training/reconstruct.ts";
import { makeFolder, writeFile } from "./train/folders.ts";

const root = makeFolder();
afterAll(() => root.remove());

const named = (kind: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `${kind}/${i}`, kind }));

test("sortKinds() measures kinds of eight images and lists the others", () => {
  const { measurable, others } = sortKinds([
    ...named("few", 7),
    ...named("enough", 8),
    ...named("many", 20),
  ]);
  expect([...measurable.keys()]).toEqual(["enough", "many"]);
  expect(others).toEqual([{ kind: "few", images: 7 }]);
});

test("drawImages() never tests on images that it tunes on", () => {
  const items = named("a", 13);
  const seen = new Set<string>();
  for (let draw = 0; draw < 20; draw++) {
    const { test, tune } = drawImages(items, draw);
    expect([test.length, tune.length]).toEqual([3, 10]);
    const all = [...test, ...tune].map(({ name }) => name);
    expect(new Set(all).size).toBe(13);
    seen.add(test.map(({ name }) => name).sort().join());
  }
  // draws differ
  expect(seen.size).toBeGreaterThan(10);
});

test("drawImages() depends on names, not on their order", () => {
  const items = named("a", 9);
  expect(drawImages(items.toReversed(), 4)).toEqual(drawImages(items, 4));
});

test("leaveOut() leaves nothing of the kind", () => {
  const items = [...named("a", 3), ...named("b", 2)];
  expect(leaveOut(items, "a")).toEqual(named("b", 2));
});

const size = { height: 96, width: 96 };

function sceneOf(seed: number): Uint32Array {
  return generateScene(seed, {
    shape: "mixed",
    count: 12,
    overlap: 0.3,
    radius: [5, 12],
    size,
  }).labels;
}

const apOf = (truth: Uint32Array, masks: Uint32Array) =>
  core.averagePrecision(truth, masks, size, [0.5])[0].ap;

test("correctWorst() makes everything right if it may", () => {
  for (let seed = 0; seed < 12; seed++) {
    // the prediction is another scene, with some cells of this one
    const truth = sceneOf(seed);
    const other = sceneOf(seed + 100);
    const masks = truth.map((label, i) =>
      label % 3 === 1 ? label : 50 + other[i]
    )
      .map((label) => label === 50 ? 0 : label);
    const before = correctWorst(core, { truth, masks, size }, Infinity);
    expect(before.made).toBe(before.needed);
    expect(before.needed).toBeGreaterThan(0);
    expect(apOf(truth, masks)).toBeLessThan(1);
    expect(apOf(truth, before.labels)).toBe(1);
  }
});

test("correctWorst() leaves a right prediction as it is", () => {
  const truth = sceneOf(1);
  const { labels, needed } = correctWorst(
    core,
    { truth, masks: truth, size },
    Infinity,
  );
  expect(needed).toBe(0);
  expect(labels).toEqual(truth);
  const empty = new Uint32Array(truth.length);
  expect(correctWorst(core, { truth: empty, masks: empty, size }, 9).needed)
    .toBe(0);
});

test("correctWorst() begins with the worst, and stops at the limit", () => {
  // three squares: one missed, one found by a third, one found by 0.48
  const truth = new Uint32Array(size.height * size.width);
  const masks = truth.slice();
  const fill = (
    labels: Uint32Array,
    label: number,
    [x0, x1]: readonly [number, number],
  ) => {
    for (let y = 10; y < 20; y++) labels.fill(label, 96 * y + x0, 96 * y + x1);
  };
  fill(truth, 1, [0, 25]);
  fill(truth, 2, [30, 55]);
  fill(truth, 3, [60, 85]);
  fill(masks, 7, [30, 38]);
  fill(masks, 9, [60, 72]);
  const one = correctWorst(core, { truth, masks, size }, 1);
  expect([one.needed, one.made]).toEqual([3, 1]);
  const isRight = (labels: Uint32Array, [x0, x1]: [number, number]) =>
    new Set(labels.slice(96 * 12 + x0, 96 * 12 + x1)).size === 1 &&
    labels[96 * 12 + x0] > 0;
  expect(isRight(one.labels, [0, 25])).toBe(true);
  expect(isRight(one.labels, [30, 55])).toBe(false);
  const two = correctWorst(core, { truth, masks, size }, 2);
  expect(isRight(two.labels, [30, 55])).toBe(true);
  expect(isRight(two.labels, [60, 85])).toBe(false);
});

test("correctWorst() erases what is no cell", () => {
  const truth = new Uint32Array(size.height * size.width);
  const { needed, labels } = correctWorst(
    core,
    { truth, masks: sceneOf(3), size },
    Infinity,
  );
  expect(needed).toBe(new Set(sceneOf(3)).size - 1);
  expect(labels).toEqual(truth);
});

test("findFullest() takes the window with the most cell pixels", () => {
  const wide = { height: 300, width: 600 };
  const labels = new Uint32Array(300 * 600);
  for (let y = 200; y < 300; y++) labels.fill(1, 600 * y + 500, 600 * y + 600);
  labels.fill(2, 0, 100);
  const box = findFullest(labels, wide);
  expect([box.height, box.width]).toEqual([256, 256]);
  expect(box.top).toBe(44);
  expect(box.left).toBe(344);
  const small = findFullest(new Uint32Array(20 * 30), {
    height: 20,
    width: 30,
  });
  expect(small).toEqual({ top: 0, left: 0, height: 20, width: 30 });
});

test("cropItem() cuts image and labels alike, and no specks of cells", async () => {
  const tall = { height: 300, width: 280 };
  const truth = new Uint32Array(300 * 280);
  const data = new Uint8Array(3 * 300 * 280);
  for (let y = 100; y < 140; y++) truth.fill(5, 280 * y + 60, 280 * y + 100);
  // ten pixels are no cell
  truth.fill(6, 280 * 250 + 200, 280 * 250 + 210);
  for (const [i, label] of truth.entries()) {
    data[3 * i + 1] = 40 * label + i % 7;
  }
  writeFile(
    join(root.path, "a.png"),
    encodePng({ data, size: tall, channels: 3 }),
  );
  writeFile(
    join(root.path, "a_masks.png"),
    encodeLabelPng({ masks: truth, size: tall }),
  );
  const item = {
    name: "folder/a.png",
    kind: "k",
    file: {
      name: "folder/a.png",
      image: join(root.path, "a.png"),
      labels: join(root.path, "a_masks.png"),
      kind: "k",
      licence: null,
    },
    facts: {
      name: "folder/a.png",
      kind: "k",
      size: tall,
      channels: 3,
      cells: 2,
      diameter: 45,
    },
  } satisfies Item;
  const folder = join(root.path, "crops");
  const { facts, file } = await cropItem(core, item, folder);
  expect(facts).toMatchObject({
    size: { height: 256, width: 256 },
    channels: 3,
    cells: 1,
  });
  const { readItem } = await import("../gpu-worker/train/read_item.ts");
  const read = await readItem(core, file, { minMasks: 0 });
  if ("fault" in read) throw new Error(read.detail);
  const green = read.image.subarray(256 * 256, 2 * 256 * 256);
  let cells = 0;
  for (const [i, label] of read.labels!.entries()) {
    if (label === 0) continue;
    cells++;
    expect(green[i]).toBeGreaterThanOrEqual(200);
  }
  expect(cells).toBe(1600);
});

test("hideSquares() hides half of an image, which is the target", async () => {
  const images = new Float32Array(2 * 3 * 128 * 128).fill(1);
  const batch = {
    images,
    targets: new Float32Array(2 * 3 * 128 * 128),
    count: 2,
    channels: 3,
    height: 128,
    width: 128,
  };
  const preparer = hideSquares({
    survey: () => Promise.reject(new Error("not asked")),
    open: () =>
      Promise.resolve({
        get: () => Promise.resolve(batch),
        cost: () => ({ milliseconds: 0, batches: 0 }),
        close: () => {},
      }),
    close: () => {},
  });
  const batches = await preparer.open({} as never);
  const first = await batches.get(3);
  expect(first.targets).toEqual(images);
  const seen = first.images.reduce((a, b) => a + b, 0) / images.length;
  expect(seen).toBeGreaterThan(0.35);
  expect(seen).toBeLessThan(0.65);
  // all channels of a square, and the same squares again
  const plane = 128 * 128;
  expect(first.images.subarray(0, plane))
    .toEqual(first.images.subarray(plane, 2 * plane));
  expect((await batches.get(3)).images).toEqual(first.images);
  expect((await batches.get(4)).images).not.toEqual(first.images);
});

test("reconstructionLoss() is the mean squared error", async () => {
  const g = buildGraph("loss");
  const shape = [2, 3, 4, 4];
  const a = g.input("a", "f32", shape);
  const b = g.input("b", "f32", shape);
  g.output("loss", reconstructionLoss(g, a, { targets: b }));
  const pieces = [...encodeModel(g.finish()).model];
  const runner = await loadGraph(
    new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()),
  );
  const x = Float32Array.from({ length: 96 }, (_, i) => i % 5);
  const y = Float32Array.from({ length: 96 }, (_, i) => i % 3);
  const { loss } = await runner.run({
    a: { data: x, shape },
    b: { data: y, shape },
  });
  const expected = x.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / 96;
  expect(loss.data[0]).toBeCloseTo(expected, 4);
  await runner.close();
});

test("withUntrainedHead() draws the head and leaves the encoder", () => {
  const tensor = (length: number) => ({
    shape: [length, 3, 2, 2],
    data: new Float32Array(length).fill(7),
  });
  const tensors = new Map([
    ["stem.weight", tensor(4)],
    ["head.weight", tensor(8)],
    ["head.bias", tensor(3)],
  ]);
  const drawn = withUntrainedHead(tensors, 1);
  expect(drawn.get("stem.weight")!.data).toEqual(tensor(4).data);
  expect(new Set(drawn.get("head.weight")!.data).size).toBe(8);
  expect([...drawn.get("head.bias")!.data].every((v) => v === 0)).toBe(true);
  expect(tensors.get("head.weight")!.data[0]).toBe(7);
});

test("findBoxes() gives first and last pixels", () => {
  const truth = Uint32Array.of(0, 4, 4, 0, 0, 4, 9, 0);
  expect(findBoxes(truth, 4)).toEqual(
    new Map([[4, [0, 1, 1, 2]], [9, [1, 2, 1, 2]]]),
  );
});

test("segmentByPrompts() asks for every true cell by its box", async () => {
  const truth = new Uint32Array(64 * 64);
  for (let y = 4; y < 20; y++) truth.fill(1, 64 * y + 8, 64 * y + 24);
  for (let y = 30; y < 60; y++) truth.fill(2, 64 * y + 30, 64 * y + 50);
  const square = { height: 64, width: 64 };
  const segment = segmentByPrompts(core, {
    model: { channels: 3 } as never,
    digest: "",
    provider: "cpu",
    imageSize: square,
    maskSize: square,
    encodeImage: () => Promise.resolve(new Float32Array(1)),
    // fills the box
    answer: (_, { points: [x0, y0, x1, y1] }) =>
      Promise.resolve({
        masks: Float32Array.from({ length: 64 * 64 }, (_, i) => {
          const [y, x] = [Math.floor(i / 64), i % 64];
          return y >= y0 && y <= y1 && x >= x0 && x <= x1 ? 5 : -5;
        }),
        scores: Float32Array.of(1),
      }),
    close: () => Promise.resolve(),
  });
  const image = {
    name: "a",
    kind: "k",
    data: new Float32Array(64 * 64),
    size: square,
    channels: 1,
  };
  const masks = await segment({ ...image, truth });
  expect(core.averagePrecision(truth, masks, square, [0.9])[0].ap).toBe(1);
  expect((await segment(image)).every((label) => label === 0)).toBe(true);
});
