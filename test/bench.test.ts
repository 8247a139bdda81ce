/** What the benchmark relies on: equal cases, comparisons that can fail. */
import { expect, test } from "vitest";
import {
  assertSameFlows,
  assertSameMasks,
  assertSamePrecision,
} from "./bench/equality.ts";
import { fitExponent } from "./bench/growth.ts";
import { drawScene, SCENES } from "./bench/scene.ts";

test("drawScene() draws the same touching cells each time, a quarter of the image", () => {
  const scene = { ...SCENES["512"], height: 256, width: 256, cells: 24 };
  const labels = drawScene(scene);
  expect(drawScene(scene)).toEqual(labels);
  expect(new Set(labels).size).toBe(25);
  const covered = labels.filter((label) => label > 0).length / labels.length;
  expect(covered).toBeGreaterThan(0.2);
  expect(covered).toBeLessThan(0.3);
  const touching = labels.some((label, i) =>
    label > 0 && labels[i + 1] > 0 && labels[i + 1] !== label
  );
  expect(touching).toBe(true);
});

test("assertSameMasks() accepts other numbers and few differing pixels only", () => {
  const ours = Uint32Array.from(
    { length: 1000 },
    (_, i) => Math.floor(i / 100),
  );
  const renumbered = ours.map((label) => label && 4_000_000 - label);
  expect(assertSameMasks("a peer", ours, renumbered)).toBe(1);
  expect(assertSameMasks("a peer", ours, renumbered.with(500, 0))).toBe(0.999);
  // one label where we have two
  const merged = ours.map((label) => label === 4 ? 5 : label);
  expect(() => assertSameMasks("a peer", ours, merged)).toThrow("90.000 %");
  const shifted = ours.map((label) => label + 1);
  expect(() => assertSameMasks("a peer", ours, shifted)).toThrow("a peer");
});

test("assertSameFlows() counts pixels of cells only, and every axis", () => {
  const labels = new Uint8Array(2000).fill(1, 1000);
  const ours = new Float32Array(4000);
  const theirs = ours.slice();
  theirs[10] = 1;
  theirs[3999] = 0.5e-4;
  expect(assertSameFlows("a peer", ours, theirs, labels)).toBe(1);
  theirs[3000] = 2e-4;
  expect(assertSameFlows("a peer", ours, theirs, labels)).toBe(0.999);
  theirs[1500] = NaN;
  expect(() => assertSameFlows("a peer", ours, theirs, labels)).toThrow(
    "99.800 %",
  );
});

test("assertSamePrecision() compares each threshold", () => {
  assertSamePrecision("a peer", [1, 0.5], [1, 0.5 + 1e-7]);
  expect(() => assertSamePrecision("a peer", [1, 0.5], [1, 0.6])).toThrow(
    "0.6",
  );
  expect(() => assertSamePrecision("a peer", [1, 0.5], [1])).toThrow();
});

test("fitExponent() finds the power of a power law", () => {
  const power = [1, 2, 4, 8].map((x) => [x, 3 * x ** 1.5] as const);
  expect(fitExponent(power)).toBeCloseTo(1.5, 12);
});
