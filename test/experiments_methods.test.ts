import { expect, test } from "vitest";
import { generateScene } from "../shared/synthetic/mod.ts";
import { core } from "./core.ts";
import {
  type Method,
  METHODS,
  segmentAsOurs,
  segmentAsReport,
} from "./experiments/methods.ts";
import { SCENARIOS } from "./experiments/scenarios.ts";
import { summarize } from "./experiments/statistics.ts";
import { findStraightShares } from "./experiments/straight.ts";
import { segmentClassically } from "./experiments/watershed.ts";

test("segmentAsOurs() reaches a mean IoU of 0.98 in every scenario", () => {
  for (const { name, scene } of SCENARIOS) {
    const ious = Array.from({ length: 20 }, (_, seed) => {
      const { labels, size } = generateScene(seed, scene);
      const masks = segmentAsOurs(core, { labels, size, seed });
      return core.meanIou(labels, masks, size);
    });
    expect(summarize(ious).mean, name).toBeGreaterThanOrEqual(0.98);
  }
});

test("every method finds every circle that lies apart", () => {
  const options = { shape: "circle", count: 8, overlap: 0 } as const;
  const { labels, size, count } = generateScene(4, options);
  for (const method of Object.keys(METHODS) as Method[]) {
    const masks = METHODS[method](core, { labels, size, seed: 4 });
    const { tp, fp } = core.matchMasks(labels, masks, size);
    expect({ method, tp, fp }).toEqual({ method, tp: count, fp: 0 });
  }
});

test("segmentAsReport() breaks cells into noise and pieces while points are under way", () => {
  const options = {
    shape: "rod",
    aspect: [8, 8],
    count: 1,
    overlap: 0,
  } as const;
  const { labels, size } = generateScene(1, options);
  const truth = { labels, size, seed: 1 };
  const count = (niter: number) =>
    new Set(segmentAsReport(core, truth, { niter, eps: 0.5 })).size - 1;
  expect(count(0)).toBe(0); // pixels are 1 apart: all are noise
  expect(count(10)).toBeGreaterThan(1);
  expect(count(200)).toBe(1);
});

test("segmentClassically() parts what the distance parts, and drops specks", () => {
  // two discs of radius 9 joined by a neck, and a speck of 4 pixels
  const size = { height: 30, width: 60 };
  const image = new Uint8Array(size.height * size.width);
  for (let i = 0; i < image.length; i++) {
    const [y, x] = [Math.floor(i / size.width), i % size.width];
    const inDisc = [15, 32].some((cx) => Math.hypot(y - 14, x - cx) <= 9);
    if (inDisc || y < 2 && x > 57) image[i] = 200;
  }
  const labels = segmentClassically(image, size);
  expect(new Set(labels)).toEqual(new Set([0, 1, 2]));
  const at = (y: number, x: number) => labels[y * size.width + x];
  expect(at(14, 15)).not.toBe(at(14, 32));
  expect(at(14, 10)).toBe(at(14, 20));
  expect(at(0, 59)).toBe(0);
});

test("findStraightShares() is 1 for a disc and less for a crescent", () => {
  const width = 40;
  const draw = (isIn: (y: number, x: number) => boolean) =>
    Uint32Array.from(
      { length: width * width },
      (_, i) => isIn(Math.floor(i / width), i % width) ? 7 : 0,
    );
  const disc = (y: number, x: number) => Math.hypot(y - 20, x - 20) <= 15;
  expect(findStraightShares(draw(disc), width).get(7)).toBe(1);
  // what another disc leaves of it, the deeper the less
  const crescent = (left: number) =>
    findStraightShares(
      draw((y, x) => disc(y, x) && Math.hypot(y - 20, x - left) > 15),
      width,
    ).get(7);
  expect(crescent(4)).toBeLessThan(1);
  expect(crescent(4)).toBeGreaterThan(0.5);
  expect(crescent(14)).toBe(0); // its centroid lies outside
});

test("summarize() divides by n − 1", () => {
  expect(summarize([1, 2, 3, 4]).mean).toBe(2.5);
  expect(summarize([1, 2, 3, 4]).sd).toBeCloseTo(Math.sqrt(5 / 3), 12);
  expect(summarize([5])).toEqual({ mean: 5, sd: 0 });
});
