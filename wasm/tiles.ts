/**
 * Cutting tiles for the network, their weights, and test-time flips.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { countPixels, type Size2D } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import { type Axes, checkImage } from "./image_size.ts";
import type { Tile, TilePlan } from "./tile_plan.ts";

/** Cellpose's taper is at least this long; smaller tiles take its middle. */
const TAPER_SIZE = 224;

/** How to flip an image. */
export interface FlipOptions {
  /** Upside down, left to right; false */
  readonly flipY?: boolean;
  readonly flipX?: boolean;
  /** Channel of dY (dX follows) that changes its sign with it; none */
  readonly flowChannel?: number;
}

/** Tiles; part of the core. */
export function tiles(arena: Arena) {
  /**
   * Cut one tile from an image, flipped as planned; padding is 0.
   *
   * Only the tile's own pixels are copied into the core.
   *
   * @param image   C×H×W f32, or C×D×H×W f32
   * @param plan    `planTiles` of the image's height and width
   * @param choice  number of the tile in the plan; the image's channels (1 by
   *                default); for a volume its depth and the plane `z`
   * @returns       C×tileHeight×tileWidth f32
   * @throws {ArgumentError | ShapeError} naming the argument
   *
   * Source: cellpose 4.2.1 `make_tiles`, `run_net`. Differs: nothing.
   */
  function cutTile(
    image: Float32Array,
    plan: TilePlan,
    { tile: index, z = 0, channels = 1, depth = 1 }: {
      readonly tile: number;
      readonly z?: number;
      readonly channels?: number;
      readonly depth?: number;
    },
  ): Float32Array {
    const axes = checkImage(image, { ...plan.size, channels, depth });
    const tile = readTile(plan, index);
    if (!Number.isInteger(z) || z < 0 || z >= depth) {
      throw new ArgumentError("z", `must be within 0–${depth - 1}, is ${z}`);
    }
    const { tileHeight, tileWidth } = plan;
    return arena.scope((kernels) => {
      const window = putWindow(image, { axes, plan, tile, z });
      const length = channels * tileHeight * tileWidth;
      const out = arena.reserve(length * 4);
      kernels.cutTile(
        out,
        window.at,
        channels,
        window.height,
        window.width,
        tile.top - window.top,
        tile.left - window.left,
        tileHeight,
        tileWidth,
        flipBits(tile),
        -1,
      );
      return arena.viewF32(out, length).slice();
    });
  }

  /** Copy in the part of the image that a tile covers, row by row. */
  function putWindow(
    image: Float32Array,
    { axes, plan, tile, z }: {
      readonly axes: Axes;
      readonly plan: TilePlan;
      readonly tile: Tile;
      readonly z: number;
    },
  ) {
    const top = Math.max(tile.top, 0);
    const left = Math.max(tile.left, 0);
    const bottom = Math.min(tile.top + plan.tileHeight, axes.height);
    const right = Math.min(tile.left + plan.tileWidth, axes.width);
    const height = Math.max(bottom - top, 0);
    const width = Math.max(right - left, 0);
    const at = arena.reserve(axes.channels * height * width * 4);
    const window = arena.viewF32(at, axes.channels * height * width);
    let to = 0;
    for (let channel = 0; channel < axes.channels; channel++) {
      const plane = (channel * axes.depth + z) * axes.height * axes.width;
      if (width === axes.width) {
        // whole rows lie side by side
        const from = plane + top * width;
        window.set(image.subarray(from, from + height * width), to);
        to += height * width;
        continue;
      }
      for (let y = top; y < top + height; y++) {
        const from = plane + y * axes.width + left;
        window.set(image.subarray(from, from + width), to);
        to += width;
      }
    }
    return { at, top, left, height, width };
  }

  /**
   * Weights of a tile's pixels when tiles are blended.
   *
   * @param size  the tile's height and width
   * @returns     H×W f32, above 0 and up to 1
   * @throws {ArgumentError} if an edge is not a positive integer
   *
   * Source: cellpose 4.2.1 `_taper_mask`. Differs: f32, not f64.
   */
  function taperTile(size: Size2D): Float32Array {
    const { height, width } = size;
    countPixels({ height, width });
    const { taperY, taperX } = taperAxes(arena, { height, width });
    return arena.scope((kernels) => {
      const pixels = height * width;
      const y = arena.put(taperY);
      const x = arena.put(taperX);
      const ones = arena.reserve(pixels * 4);
      const out = arena.reserve(pixels * 4);
      arena.viewF32(ones, pixels).fill(1);
      arena.viewF32(out, pixels).fill(0);
      const [flips, flows] = [0, -1];
      kernels.addTile(
        out,
        ones,
        y,
        x,
        1,
        height,
        width,
        0,
        width,
        flips,
        flows,
      );
      return arena.viewF32(out, pixels).slice();
    });
  }

  /**
   * Flip an image or a network's output; flipping twice gives it back.
   *
   * @param image    C×H×W f32
   * @param size     its channels (1 by default), height and width
   * @param options  directions, and the flows whose sign changes
   * @returns        a new C×H×W f32
   * @throws {ArgumentError | ShapeError} naming the argument
   *
   * Source: cellpose 4.2.1 `unaugment_tiles`. Differs: nothing.
   */
  function flipImage(
    image: Float32Array,
    size: Size2D & { readonly channels?: number },
    { flipY = false, flipX = false, flowChannel }: FlipOptions,
  ): Float32Array {
    const { height, width, channels = 1 } = size;
    checkImage(image, { height, width, channels });
    const flows = readFlowChannel(flowChannel, channels);
    return arena.scope((kernels) => {
      const at = arena.put(image);
      const out = arena.reserve(image.length * 4);
      const bits = flipBits({ flipY, flipX });
      kernels.cutTile(
        out,
        at,
        channels,
        height,
        width,
        0,
        0,
        height,
        width,
        bits,
        flows,
      );
      return arena.viewF32(out, image.length).slice();
    });
  }

  return { cutTile, taperTile, flipImage };
}

/** Weights along a tile's rows and columns; a pixel's weight is the product. */
export function taperAxes(arena: Arena, { height, width }: Size2D) {
  const size = Math.max(TAPER_SIZE, height, width);
  return arena.scope((kernels) => {
    const y = arena.reserve(height * 8);
    const x = arena.reserve(width * 8);
    kernels.taperWeights(y, height, size);
    kernels.taperWeights(x, width, size);
    return {
      taperY: arena.viewF64(y, height).slice(),
      taperX: arena.viewF64(x, width).slice(),
    };
  });
}

/** @throws {ArgumentError} if the plan has no such tile */
export function readTile(plan: TilePlan, index: number): Tile {
  const tile = plan.tiles[index];
  if (tile === undefined) {
    throw new ArgumentError(
      "tile",
      `must be within 0–${plan.tiles.length - 1}, is ${index}`,
    );
  }
  return tile;
}

/** The kernels' number of a flip. */
export function flipBits(
  { flipY, flipX }: { readonly flipY: boolean; readonly flipX: boolean },
): number {
  return (flipY ? 1 : 0) | (flipX ? 2 : 0);
}

/** The kernels' number of the flows' first channel: −1 for none. */
export function readFlowChannel(
  flowChannel: number | undefined,
  channels: number,
): number {
  if (flowChannel === undefined) return -1;
  const isGood = Number.isInteger(flowChannel) && flowChannel >= 0 &&
    flowChannel + 1 < channels;
  if (!isGood) {
    throw new ArgumentError(
      "flowChannel",
      `must have a channel after it among ${channels}, is ${flowChannel}`,
    );
  }
  return flowChannel;
}
