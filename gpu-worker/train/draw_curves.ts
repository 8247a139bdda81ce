/**
 * Curves of a training as SVG: loss, validation loss, AP.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { LogLine } from "./run_log.ts";

/** Points of a curve; more cannot be told apart. */
const MAX_POINTS = 400;

/**
 * Draw the curves of a log.
 *
 * @returns SVG
 */
export async function drawCurves(lines: readonly LogLine[]): Promise<string> {
  const values = [
    ...thin(lines.filter(({ event }) => event === "step")),
    ...lines.filter(({ event }) => event === "validation").flatMap((line) => [
      { panel: "loss", curve: "validation", step: line.step, value: line.loss },
      { panel: "AP@0.5", curve: "validation", step: line.step, value: line.ap },
    ]).filter(({ value }) => typeof value === "number"),
  ];
  const spec: TopLevelSpec = {
    data: { values },
    facet: { field: "panel", type: "nominal", title: null, sort: ["loss"] },
    columns: 1,
    spec: {
      width: 560,
      height: 200,
      mark: { type: "line", point: false },
      encoding: {
        x: { field: "step", type: "quantitative" },
        y: { field: "value", type: "quantitative", title: null },
        color: {
          field: "curve",
          type: "nominal",
          scale: { range: ["#0072b2", "#d55e00"] },
          legend: { title: null, orient: "top" },
        },
      },
    },
    resolve: { scale: { y: "independent" } },
    config: { background: "white" },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/** Means over equal spans of steps. */
function thin(lines: readonly LogLine[]) {
  const span = Math.max(1, Math.ceil(lines.length / MAX_POINTS));
  const points = [];
  for (let i = 0; i < lines.length; i += span) {
    const part = lines.slice(i, i + span);
    const sum = part.reduce((total, { loss }) => total + Number(loss), 0);
    points.push({
      panel: "loss",
      curve: "training",
      step: part[part.length - 1].step,
      value: sum / part.length,
    });
  }
  return points;
}
