/**
 * Images before the network: layout, percentiles, smoothing.
 *
 * Images are planar (C×H×W or C×D×H×W) and results are new arrays.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { checkLength, type Size2D } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import {
  type Axes,
  checkImage,
  type ImageArray,
  type ImageSize,
} from "./image_size.ts";
import {
  checkPercentiles,
  checkRadii,
  type SmoothOptions,
} from "./normalize_options.ts";

/** Functions on images; part of the core. */
export function images(arena: Arena) {
  /**
   * Turn interleaved pixels into planes.
   *
   * @param image  H×W×C or D×H×W×C, any type
   * @param size   its channels (1 by default), height, width and depth
   * @returns      C×H×W or C×D×H×W f32
   * @throws {ArgumentError | ShapeError} if length and size disagree
   *
   * Source: none needed. Differs: nothing.
   */
  function toPlanar(image: ImageArray, size: ImageSize): Float32Array {
    const { pixels, channels } = checkImage(image, size);
    return turn(image, pixels, channels);
  }

  /**
   * Turn planes into interleaved pixels.
   *
   * @param image  C×H×W or C×D×H×W, any type
   * @param size   its channels (1 by default), height, width and depth
   * @returns      H×W×C or D×H×W×C f32
   * @throws {ArgumentError | ShapeError} if length and size disagree
   *
   * Source: none needed. Differs: nothing.
   */
  function toInterleaved(image: ImageArray, size: ImageSize): Float32Array {
    const { pixels, channels } = checkImage(image, size);
    return turn(image, channels, pixels);
  }

  function turn(image: ImageArray, rows: number, columns: number) {
    return arena.scope((kernels) => {
      const at = putImage(arena, image);
      const out = arena.reserve(image.length * 4);
      kernels.transpose(out, at, rows, columns);
      return arena.viewF32(out, image.length).slice();
    });
  }

  /**
   * Find percentiles by linear interpolation between the sorted values.
   *
   * Selection by counting, O(n) for two percentiles; every value counts.
   *
   * @param values  any length ≥ 1, taken as f32
   * @param ranks   percentiles, each 0–100, in any order
   * @returns       one f32 each; all NaN where a value is NaN
   * @throws {ArgumentError} if values are empty or a rank is out of range
   *
   * Source: numpy 2.4.6 `percentile`, method linear. Differs: nothing.
   */
  function findPercentiles(
    values: ImageArray,
    ranks: readonly number[],
  ): Float32Array {
    if (values.length === 0) throw new ArgumentError("values", "is empty");
    checkPercentiles(ranks);
    return arena.scope(() => {
      const axes = { depth: 1, height: 1, width: values.length };
      const at = putImage(arena, values);
      const found = new Float32Array(ranks.length);
      for (let i = 0; i < ranks.length; i += 2) {
        const pair = [ranks[i], ranks[i + 1] ?? ranks[i]] as const;
        const values = selectPair(arena, at, { axes, ranks: pair });
        found.set(values.subarray(0, ranks.length - i), i);
      }
      return found;
    });
  }

  /**
   * Smooth and sharpen each plane of each channel by Gaussians.
   *
   * @param image    C×H×W or C×D×H×W
   * @param size     its channels (1 by default), height, width and depth
   * @param options  radii in pixels
   * @returns        f32 of the same shape; zero mean where sharpened
   * @throws {ArgumentError | ShapeError} if length and size disagree or a
   *                 radius is negative
   *
   * Source: cellpose 4.2.1 `smooth_sharpen_img`.
   * Differs: centered, same scale in both axes and mirrored at edges unless
   * `parity` (test `smoothSharpen() …`).
   */
  function smoothSharpen(
    image: ImageArray,
    size: ImageSize,
    options: SmoothOptions,
  ): Float32Array {
    const axes = checkImage(image, size);
    const { smoothRadius = 0, sharpenRadius = 0, parity = false } = options;
    checkRadii(smoothRadius, sharpenRadius);
    return arena.scope((kernels) => {
      const at = putImage(arena, image);
      if (smoothRadius > 0 || sharpenRadius > 0) {
        checkResult(kernels.smoothSharpen(
          at,
          axes.channels * axes.depth,
          axes.height,
          axes.width,
          smoothRadius,
          sharpenRadius,
          Number(parity),
        ));
      }
      return arena.viewF32(at, axes.elements).slice();
    });
  }

  /**
   * Average planes of equal length: channels to gray, or several outputs.
   *
   * @param planes  C×N f32
   * @param count   C ≥ 1
   * @returns       N f32
   * @throws {ArgumentError | ShapeError} if the count does not divide the length
   *
   * Source: numpy `mean`, as cellpose 3.1 makes gray images. Differs: nothing.
   */
  function meanPlanes(planes: Float32Array, count: number): Float32Array {
    if (!Number.isInteger(count) || count < 1) {
      throw new ArgumentError(
        "count",
        `must be a positive integer, is ${count}`,
      );
    }
    const length = Math.floor(planes.length / count);
    checkLength("planes", planes, length * count);
    return arena.scope((kernels) => {
      const at = arena.put(planes);
      kernels.meanPlanes(at, at, count, length);
      return arena.viewF32(at, length).slice();
    });
  }

  /**
   * Sum up the detail of an image in blocks, where a network sees cells.
   *
   * @param image    C×H×W f32, normalized
   * @param logits   H×W f32, of the cell probability
   * @param options  `rows` and `columns` that are no padding; edge of a block
   * @returns        ⌊rows/block⌋×⌊columns/block⌋ f32
   * @throws {ArgumentError | ShapeError} if lengths and sizes disagree
   *
   * Source: own. Differs: –.
   */
  function measureDetail(
    image: Float32Array,
    logits: Float32Array,
    { size: { height, width }, rows, columns, block }: {
      readonly size: Size2D;
      readonly rows: number;
      readonly columns: number;
      readonly block: number;
    },
  ): Float32Array {
    const pixels = height * width;
    const channels = Math.floor(image.length / pixels);
    checkLength("image", image, channels * pixels);
    checkLength("logits", logits, pixels);
    if (rows > height || columns > width || block < 1) {
      throw new ArgumentError(
        "rows",
        `${rows}×${columns} in blocks of ${block} do not fit ${height}×${width}`,
      );
    }
    const count = Math.floor(rows / block) * Math.floor(columns / block);
    return arena.scope((kernels) => {
      const at = arena.put(image);
      const chance = arena.put(logits);
      const out = arena.reserve(count * 4);
      kernels.measureDetail(
        out,
        at,
        chance,
        channels,
        height,
        width,
        rows,
        columns,
        block,
      );
      return arena.viewF32(out, count).slice();
    });
  }

  return {
    toPlanar,
    toInterleaved,
    findPercentiles,
    smoothSharpen,
    meanPlanes,
    measureDetail,
  };
}

/** Copy an image of any type in as f32. */
export function putImage(arena: Arena, image: ImageArray): number {
  const at = arena.reserve(image.length * 4);
  arena.viewF32(at, image.length).set(image);
  return at;
}

/**
 * Find two percentiles of the planes at an address, or of every stepZ-th
 * plane's every stepY-th row's every stepX-th pixel.
 *
 * Source: numpy 2.4.6 `percentile`. Differs: nothing.
 */
export function selectPair(
  arena: Arena,
  at: number,
  { axes, ranks: [low, high], steps: [stepZ, stepY, stepX] = [1, 1, 1] }: {
    readonly axes: Pick<Axes, "depth" | "height" | "width">;
    readonly ranks: readonly [number, number];
    readonly steps?: readonly [number, number, number];
  },
): Float32Array {
  const { depth, height, width } = axes;
  return arena.scope((kernels) => {
    const out = arena.reserve(8);
    checkResult(kernels.percentiles(
      out,
      at,
      Math.ceil(depth / stepZ),
      Math.ceil(height / stepY),
      Math.ceil(width / stepX),
      height * width * stepZ,
      width * stepY,
      stepX,
      low,
      high,
    ));
    return arena.viewF32(out, 2).slice();
  });
}
