/**
 * The benchmark's result as a table in Markdown.
 *
 * @module
 */
import { STAGES } from "./ours.ts";
import type { BenchResult } from "./result.ts";

const PEERS = ["Cellpose", "cellpose-js", "reference"];

/** Tables of times and ratios, memory, growth and module size. */
export function formatTable(result: BenchResult): string {
  const versions = Object.entries(result.versions).map(([name, of]) =>
    `${name} ${Object.entries(of).map((entry) => entry.join(" ")).join(", ")}`
  );
  return [
    `${result.date}, ${result.machine}, ${
      result.loadBefore.toFixed(1)
    } threads busy before; ${versions.join("; ")}.`,
    "",
    `Least of ${result.rounds} rounds in milliseconds, in brackets how many times ours.`,
    "",
    ...timeRows(result),
    "",
    ...memoryRows(result),
    "",
    ...growthRows(result),
    `Module: ${result.module.bytes} bytes, ${result.module.gzipBytes} gzipped; ` +
    `compile ${result.module.compileMs.toFixed(1)} ms, ` +
    `instantiate ${result.module.instantiateMs.toFixed(2)} ms.`,
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
