/**
 * Resizing of images, volumes and label images.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  isVolume,
  type LabelArray,
  type Size,
  type Size2D,
} from "../shared/ndarray.ts";
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

  /**
   * Resize some rows of an image: those that `resizeLinear` would give, bit
   * for bit, without the whole image.
   *
   * @param band    C×rows×W f32, rows `top` … `top + rows` of the image; at
   *                least those that `rowsForResize` names
   * @param size    the band's channels (1 by default), and the size of the
   *                whole image
   * @param target  size of the whole result
   * @param choice  where the band starts, and which rows are wanted
   * @returns       C×count×target.width f32
   * @throws {ArgumentError | ShapeError} if a row that is needed is missing
   *
   * Source: OpenCV 5.0 `resize`, INTER_LINEAR. Differs: nothing.
   */
  function resizeRows(
    band: Float32Array,
    size: ImageSize,
    target: Size2D,
    { top, first, count }: {
      readonly top: number;
      readonly first: number;
      readonly count: number;
    },
  ): Float32Array {
    const { channels, height, width } = readAxes(size);
    const rows = band.length / (channels * width);
    const needed = rowsForResize(height, target.height, { first, count });
    const isEnough = Number.isInteger(rows) && top <= needed.top &&
      top + rows >= needed.top + needed.height;
    if (!isEnough) {
      throw new ArgumentError(
        "band",
        `must hold rows ${needed.top} to ${
          needed.top + needed.height
        }, has ${rows} from ${top} on`,
      );
    }
    return arena.scope((kernels) => {
      const at = arena.put(band);
      const length = channels * count * target.width;
      const out = arena.reserve(length * 4);
      checkResult(
        kernels.resizeRows(
          out,
          at,
          channels,
          height,
          width,
          target.height,
          target.width,
          top,
          rows,
          first,
          count,
        ),
      );
      return arena.viewF32(out, length).slice();
    });
  }

  return { resizeLinear, resizeNearest, resizeRows };
}

/**
 * Rows of an image that some rows of the resized image are made of.
 *
 * @param height   rows of the image
 * @param target   rows of the resized image
 * @param choice   rows that are wanted, within the resized image
 * @throws {ArgumentError} if the choice is empty or outside
 */
export function rowsForResize(
  height: number,
  target: number,
  { first, count }: { readonly first: number; readonly count: number },
): { top: number; height: number } {
  if (!(first >= 0 && count >= 1 && first + count <= target)) {
    throw new ArgumentError(
      "first, count",
      `must choose rows within 0–${target}, are ${first} and ${count}`,
    );
  }
  const sourceRow = (row: number) =>
    Math.floor(
      Math.min(Math.max((row + 0.5) * (height / target) - 0.5, 0), height - 1),
    );
  const top = sourceRow(first);
  const bottom = Math.min(sourceRow(first + count - 1) + 2, height);
  return { top, height: bottom - top };
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
