/**
 * Timing: the minimum of several runs, since a machine only adds to a time.
 *
 * @module
 */

/** Milliseconds of one run. */
export function time(run: () => unknown): number {
  const start = performance.now();
  keep(run());
  return performance.now() - start;
}

/** The least of `runs` times, in milliseconds. */
export function least(runs: number, run: () => unknown): number {
  let best = Infinity;
  for (let i = 0; i < runs; i++) best = Math.min(best, time(run));
  return best;
}

/** Results go here, so that no engine can leave out the work. */
let sink: unknown;
function keep(value: unknown): void {
  sink = value;
}

/** The last result kept. */
export function lastKept(): unknown {
  return sink;
}
