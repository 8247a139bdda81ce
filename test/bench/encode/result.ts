/**
 * The result of `bench encode`.
 *
 * @module
 */
import type { MemoryCase } from "./memory.ts";
import type { RestTimes } from "./rest.ts";
import type { TileTimes } from "./tile.ts";

/** What was measured; also `out/bench/encode.json`. */
export interface EncodeResult {
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
  /** Mean number of busy threads before and after, one minute each. */
  readonly load: readonly [before: number, after: number];
  readonly tiles: readonly TileTimes[];
  readonly rest?: RestTimes;
  readonly memory: readonly MemoryCase[];
  readonly gpu?: { readonly name: string; readonly peakTflops: number | null };
}
