/**
 * Medians.
 *
 * @module
 */

/** Median of numbers, which are sorted in place; 0 without any. */
export function median(values: number[]): number {
  if (values.length === 0) return 0;
  values.sort((a, b) => a - b);
  const half = values.length >> 1;
  return values.length % 2 === 1
    ? values[half]
    : (values[half - 1] + values[half]) / 2;
}
