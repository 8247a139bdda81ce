/** Kernels of points, foregrounds and packed flows, called directly, between guard bytes. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";

const arena = new Arena(core.module);
/** One pixel of a fixed-point position. */
const ONE = 2 ** 14;

const floats = (length: number, seed: number, scale = 4) => {
  const next = createRandom(seed);
  return Float32Array.from({ length }, () => scale * (next() - 0.5));
};

test.each(LENGTHS)(
  "findNonFinite() and findNaN() find the first of %i values",
  (n) => {
    arena.scope((kernels) => {
      // what lies beside the array does not count
      const put = (values: Float32Array) => {
        const start = arena.reserve((n + 8) * 4);
        arena.viewF32(start, n + 8).fill(NaN);
        arena.viewF32(start + 16, n).set(values);
        return start + 16;
      };
      const values = floats(n, 3, 1e38);
      expect(kernels.findNonFinite(put(values), n)).toBe(-1);
      expect(kernels.findNaN(put(values), n)).toBe(-1);
      for (const bad of [NaN, Infinity, -Infinity]) {
        for (let i = 0; i < n; i++) {
          for (const also of [i, n - 1]) {
            const broken = values.slice();
            broken[i] = broken[also] = bad;
            expect(kernels.findNonFinite(put(broken), n)).toBe(i);
            expect(kernels.findNaN(put(broken), n))
              .toBe(Number.isNaN(bad) ? i : -1);
          }
        }
      }
      const tiny = new Float32Array(n).fill(1e-45);
      expect(kernels.findNonFinite(put(tiny), n)).toBe(-1);
    });
  },
);

test.each(LENGTHS)("foreground kernels see %i pixels and no others", (n) => {
  arena.scope((kernels) => {
    const flags = Uint8Array.from({ length: n }, (_, i) => [0, 1, 255][i % 3]);
    const out = reserveGuarded(arena, n * 4);
    kernels.flagsToCellprob(out.at, putGuarded(arena, flags).at, n);
    out.check();
    const ones = arena.viewF32(out.at, n).slice();
    expect([...ones]).toEqual([...flags].map((flag) => flag ? 1 : 0));

    const logits = floats(n, 4);
    if (n > 2) [logits[0], logits[n - 1]] = [Infinity, -Infinity];
    for (const threshold of [0, -Infinity, Infinity, logits[1] ?? 0]) {
      const expected = [...logits.keys()].filter((i) => logits[i] > threshold);
      const cellprob = putGuarded(arena, logits).at;
      expect(kernels.countForeground(cellprob, n, threshold))
        .toBe(expected.length);
      const indices = reserveGuarded(arena, expected.length * 4);
      kernels.foregroundPixels(indices.at, cellprob, n, threshold);
      indices.check();
      expect([...arena.viewU32(indices.at, expected.length)])
        .toEqual(expected);
      // values go back to where they came from
      const values = Uint32Array.from(expected, (_, k) => k + 7);
      const labels = putGuarded(arena, values);
      const masks = reserveGuarded(arena, n * 4);
      kernels.paintForeground(masks.at, labels.at, cellprob, n, threshold);
      masks.check();
      labels.check();
      const bytes = putGuarded(arena, Uint8Array.from(values));
      const scattered = reserveGuarded(arena, n);
      kernels.scatterFlags(scattered.at, bytes.at, cellprob, n, threshold);
      scattered.check();
      const painted = Array.from({ length: n }, () => 0);
      expected.forEach((i, k) => painted[i] = k + 7);
      expect([...arena.viewU32(masks.at, n)]).toEqual(painted);
      expect([...arena.viewU8(scattered.at, n)]).toEqual(painted);
    }
  });
});

/** Where a pixel's position starts, by the conventions' definitions. */
const startOf = (p: number, length: number, plain: number) =>
  plain || length === 1
    ? (p + 1) * ONE
    : Math.floor((p * length / (length - 1) + 0.5) * ONE + 0.5);

