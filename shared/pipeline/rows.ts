/**
 * An image as the network sees it, a band of rows at a time: channels chosen,
 * normalized. Of large integer images only the decoded one is held whole.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Core, NormalizedImage } from "../../wasm/mod.ts";
import type { ChannelSource } from "./channels.ts";
import { isInteger, type Plane, readRows } from "./planes.ts";
import type { ChannelRange } from "./warnings.ts";

/** Pixels above which percentiles are taken from a grid: Cellpose's. */
export const MAX_EXACT = 224 ** 3;

/** Normalized integer images are held up to so many pixels. */
const MAX_HELD = 2 ** 20;

/** Distance of the grid's rows and columns is the edge over this. */
const GRID = 224;

/** Smallest distance of percentiles that counts as contrast: Cellpose's. */
export const CONTRAST = Math.fround(1e-3);

/** Rows of a C×H×W f32 image on demand. */
export interface RowSource {
  readonly channels: number;
  readonly size: Size2D;
  /** C×count×W f32, rows top … top + count. */
  rows(top: number, count: number): Float32Array | Promise<Float32Array>;
}

/** Rows of an image in memory. */
export interface HeldRows extends RowSource {
  rows(top: number, count: number): Float32Array;
}

/** Parameters of normalization; without the last four: no filters. */
export type RowParameters =
  & Pick<SegmentParameters, "normalize" | "normPercentile" | "invert">
  & Partial<
    Pick<
      SegmentParameters,
      "smoothRadius" | "sharpenRadius" | "tileNormBlocksize" | "parity"
    >
  >;

/** Normalized rows, and the ranges that became 0–1. */
export interface NormalizedRows<Rows extends RowSource = RowSource> {
  readonly source: Rows;
  readonly ranges: readonly ChannelRange[];
  /** NaN and infinite pixels that were replaced. */
  readonly replacedPixels: number;
}

/**
 * Choose channels of a plane and normalize them.
 *
 * Large integer images are normalized row by row; of small ones, and of float
 * images, whose NaN and infinite pixels take the smallest value of all, the
 * normalized image is held.
 *
 * @param core        the core
 * @param plane       an image, any type
 * @param sources     one for each of the network's channels
 * @param parameters  `normalize` and what refines it
 *
 * Source: cellpose 4.2.1.1 `normalize_img`, `normalize99`.
 * Differs: as `normalizeImage`.
 */
export function normalizeRows(
  core: Core,
  plane: Plane,
  sources: readonly ChannelSource[],
  parameters: RowParameters,
): NormalizedRows<HeldRows> {
  const raw = rawRows(core, plane, sources);
  const { size, data } = plane;
  const isFloat = !isInteger(data);
  const { invert, normPercentile: percentile } = parameters;
  const pixels = size.height * size.width;

  // the range of each channel, before any row is normalized
  const ranges: (ChannelRange | undefined)[] = [];
  const held: (Float32Array | undefined)[] = [];
  let replacedPixels = 0;
  for (const [i, channel] of sources.entries()) {
    if (channel === "zeros") {
      ranges.push(undefined);
      continue;
    }
    if (parameters.normalize && isFiltered(parameters)) {
      const whole = raw.channel(i, 0, size.height);
      const found = normalizeFiltered(core, whole, size, parameters);
      replacedPixels += found.replacedPixels;
      const isConstant = found.constantChannels.length > 0;
      // blocks have ranges of their own
      const [low = 0, high = isConstant ? 0 : NaN] = [
        found.low[0],
        found.high[0],
      ];
      ranges.push({ channel, low, high, isConstant });
      held[i] = found.image;
      continue;
    }
    if (!isFloat) {
      const isSampled = pixels > MAX_EXACT;
      const known = isSampled
        ? undefined
        : measureShort(core, plane, { channel, ranks: percentile });
      const [low, high] = known ?? core.findPercentiles(
        isSampled
          ? sampleGrid(core, plane, channel)
          : raw.channel(i, 0, size.height),
        percentile,
      );
      const isConstant = !(Math.fround(high - low) > CONTRAST);
      ranges.push({ channel, low, high, isConstant });
      continue;
    }
    const whole = raw.channel(i, 0, size.height);
    const found = core.normalizeImage(whole, size, { percentile, invert });
    replacedPixels += found.replacedPixels;
    ranges.push({
      channel,
      low: found.low[0],
      high: found.high[0],
      isConstant: found.constantChannels.length > 0,
    });
    held[i] = parameters.normalize ? found.image : whole;
  }

  const normalizeRow = (
    i: number,
    top: number,
    count: number,
  ): Float32Array => {
    const band = { height: count, width: size.width };
    const range = ranges[i];
    const whole = held[i];
    if (whole !== undefined) {
      return whole.subarray(top * size.width, (top + count) * size.width);
    }
    if (range === undefined) return new Float32Array(count * size.width);
    if (!parameters.normalize) return raw.channel(i, top, count);
    if (range.isConstant) return new Float32Array(count * size.width);
    const options = { lowhigh: [range.low, range.high] as const, invert };
    if (pixels <= MAX_HELD) {
      const all = raw.channel(i, 0, size.height);
      held[i] = core.normalizeImage(all, size, options).image;
      return normalizeRow(i, top, count);
    }
    return core.normalizeImage(raw.channel(i, top, count), band, options).image;
  };
  const source: HeldRows = {
    channels: sources.length,
    size,
    rows(top, count) {
      const length = count * size.width;
      const band = new Float32Array(sources.length * length);
      for (let i = 0; i < sources.length; i++) {
        band.set(normalizeRow(i, top, count), i * length);
      }
      return band;
    },
  };
  return {
    source,
    ranges: ranges.filter((range) => range !== undefined)
      .filter(({ high }) => !Number.isNaN(high)),
    replacedPixels,
  };
}

