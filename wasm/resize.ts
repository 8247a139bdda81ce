/**
 * Resizing of images, volumes and label images.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { isVolume, type LabelArray, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";
import {
  type Axes,
  checkImage,
  type ImageArray,
  type ImageSize,
  readAxes,
} from "./image_size.ts";
import { putImage } from "./images.ts";

/** Resizing; part of the core. */
export function resizing(arena: Arena) {
  /**
   * Resize each channel by linear interpolation, volumes in the plane and
   * then along z.
   *
   * Pixel centers lie at half integers, edges repeat, and there is no
   * antialiasing: the network was trained on images scaled this way.
   *
   * @param image   C×H×W or C×D×H×W
   * @param size    its channels (1 by default), height, width and depth
   * @param target  the new height, width, and depth for a volume
   * @returns       f32, same channels, the new size
   * @throws {ArgumentError | ShapeError} if sizes disagree
   *
   * Source: OpenCV 5.0 `resize`, INTER_LINEAR; cellpose 4.2.1
   * `resize_image`, `resize_image_3d`. Differs: nothing.
   */
  function resizeLinear(
    image: ImageArray,
    size: ImageSize,
    target: Size,
  ): Float32Array {
    const from = checkImage(image, size);
    const to = readTarget(size, target, from.channels);
    return arena.scope((kernels) => {
      const at = putImage(arena, image);
      const out = arena.reserve(to.elements * 4);
      checkResult(
        kernels.resizeLinear(out, at, from.channels, ...edges(from, to)),
      );
      return arena.viewF32(out, to.elements).slice();
    });
  }

  /**
   * Resize by the nearest pixel, floor(i·old/new) along each axis.
   *
   * @param image   C×H×W or C×D×H×W, labels of any type or f32
   * @param size    its channels (1 by default), height, width and depth
   * @param target  the new height, width, and depth for a volume
   * @returns       u32 (of f32: f32), same channels, the new size
   * @throws {ArgumentError | ShapeError} if sizes disagree or a label is
   *                                      negative
   *
   * Source: OpenCV 5.0 `resize`, INTER_NEAREST; cellpose 4.2.1 `resize_safe`.
   * Differs: ids above 2²⁴ stay as they are.
   */
  function resizeNearest(
    image: Float32Array,
    size: ImageSize,
    target: Size,
  ): Float32Array;
  function resizeNearest(
    image: LabelArray,
    size: ImageSize,
    target: Size,
  ): Uint32Array;
  function resizeNearest(
    image: LabelArray | Float32Array,
    size: ImageSize,
    target: Size,
  ): Uint32Array | Float32Array {
    const from = checkImage(image, size);
    const to = readTarget(size, target, from.channels);
    return arena.scope((kernels) => {
      const at = image instanceof Float32Array
        ? arena.put(image)
        : putLabels(image, from);
      const out = arena.reserve(to.elements * 4);
      checkResult(
        kernels.resizeNearest(out, at, from.channels, ...edges(from, to)),
      );
      return image instanceof Float32Array
        ? arena.viewF32(out, to.elements).slice()
        : arena.viewU32(out, to.elements).slice();
    });
  }

  function putLabels(labels: LabelArray, axes: Axes): number {
    const { channels, depth, height, width } = axes;
    checkLabels("image", labels, { depth: channels * depth, height, width });
    return arena.putLabels(labels);
  }

  return { resizeLinear, resizeNearest };
}

function readTarget(size: ImageSize, target: Size, channels: number): Axes {
  if (isVolume(size) !== isVolume(target)) {
    throw new ArgumentError(
      "target",
      isVolume(size)
        ? "needs a depth, as the image has one"
        : "has a depth, the image has none",
    );
  }
  return readAxes({ ...target, channels });
}

function edges(from: Axes, to: Axes) {
  return [
    from.depth,
    from.height,
    from.width,
    to.depth,
    to.height,
    to.width,
  ] as const;
}
