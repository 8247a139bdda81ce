/** What `bench edge` measures. */
import type { Latency } from "./percentiles.ts";

/** What was measured; also `out/bench/edge.json`. */
export interface EdgeResult {
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
  /** Mean number of busy threads before and after, one minute each. */
  readonly load: readonly [before: number, after: number];
  readonly model: string;
  /** From the command to the first answer, ms, and to the first preview. */
  readonly start: { readonly answer: number; readonly preview: number };
  readonly latency: Readonly<Record<string, Latency>>;
  readonly job: Readonly<
    Record<"total" | "encode" | "estimate" | "dynamics" | "rest", Latency>
  >;
  /** Requests a second, by path. */
  readonly throughput: Readonly<Record<string, number>>;
  /** Bytes that the service's process holds at the end. */
  readonly memory: number;
}
