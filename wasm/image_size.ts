/**
 * Sizes and element types of images as the core takes them: planar, slowest
 * axis first, C×H×W or C×D×H×W. Files and pages hold interleaved pixels
 * (H×W×C); `toPlanar` turns them.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type LabelArray,
  type Size,
} from "../shared/ndarray.ts";

/** Size of an image or volume with its channels (1 where left out). */
export type ImageSize = Size & { readonly channels?: number };

/** Pixels of any type; the core works on f32. */
export type ImageArray = LabelArray | Float32Array | Float64Array;

/** Axes of an image; `depth` is 1 for images. */
export interface Axes {
  /** Whether the size has a depth, be it 1 */
  readonly isVolume: boolean;
  readonly channels: number;
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  /** depth × height × width */
  readonly pixels: number;
  /** channels × pixels */
  readonly elements: number;
}

/**
 * Check a size and spell out its axes.
 *
 * @throws {ArgumentError} if an axis is not a positive integer
 */
export function readAxes(size: ImageSize): Axes {
  const pixels = countPixels(size);
  const { channels = 1, height, width } = size;
  if (!Number.isInteger(channels) || channels < 1) {
    throw new ArgumentError(
      "size.channels",
      `must be a positive integer, is ${channels}`,
    );
  }
  const depth = isVolume(size) ? size.depth : 1;
  return {
    isVolume: isVolume(size),
    channels,
    depth,
    height,
    width,
    pixels,
    elements: channels * pixels,
  };
}

/**
 * Check that an array has the length its size needs.
 *
 * @throws {ArgumentError | ShapeError}
 */
export function checkImage(image: ImageArray, size: ImageSize): Axes {
  const axes = readAxes(size);
  checkLength("image", image, axes.elements);
  return axes;
}
