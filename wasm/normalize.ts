/**
 * Normalization of an image's channels before the network.
 *
 * @module
 */
import { type Arena, checkResult } from "./arena.ts";
import {
  type Axes,
  checkImage,
  type ImageArray,
  type ImageSize,
} from "./image_size.ts";
import { putImage, selectPair } from "./images.ts";
import {
  checkNormalization,
  type Normalization,
  type NormalizeOptions,
  type ValueRange,
} from "./normalize_options.ts";
import { tileStarts } from "./tile_plan.ts";

/** Above this many values percentiles are taken from a grid of them. */
const MAX_EXACT = 224 ** 3;

/** Smallest distance of percentiles that counts as contrast: Cellpose's. */
const CONTRAST = Math.fround(1e-3);

/** Greatest f32. */
const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;

/** Overlap of the tiles of tile normalization: fixed in Cellpose. */
const TILE_OVERLAP = 0.1;

/** What `normalizeImage` returns. */
export interface NormalizedImage {
  /** C×H×W or C×D×H×W f32, 0–1 between the percentiles, not clipped */
  readonly image: Float32Array;
  /** Channels without contrast, ascending; they are 0 unless `parity` */
  readonly constantChannels: readonly number[];
  /**
   * Values that became 0 and 1, one a channel (one a channel and plane where
   * planes have their own); empty for tiles, whose ranges vary
   */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** NaN and infinite pixels that were replaced */
  readonly replacedPixels: number;
}

/** What has been found so far. */
interface Job {
  readonly axes: Axes;
  readonly settings: Normalization;
  readonly constantChannels: number[];
  readonly low: number[];
  readonly high: number[];
}

/** A part of a channel: all values equal, too little contrast, or normalized. */
type PartState = "constant" | "flat" | "normal";

