/** Kernels of training crops: right at every length, and nothing beside it. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";

const arena = new Arena(core.module);
const values = (length: number) =>
  Float32Array.from({ length }, (_, i) => (i * 37 % 23) / 16 - 0.3);

test.each(LENGTHS)("kernels of crops keep to %i values", (n) => {
  arena.scope((kernels) => {
    const image = putGuarded(arena, values(2 * n));
    const out = reserveGuarded(arena, 3 * n * 4);
    const matrix = putGuarded(arena, Float32Array.of(1, 0, 0, 0, 0.5, -2));
    kernels.mixChannels(out.at, image.at, matrix.at, 3, 2, n);
    const before = arena.viewF32(image.at, 2 * n).slice();
    const mixed = arena.viewF32(out.at, 3 * n).slice();
    for (let i = 0; i < n; i++) {
      expect(mixed[i]).toBe(before[i]);
      expect(mixed[n + i]).toBe(0);
      expect(mixed[2 * n + i]).toBe(
        Math.fround(
          Math.fround(0.5 * before[i]) - Math.fround(2 * before[n + i]),
        ),
      );
    }
    expect(kernels.adjustTone(out.at, n, 1.7, -0.8, 0.1)).toBe(0);
    for (const [i, value] of arena.viewF32(out.at, n).entries()) {
      const x = before[i];
      const curved = x <= 0 ? x : x < 1 ? x ** 1.7 : 1 + (x - 1) * 1.7;
      expect(value).toBeCloseTo((curved - 0.5) * -0.8 + 0.6, 4);
    }
    kernels.addNoise(out.at, 3 * n, 0.1, 0.1, 7);
    kernels.turnFlows(image.at, n, 0, -1, 1, 0);
    const turned = arena.viewF32(image.at, 2 * n);
    for (let i = 0; i < n; i++) {
      expect(turned[i]).toBeCloseTo(-before[n + i], 6);
      expect(turned[n + i]).toBeCloseTo(before[i], 6);
    }
    const labels = putGuarded(
      arena,
      Uint32Array.from({ length: n }, (_, i) => i % 3 * 70000),
    );
    const foreground = reserveGuarded(arena, n * 4);
    kernels.labelForeground(foreground.at, labels.at, n);
    expect([...arena.viewF32(foreground.at, n)]).toEqual(
      Array.from({ length: n }, (_, i) => i % 3 > 0 ? 1 : 0),
    );
    kernels.logitsToShares(image.at, n);
    for (const [i, share] of arena.viewF32(image.at, n).entries()) {
      expect(share).toBeCloseTo(1 / (1 + Math.exp(before[n + i])), 6);
    }
    for (const each of [image, out, matrix, labels, foreground]) each.check();
  });
});

test.each([
  [0, 0, 1],
  [-3.5, 2.25, 0.7],
  [4.5, 6.5, 3],
  [-100, 100, 1],
  [1e30, 0, 1e9],
])("warps stay within the image at (%f, %f), step %f", (y0, x0, step) => {
  const [h, w, h2, w2] = [7, 9, 8, 5];
  const source = values(2 * h * w);
  const ids = Uint32Array.from({ length: h * w }, (_, i) => i + 1);
  arena.scope((kernels) => {
    const image = putGuarded(arena, source);
    const labels = putGuarded(arena, ids);
    const out = reserveGuarded(arena, 2 * h2 * w2 * 4);
    const near = reserveGuarded(arena, h2 * w2 * 4);
    const map = [step, 0.1, y0, -0.1, step, x0] as const;
    kernels.warpLinear(out.at, image.at, 2, h, w, h2, w2, ...map);
    kernels.warpNearest(near.at, labels.at, h, w, h2, w2, ...map);
    const warped = arena.viewF32(out.at, 2 * h2 * w2);
    const picked = arena.viewU32(near.at, h2 * w2);
    for (let k = 0; k < 2; k++) {
      for (let y = 0; y < h2; y++) {
        for (let x = 0; x < w2; x++) {
          const ys = step * y + 0.1 * x + y0;
          const xs = -0.1 * y + step * x + x0;
          const at = y * w2 + x;
          expect(warped[k * h2 * w2 + at]).toBeCloseTo(
            sample(source.subarray(k * h * w), ys, xs),
            5,
          );
          const [v, u] = [Math.floor(ys + 0.5), Math.floor(xs + 0.5)];
          const isInside = v >= 0 && u >= 0 && v < h && u < w;
          expect(picked[at]).toBe(isInside ? v * w + u + 1 : 0);
        }
      }
    }
    for (const each of [image, labels, out, near]) each.check();
  });

  /** The slow way: every pixel of the image by its distance. */
  function sample(plane: Float32Array, ys: number, xs: number): number {
    let sum = 0;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const weight = Math.max(0, 1 - Math.abs(y - ys)) *
          Math.max(0, 1 - Math.abs(x - xs));
        sum += weight * plane[y * w + x];
      }
    }
    return sum;
  }
});

test("addNoise() has the deviation that is asked for, and no mean", () => {
  const n = 40000;
  arena.scope((kernels) => {
    const image = arena.put(new Float32Array(n).fill(0.25));
    kernels.addNoise(image, n, 0.03, 0.08, 1);
    const noise = arena.viewF32(image, n).map((value) => value - 0.25);
    const mean = noise.reduce((a, b) => a + b) / n;
    const variance = noise.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    // photons' part at a value of ¼: 0.08·√¼
    expect(Math.sqrt(variance)).toBeCloseTo(Math.hypot(0.03, 0.04), 3);
  });
});
