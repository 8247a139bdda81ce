import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";
import {
  assign,
  denseIou,
  dilate,
  dilateWrapped,
  kumarJaccard,
  weightOf,
  weights,
} from "./reference/metrics.ts";
import { discs, seededRandom } from "./reference/scenes.ts";

const size = { height: 37, width: 41 };
const thresholds = [0.05, 0.2, 0.35, 0.5, 0.51, 0.7, 0.9, 1];

/** A scene and another that shares most of its cells. */
function scenes(seed: number) {
  const random = seededRandom(seed);
  const truth = discs(size, { cells: 12, radius: 6, random });
  const shift = Math.floor(random() * 3) * size.width +
    Math.floor(random() * 3);
  const other = discs(size, { cells: 4, radius: 5, random });
  const prediction = truth.map((_, i) =>
    other[i] ? other[i] + 20 : truth[(i + shift) % truth.length]
  );
  return { truth, prediction };
}

test("matchMasks() is as heavy as the dense Hungarian matching", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { truth, prediction } = scenes(seed);
    const { iou, trueLabels, predLabels } = denseIou(truth, prediction);
    for (const threshold of thresholds) {
      const weight = weights(iou, threshold);
      const best = assign(weight);
      const got = core.matchMasks(truth, prediction, size, { threshold });

      const columnOf = new Array(trueLabels.length).fill(-1);
      got.truth.forEach((label, k) => {
        const i = trueLabels.indexOf(label);
        const j = predLabels.indexOf(got.prediction[k]);
        expect(got.iou[k]).toBe(iou[i][j]);
        columnOf[i] = j;
      });
      expect(new Set(got.prediction).size).toBe(got.prediction.length);
      expect(weightOf(weight, columnOf)).toBeCloseTo(
        weightOf(weight, best),
        12,
      );
      const tp = best.filter((j, i) => j >= 0 && iou[i][j] >= threshold).length;
      expect(got.tp).toBe(tp);
      expect(got.fp).toBe(predLabels.length - tp);
      expect(got.fn).toBe(trueLabels.length - tp);
      const [row] = core.averagePrecision(truth, prediction, size, [threshold]);
      expect(row.tp).toBe(tp);
    }
  }
});

test("matchCells kernel is optimal on any sparse graph", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const rows = 1 + Math.floor(random() * 14);
    const columns = 1 + Math.floor(random() * 14);
    const density = random();
    // few distinct values: many ties
    const steps = seed % 2 ? 5 : 1e6;
    const iou = Array.from(
      { length: rows },
      () =>
        Array.from(
          { length: columns },
          () => random() < density ? Math.ceil(random() * steps) / steps : 0,
        ),
    );
    const threshold = thresholds[seed % thresholds.length];
    const weight = weights(iou, threshold);
    const want = assign(weight);
    const { columnOf, matched } = matchDense(iou, threshold);
    const real = columnOf.filter((j) => j >= 0);
    expect(new Set(real).size).toBe(real.length);
    expect(weightOf(weight, columnOf)).toBeCloseTo(weightOf(weight, want), 12);
    expect(matched).toBe(
      want.filter((j, i) => j >= 0 && iou[i][j] >= threshold).length,
    );
  }
});

/** The kernel on a dense matrix whose zeros are pairs that do not meet. */
function matchDense(iou: number[][], threshold: number) {
  const rows = iou.length, columns = iou[0].length;
  // pairs with the background are in the table, but never matched
  const pairs: number[] = [0, 0, 9, 0, 1, 9];
  const values: number[] = [1, 1];
  iou.forEach((row, i) => {
    pairs.push(i + 1, 0, 1);
    values.push(1);
    row.forEach((x, j) => {
      if (x === 0) return;
      pairs.push(i + 1, j + 1, 1);
      values.push(x);
    });
  });
  const arena = new Arena(core.module);
  return arena.scope((kernels) => {
    const guard = 0xdeadbeef;
    const out = arena.put(new Uint32Array(rows + 3).fill(guard));
    const matched = kernels.matchCells(
      out + 4,
      arena.put(Uint32Array.from(pairs)),
      arena.put(Float64Array.from(values)),
      rows + 1,
      columns + 1,
      values.length,
      threshold,
    );
    const got = [...arena.viewU32(out, rows + 3)];
    expect([got[0], got[1], got[rows + 2]]).toEqual([guard, 0, guard]);
    return { matched, columnOf: got.slice(2, -1).map((j) => j - 1) };
  });
}

