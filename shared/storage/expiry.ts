/**
 * How long signed URLs live.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { MAX_TTL_SECONDS } from "./types.ts";

/**
 * When a URL signed now for so long expires, ms since 1970.
 *
 * @throws {ArgumentError} if it would live longer than allowed
 */
export function expiryOf(ttlSeconds: number, nowMs: number): number {
  if (ttlSeconds >= 1 && ttlSeconds <= MAX_TTL_SECONDS) {
    return Math.floor(nowMs + ttlSeconds * 1000);
  }
  throw new ArgumentError(
    "ttlSeconds",
    `${ttlSeconds} is not within 1 and ${MAX_TTL_SECONDS}`,
  );
}
