/**
 * The scalar references as stages of the benchmark.
 *
 * @module
 */
import { diffuseFlows } from "../reference/diffusion.ts";
import { followPixels } from "../reference/follow.ts";
import { masksOf } from "../reference/masks.ts";
import { clusterByPeaks } from "../reference/peaks.ts";
import type { BenchCase } from "./case_folder.ts";

/** Stages that have a reference; each call computes anew. */
export function referenceStages({
  flows,
  cellprob,
  labels,
  size,
  isVolume,
}: BenchCase) {
  return {
    masks: () =>
      masksOf(flows, cellprob, size, {
        parity: true,
        flowThreshold: isVolume ? 0 : 0.4,
      }).masks,
    trackCluster: () => {
      const foreground = Uint8Array.from(
        cellprob,
        (logit) => logit > 0 ? 1 : 0,
      );
      const { points, indices } = followPixels(flows, foreground, size);
      return clusterByPeaks(points, indices, size).masks;
    },
    labelsToFlows: () => diffuseFlows(labels, size, { parity: true }).flows,
  };
}
