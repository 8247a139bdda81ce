/**
 * Figures 5 and 6: how eps and the number of Euler steps decide what DBSCAN
 * makes of the report's end points.
 *
 * @module
 */
import { generateScene } from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import { segmentAsReport } from "./methods.ts";
import {
  FIGURE_5,
  FIGURE_5_STEPS,
  FIGURE_6_EPS,
  FIGURE_6_STEPS,
  FIGURE_SCENE,
} from "./scenarios.ts";
import { type Statistic, summarize, summarizeEach } from "./statistics.ts";

/** One group of bars of Figure 5. */
export interface Figure5Row {
  readonly eps: number;
  readonly published: string;
  readonly publishedIou: number;
  readonly tp: Statistic;
  readonly fp: Statistic;
  readonly fn: Statistic;
  readonly iou: Statistic;
}

/** One point of a curve of Figure 6. */
export interface Figure6Point {
  readonly eps: number;
  readonly niter: number;
  readonly iou: Statistic;
}

/** Count what each eps finds after 20 steps. */
export function runFigure5(core: Core, seeds: readonly number[]): Figure5Row[] {
  return FIGURE_5.map(({ eps, published, iou }) => {
    const rows = seeds.map((seed) => {
      const { labels, size } = generateScene(seed, FIGURE_SCENE);
      const settings = { niter: FIGURE_5_STEPS, eps };
      const masks = segmentAsReport(core, { labels, size, seed }, settings);
      const { tp, fp, fn } = core.matchMasks(labels, masks, size);
      return { tp, fp, fn, iou: core.meanIou(labels, masks, size) };
    });
    return { eps, published, publishedIou: iou, ...summarizeEach(rows) };
  });
}

/** Mean IoU for each eps and number of steps. */
export function runFigure6(
  core: Core,
  seeds: readonly number[],
): Figure6Point[] {
  const scenes = seeds.map((seed) => generateScene(seed, FIGURE_SCENE));
  return FIGURE_6_EPS.flatMap((eps) =>
    FIGURE_6_STEPS.map((niter) => ({
      eps,
      niter,
      iou: summarize(scenes.map(({ labels, size }, k) => {
        const truth = { labels, size, seed: seeds[k] };
        const masks = segmentAsReport(core, truth, { niter, eps });
        return core.meanIou(labels, masks, size);
      })),
    }))
  );
}

/** How far apart the curves of these eps are at each number of steps. */
export function spreadOf(
  points: readonly Figure6Point[],
  eps: readonly number[],
): { niter: number; spread: number }[] {
  return FIGURE_6_STEPS.map((niter) => {
    const means = points
      .filter((point) => point.niter === niter && eps.includes(point.eps))
      .map(({ iou }) => iou.mean);
    return { niter, spread: Math.max(...means) - Math.min(...means) };
  });
}
