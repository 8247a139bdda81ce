import { expect, test } from "vitest";
import { ArgumentError, ShapeError } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";

for (
  const [name, size] of [
    ["2-D", { height: 61, width: 83 }],
    ["3-D", { depth: 14, height: 25, width: 37 }],
  ] as const
) {
  test(`clusterPoints() groups points as computeMasks() does, ${name}`, () => {
    const { flows, cellprob } = createOutput(size, 8, 3);
    const foreground = Uint8Array.from(cellprob, (p) => p > 0 ? 1 : 0);
    const { points, indices } = core.followFlows(flows, foreground, size);
    const whole = core.computeMasks(flows, cellprob, size, {
      flowThreshold: 0,
      minSize: 0,
      fillHoles: false,
    });
    const ours = core.clusterPoints(points, indices, size);
    expect(whole.count).toBeGreaterThan(3);
    expect(ours.count).toBe(whole.count);
    expect(ours.masks).toEqual(whole.masks);
  });
}

const SIZE = { height: 8, width: 9 };

/** `count` points that all end at (y, x), from the first pixels on. */
function gather(count: number, y: number, x: number) {
  return {
    points: Float32Array.from({ length: 2 * count }, (_, i) => i % 2 ? x : y),
    indices: Uint32Array.from({ length: count }, (_, i) => i),
  };
}

test("clusterPoints() starts a label with more than 10 points", () => {
  for (const [count, labels] of [[10, 0], [11, 1]]) {
    const { points, indices } = gather(count, 3.9, 8);
    const { masks } = core.clusterPoints(points, indices, SIZE);
    expect(masks.reduce((sum, label) => sum + label, 0)).toBe(labels * count);
  }
});

test("clusterPoints() drops what is larger than maxSizeFraction", () => {
  const { points, indices } = gather(36, 3, 3);
  const options = { maxSizeFraction: 0.49 };
  expect(core.clusterPoints(points, indices, SIZE, options).count).toBe(0);
  options.maxSizeFraction = 0.5;
  expect(core.clusterPoints(points, indices, SIZE, options).count).toBe(1);
});

test("clusterPoints() refuses points and indices outside of the image", () => {
  for (const at of [[8, 0], [0, 9], [-1, 0], [NaN, 0]]) {
    const { points, indices } = gather(12, at[0], at[1]);
    expect(() => core.clusterPoints(points, indices, SIZE)).toThrow(
      ArgumentError,
    );
  }
  const { points, indices } = gather(12, 1, 1);
  indices[11] = 72;
  expect(() => core.clusterPoints(points, indices, SIZE)).toThrow(
    ArgumentError,
  );
  expect(() => core.clusterPoints(points.subarray(1), indices, SIZE)).toThrow(
    ShapeError,
  );
});
