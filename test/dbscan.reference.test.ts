import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError, CoreMemoryError } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { dbscanReference } from "./reference/dbscan.ts";

/** Clusters points that start from pixels 0, 1, 2, … of a row. */
function cluster(
  points: number[][] | Float32Array,
  eps: number,
  minSamples: number,
  axes = 2,
) {
  const flat = points instanceof Float32Array
    ? points
    : new Float32Array(points.flat());
  const count = flat.length / axes;
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  const size = { height: 1, width: Math.max(count, 1) };
  return core.clusterDbscan(
    flat,
    indices,
    axes === 3 ? { depth: 1, ...size } : size,
    { eps, minSamples },
  );
}

test("clusterDbscan() joins points exactly eps apart, and no farther", () => {
  const row = [[0, 0], [0, 1.5], [0, 3], [0, 4.51], [0, 6.01]];
  expect([...cluster(row, 1.5, 2).masks]).toEqual([1, 1, 1, 2, 2]);
});

test("clusterDbscan() leaves noise at 0 and counts the clusters", () => {
  const points = [[9, 9], [0, 0], [0, 0.1], [0.1, 0], [5, 5]];
  const { masks, count } = cluster(points, 0.5, 3);
  expect([...masks]).toEqual([0, 1, 1, 1, 0]);
  expect(count).toBe(1);
});

test("clusterDbscan() gives a border point of two clusters to the one whose core comes first", () => {
  // with minSamples 4 the point at 0 reaches both clusters, but is no core point
  const right = [[0, 1], [0, 1.5], [0, 2]];
  const left = [[0, -1], [0, -1.5], [0, -2]];
  const border = [0, 0];
  expect([...cluster([border, ...right, ...left], 1, 4).masks])
    .toEqual([1, 1, 1, 1, 2, 2, 2]);
  expect([...cluster([...right, border, ...left], 1, 4).masks])
    .toEqual([1, 1, 1, 1, 2, 2, 2]);
  expect([...cluster([...left, ...right, border], 1, 4).masks])
    .toEqual([1, 1, 1, 2, 2, 2, 1]);
  // with 3 it is a core point and joins them
  expect(cluster([border, ...right, ...left], 1, 3).count).toBe(1);
});

test("clusterDbscan() numbers by the first pixel, border points included", () => {
  // the first pixel is a border point of the cluster whose core comes last
  const points = [[0, 9], [0, 0], [0, 0], [0, 0], [0, 8], [0, 8], [0, 8]];
  const { masks } = cluster(points, 1, 4);
  expect([...masks]).toEqual([1, 0, 0, 0, 1, 1, 1]);
  const both = cluster([...points, [0, 0]], 1, 4);
  expect([...both.masks]).toEqual([1, 2, 2, 2, 1, 1, 1, 2]);
});

test("clusterDbscan() agrees with all pairs on random points", () => {
  const settings = fc.record({
    axes: fc.constantFrom(2, 3),
    count: fc.constantFrom(0, 1, 3, 4, 5, 8, 17, 60, 150),
    span: fc.constantFrom(0, 1, 4, 12, 40),
    step: fc.constantFrom(0, 0.25, 1), // 0: any number, else a lattice with ties
    eps: fc.constantFrom(0.5, 1, 1.5, 5),
    minSamples: fc.integer({ min: 1, max: 9 }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(
      settings,
      ({ axes, count, span, step, eps, minSamples, seed }) => {
        let state = seed >>> 0;
        const points = Float32Array.from({ length: count * axes }, () => {
          state = Math.imul(state, 1664525) + 1013904223 >>> 0;
          const value = state / 2 ** 32 * span;
          return step ? Math.round(value / step) * step : value;
        });
        const { masks, count: found } = cluster(points, eps, minSamples, axes);
        const expected = dbscanReference(points, axes, eps, minSamples);
        expect([...masks.subarray(0, count)]).toEqual([...expected]);
        expect(found).toBe(Math.max(0, ...expected));
      },
    ),
    { seed: 3, numRuns: 400 },
  );
});

test("clusterDbscan() takes 300,000 points, many coincident, in little time", () => {
  const count = 300_000;
  const indices = Uint32Array.from({ length: count }, (_, i) => i);
  const points = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) {
    // 300 places; a third of the points a little off them
    const place = i % 300;
    points[2 * i] = 10 * Math.floor(place / 20) + (i % 3 ? 0 : (i % 97) / 300);
    points[2 * i + 1] = 10 * (place % 20) + (i % 3 ? 0 : (i % 89) / 300);
  }
  const size = { height: 600, width: 500 };
  const start = performance.now();
  const { masks, count: found } = core.clusterDbscan(points, indices, size, {
    eps: 0.5,
    minSamples: 5,
  });
  expect(performance.now() - start).toBeLessThan(5000);
  expect(found).toBe(300);
  expect(masks.every((label, i) => label === i % 300 + 1)).toBe(true);
});

test("clusterDbscan() names the wrong argument", () => {
  const size = { height: 2, width: 2 };
  const one = Uint32Array.of(1);
  const at = (points: number[], indices: Uint32Array, options = {}) => () =>
    core.clusterDbscan(new Float32Array(points), indices, size, options);
  expect(at([0], one)).toThrow("points: has 1 elements");
  expect(at([0, NaN], one)).toThrow("points: must be finite");
  expect(at([0, 0], Uint32Array.of(4))).toThrow(ArgumentError);
  expect(at([0, 0, 1, 1], Uint32Array.of(1, 1))).toThrow("indices must ascend");
  expect(at([0, 0, 1, 1], Uint32Array.of(0, 1), { eps: 1e-9 })).toThrow("eps");
  expect(at([0, 0], one, { eps: 0 })).toThrow("eps: must be a positive number");
  expect(at([0, 0], one, { minSamples: 0.5 })).toThrow("minSamples:");
  expect(() =>
    core.clusterDbscan(new Float32Array(0), new Uint32Array(0), {
      height: 40_000,
      width: 40_000,
    })
  ).toThrow(CoreMemoryError);
  expect(core.clusterDbscan(new Float32Array(0), new Uint32Array(0), size))
    .toEqual({ masks: new Uint32Array(4), count: 0 });
});
