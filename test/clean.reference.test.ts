import fc from "fast-check";
import { expect, test } from "vitest";
import { core } from "./core.ts";
import { labelImages, toShape } from "./labels.ts";
import * as reference from "./reference/clean.ts";

const RUNS = { seed: 3, numRuns: 400 };

function check(
  call: (
    image: { masks: Uint32Array; size: import("../wasm/mod.ts").Size },
  ) => {
    actual: { masks: Uint32Array; count: number };
    expected: number[];
  },
) {
  fc.assert(
    fc.property(labelImages, (image) => {
      const before = image.masks.slice();
      const { actual, expected } = call(image);
      expect(Array.from(actual.masks)).toEqual(expected);
      expect(actual.count).toBe(new Set(expected.filter(Boolean)).size);
      expect(image.masks).toEqual(before);
    }),
    RUNS,
  );
}

test("relabel() numbers by first pixel", () =>
  check(({ masks, size }) => ({
    actual: core.relabel(masks, size),
    expected: reference.relabel(masks),
  })));

test("relabel() numbers by old label", () =>
  check(({ masks, size }) => ({
    actual: core.relabel(masks, size, { order: "label" }),
    expected: reference.rank(masks),
  })));

test("removeSmall() removes what has fewer pixels", () =>
  check(({ masks, size }) => ({
    actual: core.removeSmall(masks, size, { minSize: 6 }),
    expected: reference.removeBySize(masks, (pixels) => pixels < 6),
  })));

test("removeLarge() removes what has more than its share", () =>
  check(({ masks, size }) => ({
    actual: core.removeLarge(masks, size, { maxSizeFraction: 0.3 }),
    expected: reference.removeBySize(
      masks,
      (pixels) => pixels > 0.3 * masks.length,
    ),
  })));

test.each([true, false])(
  "removeEdgeMasks() with zEdges %s",
  (zEdges) =>
    check(({ masks, size }) => ({
      actual: core.removeEdgeMasks(masks, size, { zEdges }),
      expected: reference.removeEdge(
        masks,
        toShape(size),
        zEdges && "depth" in size,
      ),
    })),
);

test.each([0, 1, 5])(
  "fillHolesAndRemoveSmall() with minSize %i",
  (minSize) =>
    check(({ masks, size }) => ({
      actual: core.fillHolesAndRemoveSmall(masks, size, { minSize }),
      expected: reference.fillHoles(masks, toShape(size), minSize),
    })),
);

test.each([-1, 1, 5])(
  "fillHolesAndRemoveSmall() in parity mode with minSize %i",
  (minSize) =>
    check(({ masks, size }) => {
      // a volume of one plane has no cavities
      const shape = toShape(size);
      const isFlat = "depth" in size && size.depth === 1;
      const plain = reference.fillHolesParity(masks, shape, minSize);
      return {
        actual: core.fillHolesAndRemoveSmall(masks, size, {
          minSize,
          parity: true,
        }),
        expected: isFlat
          ? reference.fillHolesParity(masks, [1, 1, masks.length], minSize)
          : plain,
      };
    }),
);

test.each(
  [
    { keep: "all", connectivity: "full" },
    { keep: "all", connectivity: "faces" },
    { keep: "largest", connectivity: "full" },
    { keep: "largest", connectivity: "faces" },
  ] as const,
)("splitLabels() with %o", (options) =>
  check(({ masks, size }) => ({
    actual: core.splitLabels(masks, size, options),
    expected: reference.splitLabels(masks, toShape(size), {
      corners: options.connectivity === "full",
      largest: options.keep === "largest",
    }),
  })));
