/**
 * The plot of the robustness experiment as SVG.
 *
 * @module
 */
import { draw } from "../vega.ts";
import { type Fault, UNITS } from "./perturb.ts";
import type { RobustnessPoint } from "./robustness.ts";

/** Okabe and Ito's colors, which color-blind people can tell apart. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000"];

/** AP50 against the strength of one fault, a curve for each method. */
export function plotRobustness(
  points: readonly RobustnessPoint[],
  fault: RobustnessPoint["fault"],
): Promise<string> {
  const values = points.filter((point) => point.fault === fault)
    .map(({ strength, method, ap50 }) => ({
      strength: `${strength}`,
      method,
      ap50: ap50.mean,
    }));
  const methods = [...new Set(values.map(({ method }) => method))];
  const strengths = [...new Set(values.map(({ strength }) => strength))];
  const unit = fault === "diameter"
    ? "times the true diameter"
    : UNITS[fault as Fault];
  return draw({
    width: 300,
    height: 200,
    data: { values },
    mark: { type: "line", point: { size: 40 }, strokeWidth: 1.8 },
    encoding: {
      x: {
        field: "strength",
        type: "ordinal",
        sort: strengths,
        title: `${fault}: ${unit}`,
        axis: { labelAngle: 0 },
      },
      y: {
        field: "ap50",
        type: "quantitative",
        title: "AP50",
        scale: { domain: [0, 1] },
      },
      color: {
        field: "method",
        type: "nominal",
        sort: methods,
        scale: { domain: methods, range: COLORS.slice(0, methods.length) },
        legend: { title: null, orient: "bottom", columns: 2 },
      },
    },
  });
}
