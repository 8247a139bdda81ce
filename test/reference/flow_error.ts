/**
 * How far each label's own flows are from the given ones: slow and obvious.
 *
 * Source: cellpose 4.2.1.1 `flow_error`, `remove_bad_flow_masks`.
 * Differs: defined in 3-D too, and for labels with gaps.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import { diffuseFlows, type DiffusionOptions } from "./diffusion.ts";
import { edgesOf, pixelsByLabel, renumber } from "./grid.ts";

/**
 * @param masks  H×W or D×H×W labels
 * @param flows  2×H×W or 3×D×H×W, unit scale, whole image (not only foreground)
 * @returns labels ascending, and the mean squared distance of each
 */
export function measureFlowErrors(
  masks: ArrayLike<number>,
  flows: ArrayLike<number>,
  size: Size,
  options: DiffusionOptions = {},
): { labels: number[]; errors: number[] } {
  const own = diffuseFlows(masks, size, options).flows;
  const axes = edgesOf(size).length;
  const cells = pixelsByLabel(masks);
  const errors = [...cells.values()].map((pixels) => {
    let sum = 0;
    for (const pixel of pixels) {
      for (let axis = 0; axis < axes; axis++) {
        const at = axis * masks.length + pixel;
        sum += (own[at] - flows[at]) ** 2;
      }
    }
    return sum / pixels.length;
  });
  return { labels: [...cells.keys()], errors };
}

/** Erase labels with an error above the threshold and renumber, in place. */
export function removeBadFlows(
  masks: Uint32Array,
  flows: ArrayLike<number>,
  size: Size,
  { flowThreshold = 0.4, ...options }: DiffusionOptions & {
    readonly flowThreshold?: number;
  } = {},
): number {
  const { labels, errors } = measureFlowErrors(masks, flows, size, options);
  const bad = new Set(labels.filter((_, k) => errors[k] > flowThreshold));
  for (let i = 0; i < masks.length; i++) if (bad.has(masks[i])) masks[i] = 0;
  return renumber(masks);
}
