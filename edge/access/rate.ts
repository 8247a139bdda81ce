/**
 * How often a key may ask: a bucket that fills with time.
 *
 * @module
 */
import { TooManyRequestsError } from "../../shared/errors.ts";

/** A bucket holds what comes in this many seconds. */
const BURST_SECONDS = 4;
const MAX_BUCKETS = 100_000;

/** Counts the requests of each key. */
export interface RateLimit {
  /**
   * Take one request.
   *
   * @throws {TooManyRequestsError} if there is none left
   */
  take(id: string, perSecond: number): void;
}

/**
 * Start counting; each process counts by itself.
 *
 * @param now  milliseconds
 */
export function createRateLimit(now: () => number): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    take(id, perSecond) {
      const room = Math.max(1, perSecond * BURST_SECONDS);
      const time = now();
      const bucket = buckets.get(id) ?? { left: room, at: time };
      const filled = bucket.left + (time - bucket.at) / 1000 * perSecond;
      bucket.left = Math.min(room, Math.max(filled, bucket.left));
      bucket.at = time;
      if (bucket.left < 1) {
        throw new TooManyRequestsError((1 - bucket.left) / perSecond);
      }
      bucket.left--;
      // the oldest were full again long ago
      if (buckets.size >= MAX_BUCKETS && !buckets.has(id)) buckets.clear();
      buckets.set(id, bucket);
    },
  };
}
