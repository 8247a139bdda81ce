/** A semantic network's classes to cells, against slow and obvious versions. */
import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { createRandom } from "./bench/scene.ts";
import { core } from "./core.ts";
import { LENGTHS, putGuarded, reserveGuarded } from "./guarded.ts";
import { distances, flood } from "./reference/watershed.ts";

const arena = new Arena(core.module);
const EDGES = [1, 3, 4, 5, 8, 17].flatMap((n) => [[1, n], [n, 1], [n, 9]]);

/** Values in clumps, so that there are shapes. */
function clumps(height: number, width: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const spots = Array.from({ length: 6 }, () => ({
    y: random() * height,
    x: random() * width,
    r: 1 + random() * 6,
  }));
  return Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return Math.max(
      ...spots.map((s) => 1 - Math.hypot(s.y - y, s.x - x) / s.r),
    );
  });
}

test.each(EDGES)("distanceTransform() is exact at %i×%i", (height, width) => {
  for (let seed = 1; seed < 6; seed++) {
    const random = createRandom(seed);
    const values = Float32Array.from(
      { length: height * width },
      () => random() < 0.8 ? 1 : -1,
    );
    const size = { height, width };
    expect(core.distanceTransform(values, size))
      .toEqual(distances(values, size, 0));
  }
});

test("distanceTransform() gives height plus width without background", () => {
  const size = { height: 3, width: 4 };
  expect(core.distanceTransform(new Float32Array(12).fill(1), size))
    .toEqual(new Float32Array(12).fill(7));
});

test("distanceTransform() stays within its arrays", () => {
  for (const [h, w] of EDGES) {
    arena.scope((kernels) => {
      const values = putGuarded(arena, clumps(h, w, h + w));
      const out = reserveGuarded(arena, h * w * 4);
      const before = kernels.mark();
      kernels.distanceTransform(out.at, values.at, h, w, 0);
      expect(kernels.mark()).toBe(before);
      out.check();
      values.check();
    });
  }
});

test.each([[1, 1], [1, 30], [24, 31], [40, 17]])(
  "watershed() parts basins as the slow version at %i×%i",
  (height, width) => {
    const size = { height, width };
    for (let seed = 1; seed < 9; seed++) {
      const values = clumps(height, width, seed);
      for (const rise of [0.05, 0.5, 2]) {
        const byDistance = core.watershed(values, size, { rise });
        const landscape = distances(values, size, 0);
        const options = { threshold: 0, landscape, rise };
        expect(byDistance.masks).toEqual(flood(values, size, options));
        expect(byDistance.count).toBe(Math.max(...byDistance.masks));
        const byValue = core.watershed(values, size, {
          rise,
          threshold: -0.5,
          landscape: values,
        });
        expect(byValue.masks).toEqual(
          flood(values, size, { threshold: -0.5, landscape: values, rise }),
        );
      }
    }
  },
);

test("watershed() orders negative heights, too", () => {
  // two peaks below zero; raster order is not the order of heights
  const values = Float32Array.of(-3, -1, -4, -2, -9);
  const { masks } = core.watershed(values, { height: 1, width: 5 }, {
    threshold: -8,
    landscape: values,
    rise: 0.5,
  });
  expect([...masks]).toEqual([1, 1, 1, 2, 0]);
});

test("watershed() joins a plateau's parts", () => {
  const values = new Float32Array(35).fill(1);
  const { count } = core.watershed(values, { height: 5, width: 7 });
  expect(count).toBe(1);
});

test("watershed() refuses a rise of 0 and a landscape of another size", () => {
  const values = new Float32Array(12);
  const size = { height: 3, width: 4 };
  expect(() => core.watershed(values, size, { rise: 0 })).toThrow("rise");
  expect(() =>
    core.watershed(values, size, { landscape: new Float32Array(11) })
  ).toThrow("landscape");
});

test("watershed() stays within its arrays", () => {
  for (const [h, w] of EDGES) {
    arena.scope((kernels) => {
      const values = putGuarded(arena, clumps(h, w, h * w));
      const out = reserveGuarded(arena, h * w * 4);
      const before = kernels.mark();
      kernels.watershed(out.at, values.at, values.at, h, w, -1, 0.1);
      expect(kernels.mark()).toBe(before);
      out.check();
      values.check();
    });
  }
});

test("labelComponents() takes corners for contact when asked to", () => {
  const values = Float32Array.of(1, -1, -1, 1);
  const size = { height: 2, width: 2 };
  expect(core.labelComponents(values, size).count).toBe(2);
  expect(core.labelComponents(values, size, { connectivity: "full" }).count)
    .toBe(1);
  expect(core.labelComponents(values, size, { threshold: 1 }).count).toBe(0);
});

test("foregroundLogit() is the softmax's logit", () => {
  const random = createRandom(3);
  for (const classes of [1, 2, 3, 5]) {
    for (const n of LENGTHS.slice(1)) {
      const logits = Float32Array.from(
        { length: classes * n },
        () => 40 * random() - 20,
      );
      for (const chosen of [null, 0, classes - 1]) {
        const ours = core.foregroundLogit(logits, classes, chosen);
        for (let i = 0; i < n; i++) {
          const own = Array.from(
            { length: classes },
            (_, c) => logits[c * n + i],
          );
          if (classes === 1) {
            expect(ours[i]).toBe(own[0]);
            continue;
          }
          const isIn = (c: number) => chosen === null ? c > 0 : c === chosen;
          const sum = (inside: boolean) =>
            own.reduce(
              (s, v, c) => isIn(c) === inside ? s + Math.exp(v) : s,
              0,
            );
          const expected = Math.log(sum(true)) - Math.log(sum(false));
          expect(Math.abs(ours[i] - expected)).toBeLessThan(1e-5);
        }
      }
    }
  }
});

test("foregroundLogit() stays finite where exp would not", () => {
  const logits = Float32Array.of(-1000, 1000);
  expect([...core.foregroundLogit(logits, 2)]).toEqual([2000]);
});

test("foregroundLogit() refuses a class that is not there", () => {
  expect(() => core.foregroundLogit(new Float32Array(8), 2, 2))
    .toThrow("classes 0 to 1");
  expect(() => core.foregroundLogit(new Float32Array(7), 2)).toThrow("classes");
});
