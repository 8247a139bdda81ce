/**
 * Settings of normalization: defaults, meanings, checks.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";

/** A value that becomes 0 and one that becomes 1. */
export type ValueRange = readonly [low: number, high: number];

/** Settings of `smoothSharpen`. */
export interface SmoothOptions {
  /** σ of a Gaussian, pixels ≥ 0; 0 = off, Cellpose's default */
  readonly smoothRadius?: number;
  /** σ of the surround to subtract, pixels ≥ 0; 0 = off, Cellpose's default */
  readonly sharpenRadius?: number;
  /** Cellpose's filter geometry; false: centered and the same in both axes */
  readonly parity?: boolean;
}

/** Settings of `normalizeImage`; Cellpose's `normalize` dictionary. */
export interface NormalizeOptions extends SmoothOptions {
  /** Percentiles that become 0 and 1, 0 ≤ low < high ≤ 100; 1 and 99 */
  readonly percentile?: ValueRange;
  /**
   * Values that become 0 and 1, for all channels or one pair a channel,
   * instead of percentiles; excludes smoothing and tiles
   */
  readonly lowhigh?: ValueRange | readonly ValueRange[];
  /** x → 1 − x after normalizing, for dark cells on bright ground; false */
  readonly invert?: boolean;
  /** Edge of tiles with percentiles of their own, pixels; 0 = off */
  readonly tileNormBlocksize?: number;
  /**
   * σ of smoothing tile ranges across planes, in planes, 0 = none; 1. Parity:
   * across tile rows where `norm3D`, in tiles, and 0 means 1
   */
  readonly tileNormSmooth3D?: number;
  /** One range for all planes of a volume, else one each; true */
  readonly norm3D?: boolean;
  /**
   * Cellpose's behavior where ours differs: filter geometry
   * (`smoothSharpen`); tile ranges smoothed along rows only, and for sizes
   * without depth those of the first row used for all; planes and
   * channels without contrast keep their values in tile normalization, planes
   * without any difference keep them in per-plane mode, and flat ones become
   * 1 where inverted; NaN and infinite pixels stay; `lowhigh` silently
   * overrules smoothing and tiles. Default false
   */
  readonly parity?: boolean;
}

/** `NormalizeOptions` with defaults filled in and `lowhigh` per channel. */
export type Normalization =
  & Required<Omit<NormalizeOptions, "lowhigh">>
  & { readonly lowhigh: readonly ValueRange[] | undefined };

/** Largest σ between tiles or planes; keeps the kernel's weights bounded. */
const MAX_SMOOTHING = 10_000;

/**
 * Check settings and fill in defaults.
 *
 * @throws {ArgumentError} naming the option
 */
export function checkNormalization(
  options: NormalizeOptions,
  channels: number,
): Normalization {
  const {
    percentile = [1, 99],
    invert = false,
    smoothRadius = 0,
    sharpenRadius = 0,
    tileNormBlocksize = 0,
    tileNormSmooth3D = 1,
    norm3D = true,
    parity = false,
  } = options;
  checkPercentiles(percentile);
  if (percentile.length !== 2 || percentile[0] >= percentile[1]) {
    throw new ArgumentError(
      "percentile",
      `must be [low, high] with low < high, is [${percentile}]`,
    );
  }
  checkRadii(smoothRadius, sharpenRadius);
  if (!Number.isInteger(tileNormBlocksize) || tileNormBlocksize < 0) {
    throw new ArgumentError(
      "tileNormBlocksize",
      `must be an integer ≥ 0, is ${tileNormBlocksize}`,
    );
  }
  if (!(tileNormSmooth3D >= 0 && tileNormSmooth3D <= MAX_SMOOTHING)) {
    throw new ArgumentError(
      "tileNormSmooth3D",
      `must be within 0–${MAX_SMOOTHING}, is ${tileNormSmooth3D}`,
    );
  }
  const lowhigh = spreadRanges(options.lowhigh, channels);
  const isFiltered = smoothRadius > 0 || sharpenRadius > 0 ||
    tileNormBlocksize > 0;
  if (lowhigh !== undefined && isFiltered && !parity) {
    throw new ArgumentError(
      "lowhigh",
      "excludes smoothing, sharpening and tile normalization; leave one out",
    );
  }
  return {
    percentile,
    lowhigh,
    invert,
    smoothRadius,
    sharpenRadius,
    tileNormBlocksize,
    // Cellpose takes 0 for 1
    tileNormSmooth3D: parity && tileNormSmooth3D === 0 ? 1 : tileNormSmooth3D,
    norm3D,
    parity,
  };
}

/** @throws {ArgumentError} if a percentile is not within 0–100 */
export function checkPercentiles(ranks: readonly number[]): void {
  for (const rank of ranks) {
    if (!(rank >= 0 && rank <= 100)) {
      throw new ArgumentError("percentile", `must be within 0–100, is ${rank}`);
    }
  }
}

/** @throws {ArgumentError} if a radius is negative or not finite */
export function checkRadii(smoothRadius: number, sharpenRadius: number): void {
  for (
    const [name, radius] of Object.entries({ smoothRadius, sharpenRadius })
  ) {
    if (!(radius >= 0 && Number.isFinite(radius))) {
      throw new ArgumentError(name, `must be finite and ≥ 0, is ${radius}`);
    }
  }
}

function spreadRanges(
  lowhigh: NormalizeOptions["lowhigh"],
  channels: number,
): readonly ValueRange[] | undefined {
  if (lowhigh === undefined) return undefined;
  const ranges = isRange(lowhigh)
    ? Array.from({ length: channels }, () => lowhigh)
    : lowhigh;
  if (ranges.length !== channels) {
    throw new ArgumentError(
      "lowhigh",
      `must be [low, high] or one such pair for each of ${channels} channels, has ${ranges.length}`,
    );
  }
  for (const range of ranges) {
    const [low, high] = range;
    const isGood = range.length === 2 && Number.isFinite(low) &&
      Number.isFinite(high) && Math.fround(low) !== Math.fround(high);
    if (!isGood) {
      throw new ArgumentError(
        "lowhigh",
        `must be two different finite numbers, is [${range}]`,
      );
    }
  }
  return ranges;
}

function isRange(
  lowhigh: ValueRange | readonly ValueRange[],
): lowhigh is ValueRange {
  return lowhigh.length === 2 && typeof lowhigh[0] === "number";
}
