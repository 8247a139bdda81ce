/**
 * Make an image small enough for a first look.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import type { SegmentInput } from "./job.ts";
import { layOutPlanes, readRows } from "./planes.ts";

/** One plane of an image, at most so large. */
export interface Shrunk {
  readonly input: SegmentInput;
  /** Of the whole image. */
  readonly size: Size2D;
  /** Pixels of `input` a pixel of the image; 1: as it was. */
  readonly scale: number;
  /** Which plane it is, of how many. */
  readonly plane: number;
  readonly planes: number;
}

/**
 * Take the middle plane of a stack, and scale it down where it is large.
 *
 * @param maxEdge  of the result, pixels
 * @returns        f32 planes `CYX` where it is scaled, else the input
 */
export function shrink(
  core: Core,
  input: SegmentInput,
  maxEdge: number,
): Shrunk {
  if (!(maxEdge >= 1)) {
    throw new ArgumentError("maxEdge", `must be at least 1, is ${maxEdge}`);
  }
  const planes = layOutPlanes(input);
  const plane = planes.length >> 1;
  const { size, channels } = planes[plane];
  const scale = Math.min(1, maxEdge / Math.max(size.height, size.width));
  const facts = { size, scale, plane, planes: planes.length };
  if (scale === 1 && planes.length === 1) return { ...facts, input };
  const rows = readRows(core, planes[plane], 0, size.height);
  const target = {
    height: Math.max(1, Math.round(size.height * scale)),
    width: Math.max(1, Math.round(size.width * scale)),
  };
  const data = scale === 1
    ? rows
    : core.resizeLinear(smoothed(core, rows, { ...size, channels }, scale), {
      ...size,
      channels,
    }, target);
  return {
    ...facts,
    input: {
      ...input,
      data,
      axes: "CYX",
      shape: [channels, target.height, target.width],
      ...(input.pixelSize === undefined
        ? {}
        : { pixelSize: input.pixelSize / scale }),
    },
  };
}

/** Blur before many pixels become one: linear resizing looks at two only. */
function smoothed(
  core: Core,
  image: Float32Array,
  size: Size2D & { channels: number },
  scale: number,
): Float32Array {
  if (scale > 0.5) return image;
  return core.smoothSharpen(image, size, { smoothRadius: 0.4 / scale });
}
