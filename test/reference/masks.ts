/**
 * Flows to masks, the whole way: slow and obvious, float64.
 *
 * Source: cellpose 4.2.1.1 `resize_and_compute_masks` without resizing.
 * Differs: see the steps; the flow check runs in 3-D when asked for.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import { fillAndRemoveSmall } from "./fill.ts";
import { removeBadFlows } from "./flow_error.ts";
import { followPixels } from "./follow.ts";
import { clusterByPeaks } from "./peaks.ts";

export interface MasksOptions {
  readonly niter?: number;
  readonly convention?: "cellpose" | "plain";
  readonly cellprobThreshold?: number;
  /** 0: no flow check. */
  readonly flowThreshold?: number;
  /** 0: no small mask is removed; holes are filled all the same. */
  readonly minSize?: number;
  readonly maxSizeFraction?: number;
  readonly parity?: boolean;
}

/**
 * @param flows     2×H×W or 3×D×H×W, unit scale
 * @param cellprob  H×W or D×H×W, logit
 */
export function masksOf(
  flows: ArrayLike<number>,
  cellprob: ArrayLike<number>,
  size: Size,
  options: MasksOptions = {},
): { masks: Uint32Array; count: number } {
  const { cellprobThreshold = 0, flowThreshold = 0.4, minSize = 15, parity } = {
    parity: false,
    ...options,
  };
  const foreground = Uint8Array.from(
    cellprob,
    (logit) => logit > cellprobThreshold ? 1 : 0,
  );
  const { points, indices } = followPixels(flows, foreground, size, options);
  const { masks } = clusterByPeaks(
    points,
    indices,
    size,
    options.maxSizeFraction,
  );
  if (flowThreshold > 0) {
    removeBadFlows(masks, flows, size, { flowThreshold, parity });
  }
  const count = fillAndRemoveSmall(masks, size, minSize);
  return { masks, count };
}
