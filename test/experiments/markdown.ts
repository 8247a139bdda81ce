/**
 * Markdown of tables and numbers.
 *
 * @module
 */
import type { Statistic } from "./statistics.ts";

/** A table; the first column is left, the others right aligned. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = heads.map((_, k) => k === 0 ? "---" : "--:");
  return [line(heads), line(rule), ...rows.map(line)].join("\n");
}

/** "0.123 ± 0.045". */
export function plusMinus({ mean, sd }: Statistic, digits = 3): string {
  return `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}

/** "a, b and c". */
export function list(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** "12 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
