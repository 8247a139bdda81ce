import fc from "fast-check";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import * as reference from "./reference/stitch.ts";

/** A stack of slices of one row. */
function stack(...slices: number[][]) {
  return {
    masks: Uint32Array.from(slices.flat()),
    size: { depth: slices.length, height: 1, width: slices[0].length },
  };
}

test("stitchSlices() gives no id twice after an empty slice", () => {
  const { masks, size } = stack([1, 1, 2, 2], [0, 0, 0, 0], [0, 1, 1, 1]);
  const ours = core.stitchSlices(masks, size);
  expect([...ours.masks.subarray(8)]).toEqual([0, 3, 3, 3]);
  expect(ours.count).toBe(3);
  const theirs = core.stitchSlices(masks, size, { parity: true });
  expect([...theirs.masks.subarray(8)]).toEqual([0, 1, 1, 1]);
  expect(theirs.count).toBe(2);
});

test("stitchSlices() gives both halves of an even split the parent's id", () => {
  const { masks, size } = stack([5, 5, 5, 5], [1, 1, 2, 2]);
  const { masks: out } = core.stitchSlices(masks, size);
  expect([...out]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
});

test("stitchSlices() links at the threshold and not below", () => {
  const { masks, size } = stack([1, 1, 0, 0], [0, 1, 1, 1]);
  const at = core.stitchSlices(masks, size, { threshold: 0.25 });
  expect(at.count).toBe(1);
  expect(core.stitchSlices(masks, size, { threshold: 0.26 }).count).toBe(2);
});

test("stitchSlices() takes huge ids; parity mode says where they end", () => {
  const huge = 2 ** 32 - 1;
  const { masks, size } = stack([huge, huge], [huge, huge], [0, huge]);
  const { masks: out, count } = core.stitchSlices(masks, size);
  expect([...out]).toEqual([1, 1, 1, 1, 0, 1]);
  expect(count).toBe(1);
  expect(() => core.stitchSlices(masks, size, { parity: true })).toThrow(
    "masks: labels are so large",
  );
});

test("stitchSlices() links thousands of cells in a slice", () => {
  // three pixels a cell; the later slice is shifted by one and numbered anew
  const cells = 4000;
  const first = Array.from({ length: 3 * cells }, (_, i) => 1 + i / 3 | 0);
  const next = first.map((_, i) => cells - ((i + 1) / 3 | 0) + 1);
  const { masks, size } = stack(first, next);
  const { masks: out, count } = core.stitchSlices(masks, size);
  const later = out.subarray(3 * cells);
  expect(later.findIndex((id, i) => id !== 1 + ((i + 1) / 3 | 0))).toBe(-1);
  expect(count).toBe(cells + 1);
});

test("stitchSlices() refuses a threshold that is no fraction", () => {
  const { masks, size } = stack([1]);
  for (const threshold of [NaN, -0.1, 25]) {
    expect(() => core.stitchSlices(masks, size, { threshold })).toThrow(
      "threshold",
    );
  }
});

test("stitchSlices() does what a dense table does", () => {
  const slice = fc.oneof(
    fc.constant(Array(12).fill(0)),
    fc.array(fc.constantFrom(0, 1, 2, 3, 70000), {
      minLength: 12,
      maxLength: 12,
    }),
  );
  fc.assert(
    fc.property(
      fc.array(slice, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(0, 0.25, 1 / 3, 0.5),
      (slices, threshold) => {
        const { masks, size } = stack(...slices);
        const expected = reference.stitchSlices(slices, threshold).flat();
        const actual = core.stitchSlices(masks, size, { threshold });
        expect(Array.from(actual.masks)).toEqual(expected);
        expect(actual.count).toBe(Math.max(...expected));
      },
    ),
    { seed: 5, numRuns: 500 },
  );
});
