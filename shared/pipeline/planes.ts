/**
 * A decoded array to the images that are segmented one by one.
 *
 * @module
 */
import { ArgumentError, ShapeError } from "../errors.ts";
import type { PixelArray } from "../image/types.ts";
import type { Size2D } from "../ndarray.ts";
import type { Core } from "../../wasm/mod.ts";

/** An array whose axes have names. */
export interface NamedArray {
  /** C order, as `shape`. */
  readonly data: PixelArray;
  /** T, Z, C before Y and X, or C after them; as "ZCYX", "YXC". */
  readonly axes: string;
  readonly shape: readonly number[];
}

/** One image within an array. */
export interface Plane {
  /** The whole array. */
  readonly data: PixelArray;
  readonly size: Size2D;
  readonly channels: number;
  /** Where each channel starts. */
  readonly starts: readonly number[];
  /** Elements from a pixel to the next: 1, or C for interleaved channels. */
  readonly step: number;
}

/** Intensities are measured up to this many values; they are f32 meanwhile. */
export const MAX_INTENSITIES = 2 ** 24;

/** Axes that the pipeline takes. */
const AXES = /^(?=[TZC]*YX)(T|Z|C)*YX$|^(T|Z)*YXC$/;

/**
 * Lay out the images of an array, times and depths in the array's order.
 *
 * @param array  named axes, slowest first
 * @returns      the images; they share the array's data
 * @throws {ArgumentError} for axes in another order
 * @throws {ShapeError} if data, shape and axes disagree
 */
export function layOutPlanes({ data, axes, shape }: NamedArray): Plane[] {
  if (!AXES.test(axes) || new Set(axes).size !== axes.length) {
    throw new ArgumentError(
      "axes",
      `${axes} cannot be segmented; Y and X come last, or are followed by C alone`,
    );
  }
  const length = shape.reduce((a, b) => a * b, 1);
  if (shape.length !== axes.length || data.length !== length) {
    throw new ShapeError(
      "shape",
      `${
        shape.join("×")
      } does not fit axes ${axes} and ${data.length} elements`,
    );
  }
  const edge = (axis: string) => shape[axes.indexOf(axis)] ?? 1;
  const stride = (axis: string) =>
    shape.slice(axes.indexOf(axis) + 1).reduce((a, b) => a * b, 1);
  const size = { height: edge("Y"), width: edge("X") };
  const channels = edge("C");
  const step = axes.endsWith("C") ? channels : 1;
  // offsets of the images: every combination of the axes before Y but C
  let offsets = [0];
  for (const axis of axes.replace(/[CYX]/g, "")) {
    offsets = offsets.flatMap((offset) =>
      Array.from({ length: edge(axis) }, (_, i) => offset + i * stride(axis))
    );
  }
  return offsets.map((offset) => ({
    data,
    size,
    channels,
    step,
    starts: Array.from(
      { length: channels },
      (_, c) => channels === 1 ? offset : offset + c * stride("C"),
    ),
  }));
}

/**
 * Read rows of all channels.
 *
 * @returns C×count×W f32
 */
export function readRows(
  core: Core,
  plane: Plane,
  top: number,
  count: number,
): Float32Array {
  const { data, size: { width }, channels, starts, step } = plane;
  const length = count * width;
  if (step > 1) {
    const from = starts[0] + top * width * step;
    const rows = data.subarray(from, from + length * step);
    return core.toPlanar(rows, { height: count, width, channels });
  }
  const rows = new Float32Array(channels * length);
  for (const [c, start] of starts.entries()) {
    const from = start + top * width;
    rows.set(data.subarray(from, from + length), c * length);
  }
  return rows;
}

/** Whether values are whole numbers by their type. */
export function isInteger(data: PixelArray): boolean {
  return !(data instanceof Float32Array) && !(data instanceof Float64Array);
}
