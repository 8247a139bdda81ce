/**
 * Plots as SVG, drawn by Vega-Lite without a browser.
 *
 * @module
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const CONFIG = {
  background: "white",
  font: "DejaVu Sans, Helvetica, Arial, sans-serif",
  axis: { labelFontSize: 12, titleFontSize: 12, gridColor: "#e4e4e4" },
  legend: { labelFontSize: 12, titleFontSize: 12, labelLimit: 260 },
  view: { stroke: null },
} as const;

/** Draw a plot in the look of all plots. */
export async function draw(spec: TopLevelSpec): Promise<string> {
  const compiled = compile({ ...spec, config: CONFIG }).spec;
  const view = new View(parse(compiled), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