test("matchMasks() matches 100000 cells that form one chain", () => {
  // stripes of 6 pixels against the same stripes 3 pixels later: each cell
  // meets two, all ties but for the halves at the ends, one component
  const cells = 100_000;
  const chain = { height: 1, width: 6 * cells };
  const truth = new Uint32Array(6 * cells).map((_, x) => 1 + Math.floor(x / 6));
  const prediction = truth.map((_, x) => 1 + Math.floor((x + 3) / 6));
  const start = performance.now();
  for (const threshold of [0.3, 0.5]) {
    const match = core.matchMasks(truth, prediction, chain, { threshold });
    expect(match.truth.length).toBe(cells);
    expect(match.tp).toBe(threshold === 0.3 ? cells : 2);
  }
  // linear work takes a fraction of a second; quadratic takes minutes
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("matchMasks() matches 40000 touching cells against a shifted grid", () => {
  // squares of 5 against squares shifted by (2, 2): each meets four others
  const grid = { height: 1000, width: 1000 };
  const squares = (shift: number) =>
    Uint32Array.from({ length: 1e6 }, (_, at) => {
      const y = Math.floor((Math.floor(at / 1000) + shift) / 5);
      const x = Math.floor((at % 1000 + shift) / 5);
      return y * 1000 + x + 1;
    });
  const start = performance.now();
  const match = core.matchMasks(squares(0), squares(2), grid, {
    threshold: 0.2,
  });
  expect(match.tp).toBe(40_000);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("aggregatedJaccard() of kind kumar2017 equals the algorithm as written", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { truth, prediction } = scenes(seed);
    const { kind, aji } = core.aggregatedJaccard(truth, prediction, size);
    expect(kind).toBe("kumar2017");
    expect(aji).toBeCloseTo(kumarJaccard(truth, prediction), 14);
  }
});

const edges = [1, 3, 4, 5, 8, 17, 33];

for (const width of edges) {
  test(`disc dilation equals brute force at width ${width}, guards intact`, () => {
    const random = seededRandom(width);
    for (const height of edges) {
      for (const radius of [0, 1, 1.5, 2.9, Math.sqrt(13), 6, 20.25, 70]) {
        const area = { height, width };
        const mask = Uint8Array.from(
          { length: height * width },
          () => random() < (radius > 5 ? 0.02 : 0.1) ? 1 : 0,
        );
        expect(runDilation("dilateDisc", mask, area, radius))
          .toEqual(dilate(mask, area, radius));
        if (radius > 10 && height * width > 200) continue; // slow reference
        expect(runDilation("dilateDiscWrapped", mask, area, radius))
          .toEqual(dilateWrapped(mask, area, radius));
      }
    }
  });
}

test("dilateDiscWrapped kernel loses a pixel with 256 in reach, dilateDisc does not", () => {
  const area = { height: 40, width: 40 };
  const inBlock = (i: number) => i >= 12 && i < 28;
  const mask = Uint8Array.from(
    { length: 1600 },
    (_, at) => inBlock(at % 40) && inBlock(Math.floor(at / 40)) ? 1 : 0,
  );
  const center = 20 * 40 + 20; // sees the whole block and no mirror image
  expect(runDilation("dilateDisc", mask, area, 12)[center]).toBe(1);
  const wrapped = runDilation("dilateDiscWrapped", mask, area, 12);
  expect(wrapped[center]).toBe(0);
  expect(wrapped).toEqual(dilateWrapped(mask, area, 12));
});

function runDilation(
  name: "dilateDisc" | "dilateDiscWrapped",
  mask: Uint8Array,
  { height, width }: { height: number; width: number },
  radius: number,
): Uint8Array {
  const arena = new Arena(core.module);
  return arena.scope((kernels) => {
    const n = mask.length;
    const out = arena.put(new Uint8Array(n + 2).fill(0xab));
    const at = arena.put(Uint8Array.from([0xcd, ...mask, 0xcd])) + 1;
    expect(kernels[name](out + 1, at, height, width, radius)).toBe(0);
    const got = arena.viewU8(out, n + 2);
    expect([got[0], got[n + 1]]).toEqual([0xab, 0xab]);
    expect([...arena.viewU8(at - 1, n + 2)]).toEqual([0xcd, ...mask, 0xcd]);
    return got.slice(1, -1);
  });
}

for (const n of [0, 1, 3, 4, 5, 8, 17]) {
  test(`countShared kernel counts ${n} pixels`, () => {
    const random = seededRandom(n);
    const a = Uint8Array.from({ length: n }, () => random() < 0.5 ? 1 : 0);
    const b = Uint8Array.from({ length: n }, () => random() < 0.5 ? 1 : 0);
    const arena = new Arena(core.module);
    arena.scope((kernels) => {
      const out = arena.put(new Uint32Array(5).fill(7));
      // set bytes on both sides must not be counted
      const guarded = (mask: Uint8Array) =>
        arena.put(Uint8Array.from([1, ...mask, 1, 1, 1, 1, 1, 1, 1, 1])) + 1;
      kernels.countShared(out + 4, guarded(a), guarded(b), n);
      const both = a.filter((x, i) => x && b[i]).length;
      const onlyA = a.filter((x, i) => x && !b[i]).length;
      const onlyB = a.filter((x, i) => !x && b[i]).length;
      expect([...arena.viewU32(out, 5)]).toEqual([7, both, onlyA, onlyB, 7]);
    });
  });
}
