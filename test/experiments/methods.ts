/**
 * The methods that the experiments compare, from truth to masks.
 *
 * All but the baseline start from the flows of the truth: the experiments ask
 * what is lost on the way back from flows to masks, not how well a network
 * predicts.
 *
 * @module
 */
import type { LabelArray, Size2D } from "../../shared/ndarray.ts";
import { renderMicrograph } from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import { segmentClassically } from "./watershed.ts";

/** Labelled cells to be found again. */
export interface Truth {
  readonly labels: LabelArray;
  readonly size: Size2D;
  /** Of the image that the baseline sees. */
  readonly seed: number;
}

/** Settings of the report's pipeline. */
export interface ReportSettings {
  /** Euler steps. */
  readonly niter: number;
  readonly eps: number;
  /** scikit-learn's default: the report gives none. */
  readonly minSamples?: number;
}

/** The report's pipeline where no experiment varies it. */
export const REPORT_SETTINGS: ReportSettings = { niter: 200, eps: 1.5 };

/** Centroid flows, Euler steps where they are, DBSCAN; nothing is cleaned. */
export function segmentAsReport(
  core: Core,
  { labels, size }: Truth,
  { niter, eps, minSamples = 5 }: ReportSettings = REPORT_SETTINGS,
): Uint32Array {
  const flows = core.centroidFlows(labels, size);
  const foreground = Uint8Array.from(labels, (label) => label > 0 ? 1 : 0);
  const { points, indices } = core.followFlows(flows, foreground, size, {
    niter,
    convention: "plain",
  });
  return core.clusterDbscan(points, indices, size, { eps, minSamples }).masks;
}

/** Leak-free diffusion and the core's defaults. */
export function segmentAsOurs(core: Core, { labels, size }: Truth) {
  const flows = core.labelsToFlows(labels, size);
  return core.computeMasks(flows, logitOf(labels), size).masks;
}

/** Cellpose 4.2.1.1's own steps: diffusion that leaks, its sampling, its check. */
export function segmentAsCellpose(core: Core, { labels, size }: Truth) {
  const flows = core.labelsToFlows(labels, size, { parity: true });
  return core.computeMasks(flows, logitOf(labels), size, { parity: true })
    .masks;
}

/** Threshold and watershed, on a fluorescence image of the scene. */
export function segmentAsBaseline(_: Core, { labels, size, seed }: Truth) {
  const image = renderMicrograph(Uint32Array.from(labels), size, seed);
  return segmentClassically(image.data, size);
}

/** The columns of Table 4, in order. */
export const METHODS = {
  report: segmentAsReport,
  ours: segmentAsOurs,
  cellpose: segmentAsCellpose,
  watershed: segmentAsBaseline,
} as const satisfies Record<string, (core: Core, truth: Truth) => Uint32Array>;

export type Method = keyof typeof METHODS;

/** What the columns are called. */
export const METHOD_TITLES: Readonly<Record<Method, string>> = {
  report: "report's pipeline",
  ours: "ours",
  cellpose: "Cellpose parity mode",
  watershed: "threshold + watershed",
};

/** A sure network: logit 6 on cells, −6 elsewhere. */
function logitOf(labels: LabelArray): Float32Array {
  return Float32Array.from(labels, (label) => label > 0 ? 6 : -6);
}
