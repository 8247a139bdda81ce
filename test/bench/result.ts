/**
 * What the benchmark of the core measures: the shape of `out/bench/core.json`.
 *
 * @module
 */
import type { ModuleSize } from "./module_size.ts";
import type { Stage } from "./ours.ts";

/** One case: milliseconds by stage and program, the least of the rounds. */
export interface CaseTimes {
  readonly name: string;
  readonly pixels: number;
  readonly foreground: number;
  readonly cells: number;
  readonly ms: Readonly<Record<Stage, Readonly<Record<string, number>>>>;
  /** The core's module memory in `computeMasks`; the peers' whole process. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /** Share of pixels where our result is the program's. */
  readonly agreement: Readonly<Record<string, Record<string, number>>>;
}

export interface BenchResult {
  readonly date: string;
  readonly machine: string;
  /** Mean number of busy threads in the minute before; peers suffer most. */
  readonly loadBefore: number;
  readonly rounds: number;
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly module: ModuleSize;
  readonly cases: readonly CaseTimes[];
  /** Of time over area (images), by stage and program. */
  readonly areaExponents: Readonly<Record<string, Record<string, number>>>;
  /** Of the core's time over the number of cells on 1024×1024. */
  readonly cellExponents: Readonly<Record<string, number>>;
}

/** Where progress goes. */
export type Note = (text: string) => void;
