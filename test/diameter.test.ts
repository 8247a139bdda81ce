import { expect, test } from "vitest";
import { ArgumentError } from "../shared/errors.ts";
import { core } from "./core.ts";

/** An image of one row with labels of the given areas. */
function makeRow(areas: Record<number, number>) {
  const masks = Object.entries(areas)
    .flatMap(([label, area]) => Array<number>(area).fill(Number(label)));
  return {
    masks: Uint32Array.from([0, ...masks]),
    size: { height: 1, width: masks.length + 1 },
  };
}

test("estimateDiameter() is the median of √area over √π/2", () => {
  const nine = makeRow({ 4: 9 });
  // 3.385138: Cellpose's value for one mask of 9 pixels
  expect(core.estimateDiameter(nine.masks, nine.size).diameter)
    .toBe(3 / (Math.sqrt(Math.PI) / 2));
  const odd = makeRow({ 2: 100, 7: 4, 900: 16 });
  expect(core.estimateDiameter(odd.masks, odd.size).diameter)
    .toBe(4 / (Math.sqrt(Math.PI) / 2));
  // of an even number: the mean of the roots, not the root of the mean
  const even = makeRow({ 1: 4, 2: 16 });
  expect(core.estimateDiameter(even.masks, even.size).diameter)
    .toBe(3 / (Math.sqrt(Math.PI) / 2));
});

test("estimateDiameter() lists each cell's, by ascending id", () => {
  const { masks, size } = makeRow({ 3: 4, 70000: 9, 4294967295: 1 });
  const { labels, diameters } = core.estimateDiameter(masks.reverse(), size);
  expect([...labels]).toEqual([3, 70000, 4294967295]);
  [4, 9, 1].forEach((area, k) =>
    expect(diameters[k]).toBeCloseTo(2 * Math.sqrt(area / Math.PI), 12)
  );
});

test("estimateDiameter() of a volume is the sphere's", () => {
  const size = { depth: 3, height: 4, width: 5 };
  const masks = new Uint32Array(60).fill(2);
  const { diameter, diameters } = core.estimateDiameter(masks, size);
  expect(diameter).toBeCloseTo(Math.cbrt(6 * 60 / Math.PI), 12);
  expect(diameters[0]).toBe(diameter);
});

test("estimateDiameter() without cells is 0", () => {
  const { diameter, labels, diameters } = core.estimateDiameter(
    new Int32Array(4),
    { height: 2, width: 2 },
  );
  expect(diameter).toBe(0);
  expect(labels.length + diameters.length).toBe(0);
});

test("estimateDiameter() refuses negative labels", () => {
  const masks = Int32Array.from([0, -1]);
  expect(() => core.estimateDiameter(masks, { height: 1, width: 2 }))
    .toThrow(ArgumentError);
});
