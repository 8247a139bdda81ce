/**
 * Properties of the regions of a stored image, band by band: the numbers that
 * `measureRegions` gives, bit for bit.
 *
 * @module
 */
import type { Size2D } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import {
  type ContourOptions,
  type Contours,
  traceContours,
} from "./contours.ts";
import { rowsOf } from "./band_clean.ts";
import { measureRegions, type Regions } from "./regions.ts";
import { putStored, type Store } from "./store.ts";
import { takeTurns } from "./turns.ts";

/** Pixels of a band in which regions start. */
const BAND_PIXELS = 2 ** 21;

/** A label image in a store, 1 … K in raster order. */
export interface StoredMasks {
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  readonly size: Size2D;
  readonly count: number;
  /** K×8 i32 of `computeMasksByBand`. */
  readonly boxes: Int32Array;
  /** Rows in which labels start that are looked at together; by the width. */
  readonly bandRows?: number | undefined;
}

/** Labels that start in a band, and the rows that hold them. */
export interface StoredBand {
  readonly labels: readonly number[];
  readonly from: number;
  readonly to: number;
  /** Rows from … to: 1 … n for the labels, in their order; 0 elsewhere. */
  readonly masks: Uint32Array<ArrayBuffer>;
}

/** Regions of stored masks; part of the core. */
export function bandRegions(arena: Arena) {
  /**
   * Cut stored masks into bands in which every label is whole.
   *
   * @returns labels ascending; those of other bands are left out of the rows
   *
   * Source: ours.
   */
  async function* cutLabels(
    { masks, size: { height, width }, count, boxes, bandRows }: StoredMasks,
  ): AsyncGenerator<StoredBand> {
    const rows = bandRows ?? Math.max(1, Math.floor(BAND_PIXELS / width));
    for (let k = 1; k <= count;) {
      await takeTurns();
      const end = Math.min(height, boxes[8 * k - 6] + rows);
      const labels: number[] = [];
      while (k <= count && boxes[8 * k - 6] < end) labels.push(k++);
      const [from, to] = rowsOf(boxes, labels);
      const length = (to - from) * width;
      const entries = new Uint32Array(count + 1);
      for (const [i, label] of labels.entries()) entries[label] = i + 1;
      const cut = arena.scope((kernels) => {
        const at = putStored(arena, masks, { at: from * width, length });
        kernels.applyTable(at, length, arena.put(entries));
        return arena.viewU32(at, length).slice();
      });
      yield { labels, from, to, masks: cut };
    }
  }

  /**
   * Measure the regions of stored masks; see `measureRegions`.
   *
   * @param stored  masks, and their boxes
   * @param image   its rows, C×rows×W, and C; without: no intensities
   *
   * Source: as `measureRegions`. Differs: nothing.
   */
  async function measureStored(
    stored: StoredMasks,
    image?: {
      readonly channels: number;
      readonly rows: (from: number, to: number) => Promise<Float32Array>;
    },
  ): Promise<Regions> {
    const { width } = stored.size;
    const parts: Regions[] = [];
    for await (const { labels, from, to, masks } of cutLabels(stored)) {
      const part = measureRegions(arena, masks, { height: to - from, width }, {
        top: from,
        ...(image
          ? { image: await image.rows(from, to), channels: image.channels }
          : {}),
      });
      parts.push({ ...part, label: Uint32Array.from(labels) });
    }
    if (parts.length > 0) return join(parts);
    const none = { height: 1, width };
    const channels = image?.channels ?? 1;
    return measureRegions(arena, new Uint32Array(width), none, {
      ...(image ? { image: new Float32Array(channels * width), channels } : {}),
    });
  }

  /**
   * Trace the contours of stored masks; see `traceContours`.
   *
   * Source: as `traceContours`. Differs: nothing.
   */
  async function traceStored(
    stored: StoredMasks,
    options: ContourOptions = {},
  ): Promise<Contours> {
    const { width } = stored.size;
    const parts: Contours[] = [];
    let [points, polygons] = [0, 0];
    for await (const { labels, from, to, masks } of cutLabels(stored)) {
      const size = { height: to - from, width };
      const part = traceContours(arena, masks, size, options);
      for (let i = 0; i < part.points.length; i += 2) part.points[i] += from;
      parts.push({
        ...part,
        labels: part.labels.map((k) => labels[k - 1]),
        offsets: part.offsets.subarray(1).map((at) => at + points),
        polygons: part.polygons.map((k) => k + polygons),
      });
      points += part.points.length / 2;
      polygons += (part.polygons.at(-1) ?? -1) + 1;
    }
    const none = { height: 1, width };
    if (parts.length === 0) {
      return traceContours(arena, new Uint32Array(width), none, options);
    }
    const joined = join(parts);
    return { ...joined, offsets: Uint32Array.from([0, ...joined.offsets]) };
  }

  return { cutLabels, measureStored, traceStored };
}

/** Columns of some tables as those of one. */
function join<T>(parts: readonly T[]): T {
  const [first] = parts;
  if (typeof first === "number") {
    return (parts as readonly number[]).reduce((a, b) => a + b, 0) as T;
  }
  if (ArrayBuffer.isView(first)) {
    const arrays = parts as unknown as readonly Float64Array[];
    const length = arrays.reduce((sum, each) => sum + each.length, 0);
    const type = arrays[0].constructor as {
      new (length: number): Float64Array;
    };
    const out = new type(length);
    let at = 0;
    for (const each of arrays) {
      out.set(each, at);
      at += each.length;
    }
    return out as T;
  }
  const keys = Object.keys(first as object) as (keyof T)[];
  const joined = Object.fromEntries(
    keys.map((key) => [key, join(parts.map((part) => part[key]))]),
  );
  return (Array.isArray(first) ? Object.values(joined) : joined) as T;
}
