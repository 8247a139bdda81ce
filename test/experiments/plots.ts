/**
 * The report's plots as SVG.
 *
 * @module
 */
import type { Figure5Row, Figure6Point } from "./figures56.ts";
import { type Method, METHOD_TITLES } from "./methods.ts";
import type { TableRow } from "./table4.ts";
import { draw } from "./vega.ts";

/** Okabe and Ito's colors, which color-blind people can tell apart. */
const COLORS = ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7"];

/** Mean IoU of each scenario: published, and by every method. */
export function plotTable4(rows: readonly TableRow[]): Promise<string> {
  const series = ["published", ...Object.values(METHOD_TITLES)];
  const values = rows.flatMap((row) => [
    { scenario: row.name, series: "published", mean: row.published },
    ...(Object.keys(METHOD_TITLES) as Method[]).map((method) => ({
      scenario: row.name,
      series: METHOD_TITLES[method],
      ...around(row.iou[method], 1),
    })),
  ]);
  const x = {
    field: "scenario",
    type: "nominal",
    title: null,
    axis: { labelAngle: 0 },
  } as const;
  const xOffset = { field: "series", type: "nominal", sort: series } as const;
  const color = {
    field: "series",
    type: "nominal",
    sort: series,
    scale: { domain: series, range: COLORS },
    legend: { title: null, orient: "bottom", columns: 3 },
  } as const;
  return draw({
    width: 660,
    height: 300,
    data: { values },
    encoding: { x, xOffset, color },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1.5 },
        encoding: {
          y: { field: "low", type: "quantitative" },
          y2: { field: "high" },
        },
      },
      {
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          y: {
            field: "mean",
            type: "quantitative",
            title: "mean IoU (± sd)",
            scale: { domain: [0, 1] },
          },
          shape: {
            field: "series",
            type: "nominal",
            sort: series,
            scale: {
              domain: series,
              range: ["diamond", "circle", "circle", "circle", "circle"],
            },
          },
        },
      },
    ],
  });
}

/** TP, FP and FN of each eps after 20 steps; diamonds are published counts. */
export function plotFigure5(rows: readonly Figure5Row[]): Promise<string> {
  const kinds = ["TP", "FP", "FN"];
  const values = rows.flatMap((row) =>
    kinds.map((kind) => {
      const [count, published] = row.published.split(" ");
      const statistic = row[kind.toLowerCase() as "tp" | "fp" | "fn"];
      return {
        eps: `eps ${row.eps}`,
        kind,
        ...around(statistic),
        ...(published === kind ? { published: Number(count) } : {}),
      };
    })
  );
  const y = { type: "quantitative", title: "cells (± sd)" } as const;
  return draw({
    width: 420,
    height: 260,
    data: { values },
    encoding: {
      x: {
        field: "eps",
        type: "nominal",
        title: null,
        sort: null,
        axis: { labelAngle: 0 },
      },
      xOffset: { field: "kind", type: "nominal", sort: kinds },
    },
    layer: [
      {
        mark: { type: "bar" },
        encoding: {
          y: { ...y, field: "mean" },
          color: {
            field: "kind",
            type: "nominal",
            sort: kinds,
            scale: { domain: kinds, range: ["#009e73", "#d55e00", "#0072b2"] },
            legend: { title: null },
          },
        },
      },
      {
        mark: { type: "rule", color: "#444" },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        transform: [{ filter: "isValid(datum.published)" }],
        mark: {
          type: "point",
          shape: "diamond",
          filled: true,
          size: 110,
          color: "black",
          opacity: 1,
        },
        encoding: { y: { ...y, field: "published" } },
      },
    ],
  });
}

/** Mean IoU against the number of steps, a curve for each eps. */
export function plotFigure6(points: readonly Figure6Point[]): Promise<string> {
  const values = points.map(({ eps, niter, iou }) => ({
    eps: `eps ${eps}`,
    niter,
    iou: iou.mean,
  }));
  const series = [...new Set(values.map(({ eps }) => eps))];
  const shared = {
    field: "eps",
    type: "nominal",
    sort: series,
    legend: { title: null, symbolOpacity: 1 },
  } as const;
  return draw({
    width: 600,
    height: 320,
    data: { values },
    mark: { type: "line", point: { size: 40 }, strokeWidth: 1.8 },
    encoding: {
      x: {
        field: "niter",
        type: "quantitative",
        title: "N, Euler steps (square-root scale)",
        scale: { type: "sqrt", domain: [0, 200] },
        axis: { values: [0, 5, 10, 20, 30, 50, 80, 120, 150, 200] },
      },
      y: {
        field: "iou",
        type: "quantitative",
        title: "mean IoU",
        scale: { domain: [0, 1] },
      },
      // curves that coincide are told apart by their dashes
      strokeDash: {
        ...shared,
        scale: {
          domain: series,
          range: [[1, 0], [9, 4], [5, 5], [2, 4]],
        },
      },
      color: { ...shared, scale: { domain: series, range: COLORS.slice(1) } },
    },
  });
}

/** Mean with its deviation to both sides, within what can be. */
function around({ mean, sd }: { mean: number; sd: number }, most = Infinity) {
  return {
    mean,
    low: Math.max(0, mean - sd),
    high: Math.min(most, mean + sd),
  };
}
