/** Labels to flows at odd sizes: centers, boxes, what is written and what not. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";
import { fromPicture, toSize } from "./labels.ts";
import { centerOf, diffuseFlows } from "./reference/diffusion.ts";

const arena = new Arena(core.module);

/** Flows by the kernel, between guards. */
function labelFlows(
  labels: Uint32Array,
  edges: readonly number[],
  { steps = 0, parity = 0, count = Math.max(0, ...labels) } = {},
): Float32Array {
  return arena.scope((kernels) => {
    const [w, h, d = 1] = [...edges].reverse();
    const planes = d === 1 ? 2 : 3;
    const put = putGuarded(arena, labels);
    const out = reserveGuarded(arena, planes * labels.byteLength);
    const before = kernels.mark();
    expect(
      kernels.labelFlows(out.at, put.at, d, h, w, count, steps, parity),
    ).toBe(0);
    expect(kernels.mark()).toBe(before);
    put.check();
    out.check();
    expect(arena.viewU32(put.at, labels.length)).toEqual(labels);
    return arena.viewF32(out.at, planes * labels.length).slice();
  });
}

/** Worst difference from the reference where the direction is no noise. */
function worst(
  ours: Float32Array,
  labels: Uint32Array,
  edges: readonly number[],
  options: { parity: boolean; diffusionSteps?: number },
): number {
  const { flows, slopes, heat } = diffuseFlows(labels, toSize(edges), options);
  expect(ours.length).toBe(flows.length);
  return ours.reduce((most, value, i) => {
    const pixel = i % labels.length;
    const isNoise = labels[pixel] > 0 && slopes[pixel] < 1e-6 * heat[pixel];
    return isNoise ? most : Math.max(most, Math.abs(value - flows[i]));
  }, 0);
}

const SHAPES = [1, 2, 3, 4, 5, 8, 17].flatMap((w) => [
  [1, w],
  [w, 1],
  [6, w],
  [7, w],
  [3, 4, w],
  [2, w, 3],
  [w + 1, 2, 2],
]);

test.each(SHAPES)("labelFlows() is the reference's on %i×%i×%i", (...shape) => {
  const edges = shape.filter((edge) => edge !== undefined);
  const n = edges.reduce((a, b) => a * b);
  const next = createRandom(n);
  const scattered = Uint32Array.from(
    { length: n },
    () => Math.max(0, Math.floor(4 * next()) - 1),
  );
  const halves = Uint32Array.from({ length: n }, (_, i) => 2 * i < n ? 2 : 1);
  for (const labels of [new Uint32Array(n).fill(1), scattered, halves]) {
    for (const parity of [0, 1]) {
      for (const steps of [0, 1, 5]) {
        // a label more than there are has no box
        const count = Math.max(...labels) + 1;
        const ours = labelFlows(labels, edges, { steps, parity, count });
        const options = {
          parity: parity === 1,
          ...(steps ? { diffusionSteps: steps } : {}),
        };
        expect(worst(ours, labels, edges, options)).toBeLessThan(1e-4);
      }
    }
  }
});

/** Where the heat of a strip starts: left of it flows point right. */
function centerOfStrip(flows: Float32Array): number {
  const next = [...flows].findIndex((flow) => flow < 0);
  return next - 1;
}

test("labelFlows() rounds the center half to even, within the label's box", () => {
  for (const [w, center] of [[2, 0], [4, 2], [6, 2], [8, 4], [10, 4], [5, 2]]) {
    for (const offset of [0, 1, 2, 3, 7]) {
      const labels = new Uint32Array(20).fill(1, offset, offset + w);
      const along = labelFlows(labels, [1, 20], { steps: 1 }).subarray(20);
      expect(centerOfStrip(along) - offset).toBe(center);
      const down = labelFlows(labels, [20, 1], { steps: 1 }).subarray(0, 20);
      expect(centerOfStrip(down) - offset).toBe(center);
      // in 3-D the mean is not rounded: the first of the two nearest pixels
      const both = new Uint32Array(40);
      both.set(labels);
      const deep = labelFlows(both, [2, 1, 20], { steps: 1 }).subarray(80, 100);
      expect(centerOfStrip(deep) - offset).toBe(Math.ceil(w / 2) - 1);
    }
  }
});

test("labelFlows() starts in the cell where the mean lies outside of it", () => {
  const { masks, size } = fromPicture(`
    .11111....
    .11111....
    .11.......
    .11....222
    .11....2.2
    .11....222
    .11111....
    .11111....
  `);
  const edges = [size.height, size.width];
  for (const label of [1, 2]) {
    const pixels = [...masks.keys()].filter((i) => masks[i] === label);
    // only the center and its neighbors are warm after one step
    const alone = masks.map((found) => found === label ? 1 : 0);
    const center = centerOf(pixels, edges);
    expect(alone[center]).toBe(1);
    const flows = labelFlows(alone, edges, { steps: 1 });
    for (const i of pixels) {
      const far = Math.max(
        Math.abs(Math.floor(i / 10) - Math.floor(center / 10)),
        Math.abs(i % 10 - center % 10),
      );
      const length = Math.hypot(flows[i], flows[i + masks.length]);
      if (far > 2) expect(length).toBe(0);
      if (far === 1) expect(length).toBeCloseTo(1, 5);
    }
    expect(worst(flows, alone, edges, { parity: false, diffusionSteps: 1 }))
      .toBeLessThan(1e-6);
  }
});

test("labelFlows() of a label does not depend on its neighbors but with parity", () => {
  const labels = Uint32Array.from(
    { length: 12 * 9 },
    (_, i) => i % 9 < 4 ? 1 : 2,
  );
  const alone = labels.map((label) => label === 1 ? 1 : 0);
  const edges = [12, 9];
  const own = labelFlows(alone, edges);
  const touching = labelFlows(labels, edges);
  const leaking = labelFlows(labels, edges, { parity: 1 });
  const ofFirst = (flows: Float32Array) =>
    [...flows].filter((_, i) => labels[i % 108] === 1);
  expect(ofFirst(touching)).toEqual(ofFirst(own));
  expect(ofFirst(leaking)).not.toEqual(ofFirst(own));
});

test.each(LENGTHS)("flowErrors() measures %i labels of one pixel", (n) => {
  arena.scope((kernels) => {
    const labels = Uint32Array.from({ length: n }, (_, i) => n - i);
    const flows = Float32Array.from({ length: 2 * n }, (_, i) => i);
    const errors = reserveGuarded(arena, n * 8);
    const call = (parity: number) =>
      kernels.flowErrors(
        errors.at,
        putGuarded(arena, flows).at,
        putGuarded(arena, labels).at,
        1,
        1,
        n,
        n,
        0,
        parity,
      );
    expect(call(0)).toBe(0);
    errors.check();
    // no flow of its own: the error is the square of what is given
    expect([...arena.viewF64(errors.at, n)]).toEqual(
      Array.from({ length: n }, (_, k) => {
        const i = n - k - 1;
        return i * i + (n + i) ** 2;
      }),
    );
    expect(call(1)).toBe(0);
    errors.check();
  });
});
