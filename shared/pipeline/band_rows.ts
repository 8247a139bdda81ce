/**
 * A normalized image that is read from its file a band of rows at a time: the
 * values that `normalizeRows` gives, bit for bit.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import { type Core, takeTurns } from "../../wasm/mod.ts";
import type { ChannelSource } from "./channels.ts";
import { layOutPlanes, type NamedArray, readRows } from "./planes.ts";
import {
  CONTRAST,
  gridSteps,
  MAX_EXACT,
  type NormalizedRows,
  type RowSource,
} from "./rows.ts";
import type { ChannelRange } from "./warnings.ts";

/** Pixels of a band when the whole image is looked at. */
const BAND_PIXELS = 2 ** 19;

/** One image of a file. */
export interface BandPlane {
  readonly size: Size2D;
  readonly channels: number;
  readonly isInteger: boolean;
  /** Rows of all channels: axes CYX, YXC or YX. */
  readonly readBand: (top: number, count: number) => Promise<NamedArray>;
}

/** A channel's rows on demand, and the values that become 0 and 1. */
interface Channel {
  readonly range: ChannelRange;
  readonly nonFinite: number;
  /** What NaN and infinite values become; none in integer images. */
  readonly smallest?: number;
}

/**
 * Choose channels of an image in a file and normalize them.
 *
 * Percentiles need the whole channel up to 224³ pixels, which is then held for
 * a moment; of larger ones Cellpose takes a grid. Up to two passes over the
 * file go before the first band.
 *
 * @throws {ArgumentError} for normalization that needs the whole image
 *
 * Source: cellpose 4.2.1.1 `normalize_img`, `normalize99`.
 * Differs: as `normalizeImage`.
 */
export async function normalizeBands(
  core: Core,
  plane: BandPlane,
  sources: readonly ChannelSource[],
  parameters: SegmentParameters,
): Promise<NormalizedRows> {
  const { size } = plane;
  const { invert, normPercentile: percentile, normalize } = parameters;
  const isLarge = size.height * size.width > MAX_EXACT;
  const measured = isLarge
    ? await measureByGrid(core, plane, sources, percentile)
    : new Map<ChannelSource, Channel>();
  if (!isLarge) {
    for (const channel of sources) {
      if (channel === "zeros" || measured.has(channel)) continue;
      const found = await measureWhole(core, plane, channel, parameters);
      measured.set(channel, found);
    }
  }
  const channels = sources.map((channel) => measured.get(channel));
  const source: RowSource = {
    channels: sources.length,
    size,
    async rows(top, count) {
      await takeTurns();
      const rows = await readPlanar(core, plane, top, count);
      const band = { height: count, width: size.width };
      const length = count * size.width;
      const out = new Float32Array(sources.length * length);
      for (const [i, found] of channels.entries()) {
        if (found === undefined) continue;
        const { range: { channel, low, high, isConstant } } = found;
        if (normalize && isConstant) continue;
        const raw = pickChannel(core, plane, rows, channel);
        if (!normalize) {
          out.set(raw, i * length);
          continue;
        }
        const finite = found.smallest === undefined
          ? raw
          : core.replaceNonFinite(raw, found.smallest);
        const lowhigh = [low, high] as const;
        const { image } = core.normalizeImage(finite, band, {
          lowhigh,
          invert,
        });
        out.set(image, i * length);
      }
      return out;
    },
  };
  const found = channels.filter((each) => each !== undefined);
  return {
    source,
    ranges: found.map(({ range }) => range),
    replacedPixels: found.reduce((sum, each) => sum + each.nonFinite, 0),
  };
}

/** All pixels of a channel at once. */
async function measureWhole(
  core: Core,
  plane: BandPlane,
  channel: number | "mean",
  { normPercentile: percentile }: SegmentParameters,
): Promise<Channel> {
  const { size, isInteger } = plane;
  const whole = new Float32Array(size.height * size.width);
  let smallest = Infinity;
  for await (const { top, all } of walk(core, plane)) {
    const rows = pickChannel(core, plane, all, channel);
    whole.set(rows, top * size.width);
    if (!isInteger) ({ smallest } = core.findSmallest(rows, smallest));
  }
  const found = core.normalizeImage(whole, size, { percentile });
  return {
    range: {
      channel,
      low: found.low[0],
      high: found.high[0],
      isConstant: found.constantChannels.length > 0,
    },
    nonFinite: found.replacedPixels,
    ...(isInteger ? {} : { smallest: smallest === Infinity ? 0 : smallest }),
  };
}

/** Every so many rows and pixels of each channel, in one pass. */
async function measureByGrid(
  core: Core,
  plane: BandPlane,
  sources: readonly ChannelSource[],
  percentile: readonly [number, number],
): Promise<Map<ChannelSource, Channel>> {
  const { size: { height, width }, isInteger } = plane;
  const { stepY, stepX } = gridSteps({ height, width });
  const length = Math.ceil(height / stepY) * Math.ceil(width / stepX);
  const states = [...new Set(sources)].filter((each) => each !== "zeros")
    .map((channel) => ({
      channel,
      sample: new Float32Array(length),
      to: 0,
      smallest: Infinity,
      nonFinite: 0,
    }));
  for await (const { top, all } of walk(core, plane)) {
    for (const state of states) {
      const rows = pickChannel(core, plane, all, state.channel);
      if (!isInteger) {
        const found = core.findSmallest(rows, state.smallest);
        state.smallest = found.smallest;
        state.nonFinite += found.nonFinite;
      }
      const end = top + rows.length / width;
      for (let y = Math.ceil(top / stepY) * stepY; y < end; y += stepY) {
        for (let x = 0; x < width; x += stepX) {
          state.sample[state.to++] = rows[(y - top) * width + x];
        }
      }
    }
  }
  return new Map(states.map(({ channel, sample, nonFinite, ...state }) => {
    const smallest = state.smallest === Infinity ? 0 : state.smallest;
    const finite = isInteger ? sample : core.replaceNonFinite(sample, smallest);
    const [low, high] = core.findPercentiles(finite, percentile);
    const isConstant = !(Math.fround(high - low) > CONTRAST);
    return [channel, {
      range: { channel, low, high, isConstant },
      nonFinite,
      ...(isInteger ? {} : { smallest }),
    }];
  }));
}

/** The rows of all channels, band by band. */
async function* walk(core: Core, plane: BandPlane) {
  const { height, width } = plane.size;
  const count = Math.max(1, Math.floor(BAND_PIXELS / width));
  for (let top = 0; top < height; top += count) {
    const n = Math.min(count, height - top);
    await takeTurns();
    yield { top, all: await readPlanar(core, plane, top, n) };
  }
}

/** C×count×W f32. */
export async function readPlanar(
  core: Core,
  { readBand, size, channels }: BandPlane,
  top: number,
  count: number,
): Promise<Float32Array> {
  const [band] = layOutPlanes(await readBand(top, count));
  const isRight = band.channels === channels && band.size.height === count &&
    band.size.width === size.width;
  if (!isRight) {
    throw new ArgumentError("readBand", `gave other rows than ${count}`);
  }
  return readRows(core, band, 0, count);
}

function pickChannel(
  core: Core,
  { channels }: BandPlane,
  rows: Float32Array,
  channel: number | "mean",
): Float32Array {
  if (channel === "mean") return core.meanPlanes(rows, channels);
  const length = rows.length / channels;
  return rows.subarray(channel * length, (channel + 1) * length);
}
