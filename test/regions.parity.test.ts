import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ShapeError } from "../shared/errors.ts";
import type { Size } from "../shared/ndarray.ts";
import { core } from "./core.ts";

/** One region as scikit-image measures it. */
interface Row {
  label: number;
  area: number;
  centroid: number[];
  box: number[];
  diameter: number;
  extent: number;
  majorAxis: number;
  minorAxis: number;
  mean: number;
  min: number;
  max: number;
  orientation?: number;
  eccentricity?: number;
  perimeter?: number;
  convexArea?: number | null;
}

interface Case {
  name: string;
  shape: number[];
  masks: number[];
  rows: Row[];
}

const { cases } = JSON.parse(
  await readFile(
    new URL("./fixtures/regions/regions.json", import.meta.url),
    "utf8",
  ),
) as { cases: Case[] };

/** Pixels, or no unit: sums in another order, 64-bit. */
const TOLERANCE = 1e-9;

test.each(cases)("measureRegions() equals scikit-image on $name", (it) => {
  const { size, masks, image } = load(it);
  const regions = core.measureRegions(masks, size, { image });
  const axes = it.shape.length;
  expect([...regions.label]).toEqual(it.rows.map(({ label }) => label));
  it.rows.forEach((row, k) => {
    const at = <T extends Float64Array | Uint32Array>(
      column: T,
    ) => [...column.subarray(k * axes, (k + 1) * axes)];
    expect(regions.area[k]).toBe(row.area);
    expect([...regions.box.subarray(k * 2 * axes, (k + 1) * 2 * axes)])
      .toEqual(row.box);
    at(regions.centroid).forEach((c, i) => near(c, row.centroid[i]));
    near(regions.diameter[k], row.diameter);
    near(regions.extent[k], row.extent);
    // square roots of rounding, where an axis is 0
    near(regions.majorAxis[k], row.majorAxis, 1e-6);
    near(regions.minorAxis[k], row.minorAxis, 1e-6);
    const [intensity] = regions.intensity!;
    near(intensity.mean[k], row.mean);
    near(intensity.sum[k], row.mean * row.area, 1e-6);
    expect(intensity.min[k]).toBe(row.min);
    expect(intensity.max[k]).toBe(row.max);
    if (row.perimeter === undefined) return;
    const shape = regions.shape!;
    near(shape.perimeter[k], row.perimeter);
    near(shape.eccentricity[k], row.eccentricity!, 1e-6);
    near(shape.orientation[k], row.orientation!);
    if (row.perimeter > 0) {
      const round = 4 * Math.PI * row.area / row.perimeter ** 2;
      near(shape.circularity[k], round);
    }
    if (row.convexArea !== null) {
      expect(shape.convexArea[k]).toBe(row.convexArea);
      near(shape.solidity[k], row.area / row.convexArea!);
    }
  });
});

test("measureRegions() measures channels apart, in 64 bits where needed", () => {
  const masks = new Uint16Array([0, 5, 5, 9]);
  const size = { height: 2, width: 2 };
  const image = new Uint32Array([1, 4294967295, 4294967293, 7, 1, 2, 3, 4]);
  const [first, second] = core.measureRegions(masks, size, {
    image,
    channels: 2,
  }).intensity!;
  expect([...first.mean]).toEqual([4294967294, 7]);
  expect([...first.sum]).toEqual([8589934588, 7]);
  expect([...second.max]).toEqual([3, 4]);
  expect(() => core.measureRegions(masks, size, { image }))
    .toThrow(ShapeError);
});

test("measureRegions() gives NaN where an intensity is NaN", () => {
  const masks = new Uint8Array([1, 1, 2]);
  const image = new Float32Array([1, NaN, 3]);
  const [channel] = core.measureRegions(masks, { height: 1, width: 3 }, {
    image,
  }).intensity!;
  for (const column of Object.values(channel)) {
    expect([...column]).toEqual([NaN, 3]);
  }
});

test("measureRegions() of no label has no rows, of one pixel its answer", () => {
  const one = { height: 1, width: 1 };
  const none = core.measureRegions(new Uint8Array(1), one);
  expect(none.count).toBe(0);
  expect(none.label.length + none.box.length + none.shape!.perimeter.length)
    .toBe(0);
  const pixel = core.measureRegions(new Uint32Array([2 ** 32 - 1]), one);
  expect([...pixel.label]).toEqual([2 ** 32 - 1]);
  expect([...pixel.box]).toEqual([0, 0, 1, 1]);
  expect(pixel.majorAxis[0]).toBe(0);
  expect(pixel.shape!.solidity[0]).toBe(1);
  expect(pixel.shape!.circularity[0]).toBe(NaN);
  const voxel = core.measureRegions(new Uint8Array([3]), { depth: 1, ...one });
  expect(voxel.shape).toBe(undefined);
  expect(voxel.majorAxis[0]).toBe(0);
});

test("measureRegions() does not depend on ids", () => {
  const { size, masks } = load(cases[0]);
  const other = masks.map((label) => label && 4_000_000_000 - label * 1000);
  const a = core.measureRegions(masks, size);
  const b = core.measureRegions(other, size);
  expect([...b.area].reverse()).toEqual([...a.area]);
  expect([...b.shape!.solidity].reverse()).toEqual([...a.shape!.solidity]);
});

function near(value: number, expected: number, tolerance = TOLERANCE) {
  const error = Math.abs(value - expected);
  expect(error).toBeLessThanOrEqual(
    tolerance * Math.max(1, Math.abs(expected)),
  );
}

/** Runs to labels, and the intensities of `make.py`. */
function load({ shape, masks: runs }: Case) {
  const size: Size = shape.length === 3
    ? { depth: shape[0], height: shape[1], width: shape[2] }
    : { height: shape[0], width: shape[1] };
  const masks = new Uint32Array(shape.reduce((a, b) => a * b));
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    masks.fill(runs[i], at, at += runs[i + 1]);
  }
  const image = Float32Array.from(masks, (_, i) => i * 7919 % 1009 - 100);
  return { size, masks, image };
}
