/**
 * What decoding may take; checked from headers, before anything is allocated.
 *
 * @module
 */
import { CorruptImageError, ImageTooLargeError } from "../errors.ts";

/** Limits of one decoding; each may be Infinity. */
export interface DecodeLimits {
  /** Pixels or voxels times channels; default 2^30: the core's largest. */
  readonly maxPixels: number;
  /** Pages of a TIFF file; default 65536. */
  readonly maxPages: number;
  /** Bytes of the decoded samples; default 4 GiB. */
  readonly maxBytes: number;
  /**
   * Decoded bytes per encoded byte; default 250. Micrographs stay below 20 and
   * label images below 200; a bomb of deflate reaches 1032.
   */
  readonly maxRatio: number;
  /**
   * Decoded bytes up to which the ratio does not matter; default 64 MiB, so
   * that an empty label image of 4096² is no bomb.
   */
  readonly ratioFloorBytes: number;
  /** Milliseconds; default 60 s. Looked at between blocks and pages. */
  readonly maxMs: number;
}

const DEFAULTS: DecodeLimits = {
  maxPixels: 2 ** 30,
  maxPages: 65536,
  maxBytes: 2 ** 32,
  maxRatio: 250,
  ratioFloorBytes: 2 ** 26,
  maxMs: 60_000,
};

/** The size of an image as its header tells it. */
export interface ClaimedSize {
  /** Samples in all: pixels × channels × pages. */
  readonly samples: number;
  readonly bytesPerSample: number;
  readonly encodedBytes: number;
  /** Default 1. */
  readonly pages?: number;
}

/** Limits and the clock of one decoding. */
export interface Budget {
  readonly limits: DecodeLimits;
  /** @throws {ImageTooLargeError} if a limit is exceeded */
  readonly checkSize: (size: ClaimedSize) => void;
  /** @throws {ImageTooLargeError} if the time is over */
  readonly checkTime: () => void;
}

/** Start the clock of one decoding. */
export function createBudget(limits: Partial<DecodeLimits> = {}): Budget {
  const all = { ...DEFAULTS, ...limits };
  const start = performance.now();
  return {
    limits: all,
    checkSize: (size) => checkSize(size, all),
    checkTime: () => {
      const ms = performance.now() - start;
      if (ms > all.maxMs) {
        throw new ImageTooLargeError(
          Math.round(ms),
          all.maxMs,
          "ms of decoding",
        );
      }
    },
  };
}

function checkSize(size: ClaimedSize, limits: DecodeLimits): void {
  const { samples, bytesPerSample, encodedBytes, pages = 1 } = size;
  const bytes = samples * bytesPerSample;
  if (!(samples >= 1)) {
    throw new CorruptImageError("image", "it has no pixel");
  }
  const { maxPixels, maxPages, maxBytes, maxRatio, ratioFloorBytes } = limits;
  if (pages > maxPages) throw new ImageTooLargeError(pages, maxPages, "pages");
  if (samples > maxPixels) {
    throw new ImageTooLargeError(samples, maxPixels, "pixels");
  }
  if (bytes > maxBytes) throw new ImageTooLargeError(bytes, maxBytes, "bytes");
  const ratio = bytes / Math.max(1, encodedBytes);
  if (bytes > ratioFloorBytes && ratio > maxRatio) {
    throw new ImageTooLargeError(
      Math.round(ratio),
      maxRatio,
      "bytes per encoded byte",
    );
  }
}
