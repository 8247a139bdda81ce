/**
 * How many tiles the network gets at a time.
 *
 * @module
 */
import type { Encoder } from "./encoder.ts";

/** Most tiles at a time; more do not run faster. Cellpose's default. */
export const MAX_BATCH = 8;

/** Share of the free memory that a batch may take. */
const SHARE = 0.5;

/** Grows by what was measured, shrinks where memory runs out. */
export interface BatchSize {
  /** Tiles of the next batch. */
  size(): number;
  /** A batch of n tiles went well: look at the memory. */
  learn(tiles: number): Promise<void>;
  /** A batch of n tiles did not fit. */
  halve(tiles: number): void;
}

/**
 * Start with one tile, then two; from the memory each took decide the rest.
 *
 * The tiles are the image's own, so that nothing runs twice. Without a
 * measurement the batch is one tile.
 *
 * @param encoders   the models; the first one's device is measured
 * @param batchSize  a fixed number instead
 */
export function chooseBatch(
  [encoder]: readonly Encoder[],
  batchSize: number | null,
): BatchSize {
  let size = batchSize ?? 1;
  // on a processor batches gain nothing and take memory
  const isMeasured = batchSize === null &&
    encoder.measureMemory !== undefined && encoder.provider !== "cpu";
  let first: number | undefined;
  let isSettled = !isMeasured;
  return {
    size: () => size,
    async learn(tiles) {
      if (isSettled) return;
      const memory = await encoder.measureMemory?.();
      if (memory === undefined) return;
      if (first === undefined) {
        first = memory.used;
        size = 2;
        return;
      }
      if (tiles < 2) return;
      const perTile = Math.max((memory.used - first) / (tiles - 1), 2 ** 20);
      const more = Math.floor(SHARE * memory.free / perTile);
      size = Math.min(MAX_BATCH, Math.max(1, tiles + more));
      isSettled = true;
    },
    halve(tiles) {
      size = Math.max(1, Math.floor(tiles / 2));
      isSettled = true;
    },
  };
}