/** Whether normalization looks at more than a pixel and the percentiles. */
export function isFiltered(
  { smoothRadius = 0, sharpenRadius = 0, tileNormBlocksize = 0 }: RowParameters,
): boolean {
  return smoothRadius > 0 || sharpenRadius > 0 || tileNormBlocksize > 0;
}

/** A channel that is smoothed, sharpened or normalized in blocks. */
function normalizeFiltered(
  core: Core,
  whole: Float32Array,
  size: Size2D,
  parameters: RowParameters,
): NormalizedImage {
  const { smoothRadius = 0, sharpenRadius = 0 } = parameters;
  const { tileNormBlocksize = 0, parity = false } = parameters;
  const { invert, normPercentile: percentile } = parameters;
  // parity keeps NaN, which the network must not see
  const { smallest, nonFinite } = core.findSmallest(whole, Infinity);
  const finite = nonFinite === 0
    ? whole
    : core.replaceNonFinite(whole, smallest === Infinity ? 0 : smallest);
  // Cellpose gives its filters a stack of one plane
  const found = core.normalizeImage(finite, { ...size, depth: 1 }, {
    percentile,
    invert,
    smoothRadius,
    sharpenRadius,
    tileNormBlocksize,
    parity,
  });
  return { ...found, replacedPixels: nonFinite };
}

/** Rows as the file has them, one chosen channel at a time, f32. */
function rawRows(
  core: Core,
  plane: Plane,
  sources: readonly ChannelSource[],
) {
  const { size: { width }, channels } = plane;
  let last: { top: number; count: number; rows: Float32Array } | undefined;
  const allChannels = (top: number, count: number) => {
    if (last?.top === top && last.count === count) return last.rows;
    const rows = readRows(core, plane, top, count);
    // whole images are not kept
    last = count * width < MAX_EXACT ? { top, count, rows } : undefined;
    return rows;
  };
  return {
    channel(i: number, top: number, count: number): Float32Array {
      const from = sources[i];
      const rows = allChannels(top, count);
      if (from === "mean") return core.meanPlanes(rows, channels);
      const k = Number(from);
      return rows.subarray(k * count * width, (k + 1) * count * width);
    },
  };
}

/** Percentiles of a channel of 8 or 16 bits, from where it lies. */
function measureShort(
  core: Core,
  { data, size: { height, width }, starts, step }: Plane,
  { channel, ranks }: {
    readonly channel: number | "mean";
    readonly ranks: readonly [number, number];
  },
): Float32Array | undefined {
  const isShort = data instanceof Uint8Array || data instanceof Uint16Array;
  if (channel === "mean" || !isShort) return undefined;
  const place = { start: starts[channel], step, count: height * width };
  return core.findIntegerPercentiles(data, place, ranks);
}

/** Pixels of the grid that percentiles of large images are taken from. */
function sampleGrid(
  core: Core,
  { data, size: { height, width }, starts, step }: Plane,
  channel: number | "mean",
): Float32Array {
  const { stepY, stepX } = gridSteps({ height, width });
  const rows = Math.ceil(height / stepY);
  const columns = Math.ceil(width / stepX);
  const taken = channel === "mean" ? starts : [starts[channel]];
  const sample = new Float32Array(taken.length * rows * columns);
  let to = 0;
  for (const start of taken) {
    for (let y = 0; y < height; y += stepY) {
      for (let x = 0; x < width; x += stepX) {
        sample[to++] = data[start + (y * width + x) * step];
      }
    }
  }
  return taken.length > 1 ? core.meanPlanes(sample, taken.length) : sample;
}

/** Every how many rows and pixels percentiles of large images look. */
export function gridSteps({ height, width }: Size2D) {
  return {
    stepY: Math.max(1, Math.floor(height / GRID)),
    stepX: Math.max(1, Math.floor(width / GRID)),
  };
}
