/**
 * Learning rates over a training.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { cellposeRates, cosineRates } from "./schedule.ts";

/** How the rate goes. */
export type Schedule = "cosine" | "cellpose";

/** What a plan is made of. */
export interface RateOptions {
  readonly schedule: Schedule;
  /** The highest. */
  readonly rate: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Of the cosine, one after the other, each from its warm-up on; default 1. */
  readonly cycles?: number;
}

/** Warm-up of the cosine: this share of the steps, at most so many. */
const WARM_SHARE = 0.05;
const MAX_WARM = 500;

/**
 * Plan the rate of every step.
 *
 * "cosine": a straight warm-up, then half a cosine down to a hundredth; again
 * in each of `cycles` equal parts.
 * "cellpose": by epoch: 0 to the rate in 10 epochs, then constant; of 100
 * epochs or more the last 50 (above 300: the last 100) halve it ten times.
 *
 * @returns rate of step 0, 1, …
 *
 * Source: Loshchilov and Hutter 2017 (cosine, restarts); Cellpose 4.2.1.1 `train_seg`.
 */
export function planRates(options: RateOptions): (step: number) => number {
  const { schedule, rate, steps, stepsPerEpoch, cycles = 1 } = options;
  if (!(rate > 0) || !(steps >= 1) || !(stepsPerEpoch >= 1)) {
    throw new ArgumentError(
      "rate, steps, stepsPerEpoch",
      `must be positive, are ${rate}, ${steps}, ${stepsPerEpoch}`,
    );
  }
  if (schedule === "cosine") {
    const length = Math.ceil(steps / cycles);
    const warmUp = Math.min(MAX_WARM, Math.ceil(WARM_SHARE * length));
    const rates = cosineRates({ learningRate: rate, steps: length, warmUp });
    return (step) => rates[step % length];
  }
  if (cycles > 1) {
    throw new ArgumentError("cycles", "are of the schedule cosine");
  }
  const epochs = Math.ceil(steps / stepsPerEpoch);
  const rates = cellposeRates({ learningRate: rate, epochs });
  return (step) => rates[Math.floor(step / stepsPerEpoch)];
}
