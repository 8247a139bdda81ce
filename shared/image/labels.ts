/**
 * Label images to files: TIFF and PNG, in the narrowest type that holds them.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type LabelArray,
  type Size,
} from "../ndarray.ts";
import type { PixelSize } from "./pixel_size.ts";
import { encodePng } from "./png.ts";
import { encodeTiff } from "./tiff_write.ts";

/** Labels of an image or volume. */
export interface LabelImage {
  /** H×W or D×H×W, 0 background. */
  readonly masks: LabelArray;
  readonly size: Size;
}

/**
 * Encode labels as OME-TIFF: u16, or u32 where a label exceeds 65535.
 *
 * @param image  one page for an image, one a slice for a volume
 * @throws {ArgumentError}
 */
export function encodeLabelTiff(
  { masks, size }: LabelImage,
  pixelSize?: PixelSize,
): Uint8Array {
  checkLength("masks", masks, countPixels(size));
  return encodeTiff({
    data: narrowLabels(masks),
    axes: isVolume(size) ? "ZYX" : "YX",
    shape: shapeOf(size),
    ...(pixelSize && { pixelSize }),
  });
}

/**
 * Encode labels as 16-bit gray PNG.
 *
 * @throws {ArgumentError} for volumes, and labels above 65535: those need TIFF
 */
export function encodeLabelPng({ masks, size }: LabelImage): Uint8Array {
  if (isVolume(size)) {
    throw new ArgumentError("size", "PNG holds no volumes; write TIFF");
  }
  checkLength("masks", masks, countPixels(size));
  const data = narrowLabels(masks);
  if (data instanceof Uint32Array) {
    throw new ArgumentError(
      "masks",
      "label numbers above 65535 do not fit a PNG; write TIFF",
    );
  }
  return encodePng({ data, size, channels: 1 });
}

/** Labels as u16, or as u32 where one exceeds 65535. */
export function narrowLabels(masks: LabelArray): Uint16Array | Uint32Array {
  let top = 0;
  // an index: iterators take several times as long
  for (let i = 0; i < masks.length; i++) {
    const label = masks[i];
    if (label < 0) {
      throw new ArgumentError("masks", `${label} is no label: it is negative`);
    }
    if (label > top) top = label;
  }
  // a constructor copies at once, `from` one by one
  if (top > 0xffff) {
    return masks instanceof Uint32Array ? masks : new Uint32Array(masks);
  }
  return masks instanceof Uint16Array ? masks : new Uint16Array(masks);
}

/** Slowest axis first. */
export function shapeOf(size: Size): number[] {
  const { height, width } = size;
  return isVolume(size) ? [size.depth, height, width] : [height, width];
}

/** The label numbers that occur, ascending, without 0. */
export function listLabels(masks: LabelArray): Uint32Array {
  const found = new Set<number>();
  let last = 0;
  for (const label of masks) {
    // runs of one label are the rule
    if (label === last) continue;
    last = label;
    if (label !== 0) found.add(label);
  }
  return Uint32Array.from(found).sort();
}
