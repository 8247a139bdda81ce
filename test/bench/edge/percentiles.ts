/**
 * Times of calls made one after the other.
 *
 * @module
 */

/** Of the times of a call, ms. */
export interface Latency {
  readonly least: number;
  readonly p50: number;
  readonly p99: number;
  readonly calls: number;
}

/** Percentiles of times. */
export function summarize(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { least: sorted[0], p50: at(0.5), p99: at(0.99), calls: times.length };
}

/**
 * Time calls that take turns, so that what else the machine does meets all of
 * them.
 *
 * @param calls  by name
 * @param rounds  of each, after `warm` that are not counted
 */
export async function timeInTurns(
  calls: Readonly<Record<string, () => Promise<unknown>>>,
  { rounds, warm = 3 }: { rounds: number; warm?: number },
): Promise<Record<string, Latency>> {
  const times: Record<string, number[]> = {};
  for (let i = -warm; i < rounds; i++) {
    for (const [name, call] of Object.entries(calls)) {
      const from = performance.now();
      await call();
      const ms = performance.now() - from;
      if (i >= 0) (times[name] ??= []).push(ms);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, summarize(all)]),
  );
}
