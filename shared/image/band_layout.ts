/**
 * An image whose rows are read one band after the other.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Axes } from "./axes.ts";
import type { DecodedArray } from "./decoded.ts";
import type { PixelArray } from "./types.ts";

/** Rows of one plane: all its channels. */
export interface ImageBand {
  readonly data: PixelArray;
  /** "CYX", "YXC" or "YX". */
  readonly axes: string;
  readonly shape: readonly number[];
}

/** An image, its pixels aside, and how to read them. */
export interface OpenedImage extends Omit<DecodedArray, "data"> {
  readonly size: { readonly height: number; readonly width: number };
  readonly channels: number;
  /** Planes: times and depths, in the order of the axes. */
  readonly depth: number;
  /** False where the file was decoded whole. */
  readonly isBanded: boolean;
  readonly readBand: (
    plane: number,
    top: number,
    count: number,
  ) => Promise<ImageBand>;
}

/** Axes that are read in bands. */
const AXES = /^(?:([TZC]*)YX|([TZ]*)YXC)$/;

/** What follows from the axes. */
export interface BandLayout {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Axes of planes, and their lengths. */
  readonly leading: readonly (readonly [axis: string, length: number])[];
  /** Channels follow X. */
  readonly isInterleaved: boolean;
  readonly facts:
    & Pick<OpenedImage, "axes" | "shape" | "axesInferred" | "warnings">
    & Pick<OpenedImage, "size" | "channels" | "depth">;
  /** The place of a plane and channel among all pages. */
  readonly placeOf: (plane: number, channel: number) => number;
  readonly nameBand: (data: PixelArray, count: number) => ImageBand;
}

/**
 * Lay out an image whose rows are read.
 *
 * @throws {ArgumentError} if Y and X are not last, or followed by C alone
 */
export function layOutBands(
  { axes, shape, inferred, warnings }: Axes,
): BandLayout {
  if (!AXES.test(axes) || new Set(axes).size !== axes.length) {
    throw new ArgumentError(
      "axes",
      `${axes} cannot be read in bands; Y and X come last, or are followed by C alone`,
    );
  }
  const edge = (axis: string) => shape[axes.indexOf(axis)] ?? 1;
  const [height, width, channels] = ["Y", "X", "C"].map(edge);
  const leading = [...axes].filter((axis) => !/[CYX]/.test(axis))
    .map((axis) => [axis, edge(axis)] as const);
  const isInterleaved = axes.endsWith("C");
  return {
    height,
    width,
    channels,
    leading,
    isInterleaved,
    facts: {
      axes,
      shape,
      axesInferred: inferred,
      warnings,
      size: { height, width },
      channels,
      depth: leading.reduce((product, [, length]) => product * length, 1),
    },
    placeOf(plane, channel) {
      const at = indicesOf(leading, plane);
      let place = 0;
      for (const axis of axes.slice(0, axes.indexOf("Y"))) {
        const index = axis === "C" ? channel : at.get(axis) ?? 0;
        place = place * edge(axis) + index;
      }
      return place;
    },
    nameBand: (data, count) =>
      isInterleaved
        ? { data, axes: "YXC", shape: [count, width, channels] }
        : { data, axes: "CYX", shape: [channels, count, width] },
  };
}

/** The place of a plane on each axis of planes. */
export function indicesOf(
  leading: BandLayout["leading"],
  plane: number,
): Map<string, number> {
  const at = new Map<string, number>();
  let rest = plane;
  for (const [axis, length] of leading.toReversed()) {
    at.set(axis, rest % length);
    rest = Math.floor(rest / length);
  }
  return at;
}

/** An array of the same type. */
export function allocate(like: PixelArray, length: number): PixelArray {
  const type = like.constructor as { new (length: number): PixelArray };
  return new type(length);
}

/** Bytes of a decoded image. */
export function decodedBytes(
  { shape, dtype }: Pick<OpenedImage, "shape" | "dtype">,
): number {
  return shape.reduce((a, b) => a * b, 1) * bytesOf(dtype);
}

function bytesOf(dtype: OpenedImage["dtype"]): number {
  return Number(/\d+$/.exec(dtype)?.[0]) / 8;
}
