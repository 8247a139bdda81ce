/**
 * Learning rates over a training.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";

/** How the rate goes. */
export type Schedule = "cosine" | "cellpose";

/** What a plan is made of. */
export interface RateOptions {
  readonly schedule: Schedule;
  /** The highest. */
  readonly rate: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
}

/** Warm-up of the cosine: this share of the steps, at most so many. */
const WARM_SHARE = 0.05;
const MAX_WARM = 500;
/** Where the cosine ends, of the highest rate. */
const LAST = 0.01;

/**
 * Plan the rate of every step.
 *
 * "cosine": a straight warm-up, then half a cosine down to a hundredth.
 * "cellpose": by epoch: 0 to the rate in 10 epochs, then constant; above 99
 * epochs the last 50 (above 300: the last 100) halve the rate ten times.
 *
 * @returns rate of step 0, 1, …
 *
 * Source: Loshchilov and Hutter 2017 (cosine); Cellpose 4.2.1.1 `train_seg`.
 * Differs: nothing.
 */
export function planRates(options: RateOptions): (step: number) => number {
  const { schedule, rate, steps, stepsPerEpoch } = options;
  if (!(rate > 0) || !(steps >= 1) || !(stepsPerEpoch >= 1)) {
    throw new ArgumentError(
      "rate, steps, stepsPerEpoch",
      `must be positive, are ${rate}, ${steps}, ${stepsPerEpoch}`,
    );
  }
  if (schedule === "cosine") {
    const warm = Math.min(MAX_WARM, Math.ceil(WARM_SHARE * steps));
    return (step) => {
      if (step < warm) return rate * (step + 1) / warm;
      const done = (step - warm) / Math.max(1, steps - warm);
      return rate * (LAST + (1 - LAST) * 0.5 * (1 + Math.cos(Math.PI * done)));
    };
  }
  const epochs = Math.ceil(steps / stepsPerEpoch);
  const [tail, each] = epochs > 300 ? [100, 10] : epochs > 99 ? [50, 5] : [
    0,
    1,
  ];
  return (step) => {
    const epoch = Math.floor(step / stepsPerEpoch);
    if (epoch < 10) return rate * epoch / 9;
    const late = epoch - (epochs - tail);
    return late < 0 ? rate : rate / 2 ** (1 + Math.floor(late / each));
  };
}
