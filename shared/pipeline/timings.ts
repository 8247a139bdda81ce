/**
 * Times of the stages.
 *
 * @module
 */
import type { Timings } from "./result.ts";

/** Times at the start. */
export function startTimings(): Timings {
  return {
    estimate: 0,
    normalize: 0,
    cut: 0,
    encode: 0,
    blend: 0,
    resize: 0,
    masks: 0,
    measure: 0,
    total: 0,
  };
}

/** Adds the time since the last call to a stage; without one, drops it. */
export function startClock(timings: Timings) {
  let last = performance.now();
  return (stage?: keyof Timings) => {
    const now = performance.now();
    if (stage !== undefined) timings[stage] += now - last;
    last = now;
  };
}
