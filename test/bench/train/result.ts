/**
 * What `bench train` measures.
 *
 * @module
 */

/** One program's best. */
export interface StepTimes {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
}

/** Both programs with one network. */
export interface StepComparison {
  readonly network: string;
  readonly ours: StepTimes;
  readonly torch: StepTimes;
}

/** All of it. */
export interface TrainResult {
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
  readonly threads: number;
  /** Threads that were busy before. */
  readonly load: number;
  readonly steps: readonly StepComparison[];
}
