/**
 * Mean and spread over seeds.
 *
 * @module
 */

/** Mean and standard deviation (n − 1) of one number over the seeds. */
export interface Statistic {
  readonly mean: number;
  readonly sd: number;
}

/** Mean and deviation; the deviation of one value is 0. */
export function summarize(values: readonly number[]): Statistic {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** Mean and deviation of each number of objects that have the same ones. */
export function summarizeEach<K extends string>(
  rows: readonly Readonly<Record<K, number>>[],
): Record<K, Statistic> {
  const keys = Object.keys(rows[0]) as K[];
  return Object.fromEntries(
    keys.map((key) => [key, summarize(rows.map((row) => row[key]))]),
  ) as Record<K, Statistic>;
}
