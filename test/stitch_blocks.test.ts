import { expect, test } from "vitest";
import { core } from "./core.ts";

const SIZE = { height: 1, width: 6 };
const side = (block: number, ...labels: number[]) => ({
  block,
  masks: Uint32Array.from(labels),
});

test("stitchBlocks() joins what agrees and keeps touching cells apart", () => {
  const stitcher = core.stitchBlocks();
  stitcher.addBlock(0, 2);
  stitcher.addBlock(1, 3);
  const pairs = stitcher.addSeam(
    side(0, 1, 1, 1, 2, 2, 2),
    side(1, 3, 3, 3, 3, 1, 1),
    SIZE,
  );
  expect(pairs).toBe(2);
  const { tables, count } = stitcher.finish();
  expect([...tables.get(0)!]).toEqual([0, 1, 2]);
  // label 2 of block 1 lies elsewhere
  expect([...tables.get(1)!]).toEqual([0, 2, 3, 1]);
  expect(count).toBe(3);
});

test("stitchBlocks() joins a chain of blocks into one label, in any order", () => {
  const orders = [[0, 1, 2], [2, 0, 1]];
  const results = orders.map((order) => {
    const stitcher = core.stitchBlocks();
    order.forEach((block) => stitcher.addBlock(block, 1));
    const seams = [[0, 1], [1, 2]];
    if (order[0] === 2) seams.reverse();
    for (const [a, b] of seams) {
      stitcher.addSeam(
        side(a, 0, 1, 1, 0, 0, 0),
        side(b, 0, 1, 1, 0, 0, 0),
        SIZE,
      );
    }
    return stitcher.finish();
  });
  expect(results[0].count).toBe(1);
  expect(results[1]).toEqual(results[0]);
  expect([...results[0].tables.keys()]).toEqual([0, 1, 2]);
});

test("stitchBlocks() by containment joins a cell that one block cut short", () => {
  const counts = (["iou", "containment"] as const).map((measure) => {
    const stitcher = core.stitchBlocks({ measure });
    stitcher.addBlock(0, 1);
    stitcher.addBlock(1, 1);
    stitcher.addSeam(
      side(0, 1, 1, 0, 0, 0, 0),
      side(1, 1, 1, 1, 1, 1, 1),
      SIZE,
    );
    return stitcher.finish().count;
  });
  expect(counts).toEqual([2, 1]);
});

test("stitchBlocks() can be finished, and go on", () => {
  const stitcher = core.stitchBlocks();
  expect(stitcher.finish()).toEqual({ tables: new Map(), count: 0 });
  stitcher.addBlock(7, 2);
  expect(stitcher.finish().count).toBe(2);
  stitcher.addBlock(3, 1);
  expect([...stitcher.finish().tables.get(7)!]).toEqual([0, 2, 3]);
});

test("stitchBlocks() names wrong arguments", () => {
  const stitcher = core.stitchBlocks();
  stitcher.addBlock(0, 1);
  stitcher.addBlock(1, 1);
  const none = [0, 0, 0, 0, 0, 0];
  expect(() => stitcher.addBlock(0, 1)).toThrow("block: 0 was added before");
  expect(() => stitcher.addBlock(2, -1)).toThrow("count");
  expect(() => stitcher.addBlock(0.5, 1)).toThrow("block");
  expect(() => stitcher.addSeam(side(0, ...none), side(5, ...none), SIZE))
    .toThrow("b.block: block 5 has not been added");
  expect(() => stitcher.addSeam(side(0, ...none), side(0, ...none), SIZE))
    .toThrow("b.block");
  expect(() =>
    stitcher.addSeam(side(0, 2, 0, 0, 0, 0, 0), side(1, ...none), SIZE)
  )
    .toThrow("a.masks: label 2 is beyond the 1 labels of block 0");
  expect(() => stitcher.addSeam(side(0, ...none), side(1, 1), SIZE)).toThrow(
    "b.masks",
  );
  expect(() => core.stitchBlocks({ threshold: 2 })).toThrow("threshold");
});
