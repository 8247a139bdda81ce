import fc from "fast-check";
import { expect, test } from "vitest";
import { core } from "./core.ts";

const SEED = 20_260;

/** A pair of label images of one size, with few labels so that they meet. */
const scene = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 21 }),
}).chain((size) => {
  const labels = fc.array(fc.integer({ min: 0, max: 5 }), {
    minLength: size.height * size.width,
    maxLength: size.height * size.width,
  }).map((values) => Uint32Array.from(values));
  return fc.record({ size: fc.constant(size), a: labels, b: labels });
});

/** Labels replaced by large ones with gaps, in another order. */
const rename = (labels: Uint32Array) =>
  labels.map((label) => label === 0 ? 0 : 2 ** 32 - 1 - 99_991 * label);

function numbers(scores: ReturnType<typeof core.scoreMasks>) {
  // labels change with the names, and so do ties between equal matchings
  const { cells, precision, panoptic, aji, boundary } = scores;
  return { cells, precision, panoptic, aji: aji[1].aji >= 0, boundary };
}

test("scoreMasks() gives a perfect score to the truth", () => {
  fc.assert(
    fc.property(scene, ({ size, a }) => {
      const scores = core.scoreMasks(a, rename(a), size, { thresholds: [1] });
      expect(scores.precision[0].ap).toBe(1);
      expect(scores.meanIou).toBe(1);
      expect(scores.panoptic.pq).toBe(1);
      expect(scores.aji.map(({ aji }) => aji)).toEqual([1, 1]);
      expect(scores.boundary.every(({ f }) => f === 1)).toBe(true);
      const { splits, merges, misses, spurious } = scores.errors;
      expect([splits, merges, misses, spurious]).toEqual([[], [], [], []]);
    }),
    { seed: SEED },
  );
});

test("scoreMasks() does not change when labels are renamed", () => {
  fc.assert(
    fc.property(scene, ({ size, a, b }) => {
      expect(numbers(core.scoreMasks(rename(a), rename(b), size)))
        .toEqual(numbers(core.scoreMasks(a, b, size)));
    }),
    { seed: SEED },
  );
});

test("scoreMasks() does not change when both images are flipped", () => {
  fc.assert(
    fc.property(scene, ({ size, a, b }) => {
      expect(numbers(core.scoreMasks(a.toReversed(), b.toReversed(), size)))
        .toEqual(numbers(core.scoreMasks(a, b, size)));
    }),
    { seed: SEED },
  );
});

test("averagePrecision() counts every cell once and falls with the threshold", () => {
  const thresholds = [0.1, 0.3, 0.5, 0.7, 1];
  fc.assert(
    fc.property(scene, ({ size, a, b }) => {
      const count = (labels: Uint32Array) =>
        new Set(labels.filter((label) => label > 0)).size;
      const rows = core.averagePrecision(a, b, size, thresholds);
      rows.forEach(({ tp, fp, fn, ap }, k) => {
        expect(tp + fn).toBe(count(a));
        expect(tp + fp).toBe(count(b));
        expect(ap).toBeLessThanOrEqual(k === 0 ? 1 : rows[k - 1].ap);
      });
      // exchanged images exchange FP and FN
      const back = core.averagePrecision(b, a, size, thresholds);
      expect(back.map(({ tp, fp, fn }) => [tp, fp, fn]))
        .toEqual(rows.map(({ tp, fp, fn }) => [tp, fn, fp]));
    }),
    { seed: SEED },
  );
});

test("errorKinds() explains every cell that is not matched", () => {
  fc.assert(
    fc.property(scene, ({ size, a, b }) => {
      const errors = core.errorKinds(a, b, size);
      const match = core.matchMasks(a, b, size);
      const isFound = (_: number, k: number) => match.iou[k] >= 0.5;
      const { splits, merges } = errors;
      const parts = (groups: typeof splits) =>
        groups.flatMap((group) => group.parts);
      const wholes = (groups: typeof splits) =>
        groups.map((group) => group.label);
      const labels = (image: Uint32Array) =>
        [...new Set(image)].filter((label) => label > 0).sort();
      const accounted = (...lists: number[][]) =>
        [...new Set(lists.flat())].sort();
      expect(accounted(
        [...match.truth].filter(isFound),
        wholes(splits),
        parts(merges),
        [...errors.misses],
      )).toEqual(labels(a));
      expect(accounted(
        [...match.prediction].filter(isFound),
        wholes(merges),
        parts(splits),
        [...errors.spurious],
      )).toEqual(labels(b));
    }),
    { seed: SEED },
  );
});
