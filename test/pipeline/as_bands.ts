/** An array as a file in bands, and what bands must give. */
import { expect } from "vitest";
import { IN_MEMORY } from "../../shared/pipeline/array_store.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import {
  isInteger,
  layOutPlanes,
  type NamedArray,
  type Plane,
} from "../../shared/pipeline/planes.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import {
  type BandDeps,
  type BandInput,
  segmentBands,
} from "../../shared/pipeline/segment_bands.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createIdentity } from "./fake_encoder.ts";

/** Rows of one image within an array. */
function cutRows(plane: Plane, top: number, count: number): NamedArray {
  const { data, size: { width }, channels, step, starts } = plane;
  if (step > 1) {
    const from = starts[0] + top * width * step;
    const rows = data.slice(from, from + count * width * step);
    return { data: rows, axes: "YXC", shape: [count, width, channels] };
  }
  const length = count * width;
  const rows = data.slice(0, channels * length);
  for (const [c, start] of starts.entries()) {
    const from = start + top * width;
    rows.set(data.subarray(from, from + length), c * length);
  }
  return { data: rows, axes: "CYX", shape: [channels, count, width] };
}

/** An array as a file gives it. */
export function bandsOf(input: NamedArray): BandInput {
  const planes = layOutPlanes(input);
  const [{ size, channels }] = planes;
  return {
    axes: input.axes,
    shape: input.shape,
    size,
    channels,
    depth: planes.length,
    isInteger: isInteger(input.data),
    readBand: (z, top, count) => {
      expect(count).toBeLessThanOrEqual(size.height);
      return Promise.resolve(cutRows(planes[z], top, count));
    },
  };
}

/** Expect bands to give what memory gives. */
export async function expectSame(
  input: NamedArray,
  options: SegmentOptions,
  { encoder = createIdentity(), stores = IN_MEMORY, bandRows = 23 }: {
    encoder?: Encoder;
    stores?: BandDeps["stores"];
    bandRows?: number;
  } = {},
) {
  const parameters = SegmentParameters.parse(options);
  const deps = { core, encoders: [encoder] };
  const whole = await segment(input, parameters, deps);
  const bands = await segmentBands(bandsOf(input), parameters, {
    ...deps,
    stores,
    bandRows,
  });
  for (const [z, plane] of whole.planes.entries()) {
    const { masks, output, size, cells, boxes, count, emptyReason } =
      bands.planes[z];
    const pixels = size.height * size.width;
    expect(masks.read(0, pixels)).toEqual(plane.masks);
    expect(bands.planes[z].hasFlows).toBe(plane.flows.length > 0);
    expect(output.store.read(0, plane.flows.length)).toEqual(plane.flows);
    expect(output.store.read(2 * pixels, pixels)).toEqual(plane.cellprob);
    expect(cells).toEqual(plane.cells);
    const stored = { masks, size, count, boxes, bandRows };
    for (const along of ["edges", "centers"] as const) {
      expect(await core.traceStored(stored, { along }))
        .toEqual(core.traceContours(plane.masks, size, { along }));
    }
    expect({ count, size, emptyReason }).toEqual({
      count: plane.count,
      size: plane.size,
      emptyReason: plane.emptyReason,
    });
  }
  expect(bands.facts).toEqual(whole.facts);
  expect(bands.warnings).toEqual(whole.warnings);
  return { ...whole, bands };
}
