/**
 * What the steps of an image in stores share.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { Size2D } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import { checkEdges } from "./check.ts";
import type { SlabImage, SlabOptions } from "./slab_plan.ts";
import type { Store } from "./store.ts";

/** Pixels of a band: about 0.1 GB while it is tracked. */
const BAND_PIXELS = 2 ** 21;
/** Rows of a band in wide images, of which 128 are halo. */
const MIN_ROWS = 256;
/** Pixels are numbered by 32 bits. */
const MAX_PIXELS = 2 ** 32;

/** Parameters of `computeMasksByBand`. */
export interface BandOptions extends SlabOptions {
  /** Drop labels that touch an edge of the image; false. */
  readonly excludeOnEdges?: boolean;
}

/** Labels in a store, and how they are looked at. */
export interface LabelJob {
  readonly arena: Arena;
  readonly image: BandRows;
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  readonly options: Pick<
    BandOptions,
    "flowThreshold" | "minSize" | "fillHoles" | "parity"
  >;
}

/** What the steps from flows to labels share. */
export interface BandJob extends LabelJob {
  readonly image: SlabImage;
  readonly options: BandOptions;
}

/** How an image is cut into bands. */
export type BandRows = Pick<
  SlabImage,
  "size" | "rows" | "rowPixels" | "slabRows"
>;

/**
 * Cut an image into bands.
 *
 * @param slabRows  of a band; default by the width
 * @throws {ArgumentError} `size` or `slabRows`
 */
export function cutRows(size: Size2D, slabRows?: number): BandRows {
  checkEdges(size);
  const { height: rows, width: rowPixels } = size;
  if (rows * rowPixels >= MAX_PIXELS) {
    throw new ArgumentError(
      "size",
      `${rows}×${rowPixels} pixels are more than 2^32`,
    );
  }
  const count = slabRows ??
    Math.max(MIN_ROWS, Math.floor(BAND_PIXELS / rowPixels));
  if (!Number.isInteger(count) || count < 1) {
    throw new ArgumentError(
      "slabRows",
      `must be a positive integer, is ${count}`,
    );
  }
  return { size, rows, rowPixels, slabRows: count };
}