test("startPoints() starts at pixel centers; the last pixel ends exactly at L−1", () => {
  for (
    const [d, h, w] of [[1, 1, 1], [1, 1, 17], [1, 5, 3], [3, 4, 5], [2, 1, 8]]
  ) {
    const n = d * h * w;
    const axes = d === 1 ? 2 : 3;
    for (const plain of [0, 1]) {
      arena.scope((kernels) => {
        const cellprob = putGuarded(
          arena,
          Float32Array.from({ length: n }, (_, i) => i % 4 === 1 ? -1 : 1),
        ).at;
        const pixels = Array.from(
          { length: n },
          (_, i) => [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w],
        ).filter((_, i) => i % 4 !== 1);
        const p = pixels.length;
        const points = reserveGuarded(arena, p * axes * 4);
        const whole = d === 1 ? h : d;
        expect(
          kernels.startPoints(
            points.at,
            cellprob,
            axes,
            d,
            h,
            w,
            0,
            whole,
            plain,
            0,
          ),
        ).toBe(p);
        points.check();
        expect([...arena.viewI32(points.at, p * axes)]).toEqual(
          pixels.flatMap((zyx) =>
            zyx.map((at, k) => startOf(at, [d, h, w][k], plain))
              .slice(3 - axes)
          ),
        );
        const positions = reserveGuarded(arena, p * axes * 4);
        kernels.pointsToPositions(positions.at, points.at, p, d, h, w, plain);
        positions.check();
        const found = arena.viewF32(positions.at, p * axes);
        pixels.flatMap((zyx) => zyx.slice(3 - axes)).forEach((at, i) => {
          expect(Math.abs(found[i] - at)).toBeLessThan(1 / ONE);
        });
        const last = pixels[p - 1];
        last.slice(3 - axes).forEach((at, k) => {
          const axis = k + 3 - axes;
          if (at === [d, h, w][axis] - 1) {
            expect(found[(p - 1) * axes + k]).toBe(at);
          }
        });
        // positions half a pixel on are truncated, in place too
        const moved = arena.viewI32(points.at, p * axes);
        const top = (k: number) => {
          const length = [d, h, w][k % axes + 3 - axes];
          return length * ONE + (plain || length === 1 ? 0 : ONE / 2);
        };
        moved.forEach((at, k) => moved[k] = Math.min(at + ONE / 2 - 1, top(k)));
        kernels.pointsToPixels(points.at, points.at, p, d, h, w, plain);
        points.check();
        expect([...arena.viewU32(points.at, p)]).toEqual(
          pixels.map(([z, y, x]) => (z * h + y) * w + x),
        );
      });
    }
  }
});

test("startPoints() of a slab starts where the whole image does", () => {
  const [d, h, w] = [5, 4, 3];
  arena.scope((kernels) => {
    const cellprob = arena.put(new Float32Array(d * h * w).fill(1));
    for (const axes of [2, 3]) {
      const rows = axes === 2 ? d * h : d;
      const size = axes === 2 ? [1, d * h, w] : [d, h, w];
      const n = d * h * w * axes;
      const whole = arena.reserve(n * 4);
      kernels.startPoints(
        whole,
        cellprob,
        axes,
        size[0],
        size[1],
        w,
        0,
        rows,
        0,
        0,
      );
      const expected = arena.viewI32(whole, n).slice();
      for (let row = 0; row < rows; row++) {
        const length = n / rows;
        const part = reserveGuarded(arena, length * 4);
        kernels.startPoints(
          part.at,
          cellprob,
          axes,
          1,
          axes === 2 ? 1 : h,
          w,
          row,
          rows,
          0,
          0,
        );
        part.check();
        expect(arena.viewI32(part.at, length))
          .toEqual(expected.subarray(row * length, (row + 1) * length));
      }
    }
  });
});

test("packFlows() puts components side by side, scaled and cut, in a border of zeros", () => {
  for (const w of [1, 3, 4, 5, 8, 17]) {
    for (const [d, h] of [[1, 1], [1, 3], [2, 3]]) {
      for (const plain of [0, 1]) {
        const n = d * h * w;
        const c = d === 1 ? 2 : 3;
        const flows = floats(c * n, 5, 1000);
        const logits = floats(n, 6);
        arena.scope((kernels) => {
          const bytes = kernels.packedBytes(d, h, w);
          const packed = reserveGuarded(arena, bytes);
          kernels.packFlows(
            packed.at,
            putGuarded(arena, flows).at,
            putGuarded(arena, logits).at,
            d,
            h,
            w,
            d,
            h,
            w,
            plain,
            0.5,
          );
          packed.check();
          const found = arena.viewF32(packed.at, bytes / 4);
          const expected = new Float32Array(bytes / 4);
          for (let i = 0; i < n; i++) {
            if (!(logits[i] > 0.5)) continue;
            const [z, y, x] = [
              Math.floor(i / h / w),
              Math.floor(i / w) % h,
              i % w,
            ];
            const shell = d === 1 ? 0 : (z + 1) * (h + 2);
            const to = ((shell + y + 1) * (w + 2) + x + 1) * c;
            for (let k = 0; k < c; k++) {
              const length = [d, h, w][k + 3 - c];
              const scale = length === 1
                ? 0
                : plain
                ? ONE
                : Math.fround(length / (length - 1) * ONE);
              const step = Math.fround(flows[k * n + i] * scale);
              expected[to + k] = Math.max(
                -255 * ONE,
                Math.min(255 * ONE, step),
              );
            }
          }
          // −0 is 0 here
          expect([...found].map((v) => v + 0))
            .toEqual([...expected].map((v) => v + 0));
          expect(expected.some((v) => Math.abs(v) === 255 * ONE) || n < 9)
            .toBe(true);
        });
      }
    }
  }
});
