/**
 * Flows toward centroids, the report's own target for a network.
 *
 * @module
 */
import { isVolume, type LabelArray, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";

/** Settings of `centroidFlows`. */
export interface CentroidOptions {
  /**
   * Where a cell's centroid lies outside the cell (it is not convex), point to
   * the cell's pixel nearest to it instead. Default false: the report's
   * formula, whose pixels then leave their cell when they are followed.
   */
  readonly inside?: boolean;
}

/** The functions of this file over an arena. */
export function centroid(arena: Arena) {
  return {
    /**
     * Labels to flows: each pixel of a cell points straight to its centroid.
     *
     * Flows have unit length; they are 0 on the background and on a pixel that
     * lies exactly at the centroid. Label ids may have gaps and any size.
     *
     * @param labels  H×W or D×H×W, 0 = background
     * @param size    of the image or volume
     * @param options `inside`: what to do with cells that are not convex
     * @returns       2×H×W f32 (dY, dX) or 3×D×H×W (dZ, dY, dX), unit length
     * @throws {ArgumentError} for an empty size, a wrong length, a negative label
     *
     * Source: the report, `labels_to_flows`.
     * Differs: `inside` is ours.
     */
    centroidFlows(
      labels: LabelArray,
      size: Size,
      options: CentroidOptions = {},
    ): Float32Array {
      const pixels = checkLabels("labels", labels, size);
      const axes = isVolume(size) ? 3 : 2;
      return arena.scope((kernels) => {
        const input = arena.putLabels(labels);
        const out = arena.reserve(pixels * axes * 4);
        const count = checkResult(kernels.relabel(input, pixels));
        checkResult(kernels.centroidFlows(
          out,
          input,
          isVolume(size) ? size.depth : 1,
          size.height,
          size.width,
          axes,
          count,
          options.inside ? 1 : 0,
        ));
        return arena.viewF32(out, pixels * axes).slice();
      });
    },
  };
}