/** Normalization; part of the core. */
export function normalization(arena: Arena) {
  /**
   * Normalize each channel: the low percentile becomes 0, the high one 1.
   *
   * A channel (per plane: a plane) whose percentiles lie within 1e-3 of each
   * other has no contrast and becomes 0. NaN and infinite pixels count as the
   * channel's smallest finite value. Above 224³ values percentiles are taken
   * from a grid of them, as in Cellpose. The input is not changed.
   *
   * @param image    C×H×W or C×D×H×W
   * @param size     its channels (1 by default), height, width and depth
   * @param options  Cellpose's `normalize` settings, see `NormalizeOptions`
   * @returns        the image and what was found on the way
   * @throws {ArgumentError | ShapeError} naming the option
   *
   * Source: cellpose 4.2.1 `normalize_img`, `normalize99`, `normalize99_tile`.
   * Differs: unless `parity`, as `NormalizeOptions.parity` lists.
   */
  function normalizeImage(
    image: ImageArray,
    size: ImageSize,
    options: NormalizeOptions = {},
  ): NormalizedImage {
    const axes = checkImage(image, size);
    const settings = checkNormalization(options, axes.channels);
    const job: Job = {
      axes,
      settings,
      constantChannels: [],
      low: [],
      high: [],
    };
    return arena.scope((kernels) => {
      const at = putImage(arena, image);
      let replacedPixels = 0;
      for (let channel = 0; channel < axes.channels; channel++) {
        const from = at + channel * axes.pixels * 4;
        if (!settings.parity) {
          replacedPixels += kernels.replaceNonFinite(from, axes.pixels);
        }
        if (normalizeChannel(from, channel, job) === "without contrast") {
          job.constantChannels.push(channel);
        }
      }
      const normalized = arena.viewF32(at, axes.elements).slice();
      const { constantChannels, low, high } = job;
      return { image: normalized, constantChannels, low, high, replacedPixels };
    });
  }

  function normalizeChannel(at: number, channel: number, job: Job) {
    const { axes, settings } = job;
    const range = settings.lowhigh?.[channel];
    if (range !== undefined) {
      rescale(at, axes.pixels, range, job);
      return "normal";
    }
    if (settings.smoothRadius > 0 || settings.sharpenRadius > 0) {
      checkResult(arena.kernels.smoothSharpen(
        at,
        axes.depth,
        axes.height,
        axes.width,
        settings.smoothRadius,
        settings.sharpenRadius,
        Number(settings.parity),
      ));
    }
    return settings.tileNormBlocksize > 0
      ? normalizeTiles(at, job)
      : normalizeParts(at, job);
  }

  /** One range for all planes, or one each. */
  function normalizeParts(at: number, job: Job) {
    const { axes, settings: { norm3D, parity, invert } } = job;
    const depth = norm3D ? axes.depth : 1;
    const pixels = axes.height * axes.width * depth;
    const states: PartState[] = [];
    for (let z = 0; z < axes.depth; z += depth) {
      const from = at + z * axes.height * axes.width * 4;
      states.push(normalizePart(from, { ...axes, depth, pixels }, job));
    }
    if (parity) {
      // Cellpose clears a channel that it skipped throughout, inverts others
      if (states.every((state) => state === "constant")) {
        clear(at, axes.pixels);
      } else if (invert) {
        arena.kernels.rescale(at, axes.pixels, 0, 1, 1);
      }
    }
    return states.includes("normal") ? "normal" : "without contrast";
  }

  function normalizePart(at: number, axes: Axes, job: Job): PartState {
    const { percentile, parity, invert } = job.settings;
    if (parity && arena.kernels.isConstant(at, axes.pixels) === 1) {
      const value = arena.viewF32(at, 1)[0];
      job.low.push(value);
      job.high.push(value);
      return "constant";
    }
    const steps = gridSteps(axes);
    const [low, high] = selectPair(arena, at, {
      axes,
      ranks: percentile,
      steps,
    });
    job.low.push(low);
    job.high.push(high);
    if (!(Math.fround(high - low) > CONTRAST)) {
      clear(at, axes.pixels);
      return "flat";
    }
    const isInverted = invert && !parity;
    arena.kernels.rescale(at, axes.pixels, low, high, Number(isInverted));
    return "normal";
  }

  function normalizeTiles(at: number, { axes, settings }: Job) {
    const { tileNormBlocksize: tile, percentile, norm3D, parity } = settings;
    const { depth, height, width, pixels, isVolume } = axes;
    const rows = tileStarts(height, tile, { tileOverlap: TILE_OVERLAP });
    const columns = tileStarts(width, tile, { tileOverlap: TILE_OVERLAP });
    const isConstant = arena.scope((kernels) =>
      checkResult(kernels.normalizeTiles(
        at,
        depth,
        height,
        width,
        arena.put(rows),
        rows.length,
        arena.put(columns),
        columns.length,
        Math.min(tile, height),
        Math.min(tile, width),
        percentile[0],
        percentile[1],
        settings.tileNormSmooth3D,
        Number(!norm3D),
        Number(settings.invert),
        // Cellpose treats images without a z axis differently
        parity ? (isVolume ? 1 : 2) : 0,
      )) === 1
    );
    // Cellpose leaves such a channel as it is
    if (isConstant && !parity) clear(at, pixels);
    return isConstant ? "without contrast" : "normal";
  }

  function rescale(
    at: number,
    pixels: number,
    [low, high]: ValueRange,
    job: Job,
  ): void {
    job.low.push(low);
    job.high.push(high);
    const { invert } = job.settings;
    arena.kernels.rescale(at, pixels, low, high, Number(invert));
  }

  function clear(at: number, pixels: number): void {
    arena.viewF32(at, pixels).fill(0);
  }

  /**
   * Look for NaN and infinite values in a part of a channel.
   *
   * @param image     n f32
   * @param smallest  smallest finite value of the parts before; `Infinity`
   * @returns         that with this part, and how many are not finite
   *
   * Source: ours; the first half of what `normalizeImage` does with them.
   */
  function findSmallest(image: Float32Array, smallest: number) {
    return arena.scope((kernels) => {
      const at = arena.put(image);
      const n = image.length;
      const found = kernels.smallestFinite(at, n, Math.min(smallest, MAX_F32));
      const nonFinite = kernels.replaceNonFiniteBy(at, n, 0);
      const isNone = smallest === Infinity && nonFinite === n;
      return { smallest: isNone ? Infinity : found, nonFinite };
    });
  }

  /**
   * Replace NaN and infinite values; the other half.
   *
   * @param image  n f32, unchanged
   * @param value  of `findSmallest`; 0 where no value is finite
   *
   * Source: ours.
   */
  function replaceNonFinite(image: Float32Array, value: number): Float32Array {
    return arena.scope((kernels) => {
      const at = arena.put(image);
      kernels.replaceNonFiniteBy(at, image.length, value);
      return arena.viewF32(at, image.length).slice();
    });
  }

  return { normalizeImage, findSmallest, replaceNonFinite };
}

/** Every how many planes, rows and pixels percentiles look: Cellpose's grid. */
function gridSteps({ depth, height, width, pixels }: Axes) {
  if (pixels <= MAX_EXACT) return [1, 1, 1] as const;
  return [
    Math.max(1, Math.floor(depth / 50)),
    Math.max(1, Math.floor(height / 224)),
    Math.max(1, Math.floor(width / 224)),
  ] as const;
}
