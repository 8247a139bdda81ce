/**
 * The benchmark's result as a table in Markdown.
 *
 * @module
 */
import type { BenchResult } from "./core.ts";
import { STAGES } from "./ours.ts";

const PEERS = ["Cellpose", "cellpose-js", "reference"];

/** Exponent b of y = a·xᵇ, by least squares on the logarithms. */
export function fitExponent(points: readonly (readonly [number, number])[]) {
  const xs = points.map(([x]) => Math.log(x));
  const ys = points.map(([, y]) => Math.log(y));
  const mean = (values: number[]) =>
    values.reduce((a, b) => a + b) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  return covariance / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

/** Tables of times and ratios, memory, growth and module size. */
export function formatTable(result: BenchResult): string {
  return [
    `${result.date}, ${result.machine}; least of ${result.rounds} rounds, milliseconds (times ours)`,
    "",
    ...timeRows(result),
    "",
    ...memoryRows(result),
    "",
    ...growthRows(result),
    `module: ${result.module.bytes} bytes, ${result.module.gzipBytes} gzipped; ` +
    `compile ${result.module.compileMs.toFixed(1)} ms, ` +
    `instantiate ${result.module.instantiateMs.toFixed(2)} ms`,
  ].join("\n");
}

function timeRows({ cases }: BenchResult): string[] {
  const rows = [
    ["case", "stage", "ours", ...PEERS],
    ["---", "---", ...["ours", ...PEERS].map(() => "---:")],
  ];
  for (const { name, cells, ms } of cases) {
    for (const stage of STAGES) {
      const ours = ms[stage].ours;
      rows.push([
        `${name} (${cells} cells)`,
        stage,
        formatMs(ours),
        ...PEERS.map((peer) => {
          const theirs = ms[stage][peer];
          if (theirs === undefined) return "–";
          return `${formatMs(theirs)} (${(theirs / ours).toFixed(1)}×)`;
        }),
      ]);
    }
  }
  return rows.map(formatRow);
}

function memoryRows({ cases }: BenchResult): string[] {
  const rows = [
    ["case", "computeMasks, module MiB", "bytes a pixel", "Cellpose, MiB"],
    ["---", "---:", "---:", "---:"],
  ];
  const mebibytes = (bytes: number | undefined) =>
    bytes === undefined ? "–" : (bytes / 2 ** 20).toFixed(0);
  for (const { name, pixels, peakBytes } of cases) {
    rows.push([
      name,
      mebibytes(peakBytes.ours),
      (peakBytes.ours / pixels).toFixed(1),
      mebibytes(peakBytes.Cellpose),
    ]);
  }
  return rows.map(formatRow);
}

function growthRows({ areaExponents, cellExponents }: BenchResult): string[] {
  const rows = STAGES.filter((stage) => areaExponents[stage]).map((stage) => [
    stage,
    formatExponent(areaExponents[stage].ours),
    formatExponent(areaExponents[stage].Cellpose),
    formatExponent(areaExponents[stage]["cellpose-js"]),
    formatExponent(cellExponents[stage]),
  ]);
  if (rows.length === 0) return [];
  return [
    [
      "growth: exponent of",
      "area, ours",
      "area, Cellpose",
      "area, cellpose-js",
      "cells, ours",
    ],
    ["---", "---:", "---:", "---:", "---:"],
    ...rows,
    [],
  ].map(formatRow);
}

function formatMs(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(0);
}

function formatExponent(exponent: number | undefined): string {
  return exponent === undefined ? "–" : exponent.toFixed(2);
}

function formatRow(cells: readonly string[]): string {
  return cells.length === 0 ? "" : `| ${cells.join(" | ")} |`;
}
