/**
 * The core's stages on a case: parity mode, one thread, arrays in to arrays
 * out with the copies into and out of the module's memory.
 *
 * @module
 */
import { Arena, type Kernels } from "../../wasm/arena.ts";
import { masks } from "../../wasm/masks.ts";
import type { Core } from "../../wasm/mod.ts";
import type { BenchCase } from "./case_folder.ts";

/** What is timed, here and in the peers. */
export const STAGES = [
  /** Flow check 0.4 (images), holes filled, at least 15 pixels. */
  "masks",
  /** Euler steps and clustering only. */
  "trackCluster",
  "labelsToFlows",
  /** AP of the final masks against the labels at IoU .5, .75, .9. */
  "averagePrecision",
] as const;

export type Stage = typeof STAGES[number];

/** IoU thresholds of average precision. */
export const AP_THRESHOLDS = [0.5, 0.75, 0.9];

/** Stage results of the core, for comparison before timing. */
export interface Stages {
  masks(): Uint32Array;
  trackCluster(): Uint32Array;
  labelsToFlows(): Float32Array;
  averagePrecision(): number[];
}

/** The stages of a case; each call computes anew. */
export function createStages(core: Core, given: BenchCase): Stages {
  const { flows, cellprob, labels, size } = given;
  const mask = () =>
    core.computeMasks(flows, cellprob, size, maskOptions(given)).masks;
  let final: Uint32Array | undefined;
  return {
    masks: () => final = mask(),
    trackCluster: () =>
      core.computeMasks(flows, cellprob, size, {
        parity: true,
        flowThreshold: 0,
        minSize: 0,
        fillHoles: false,
      }).masks,
    labelsToFlows: () => core.labelsToFlows(labels, size, { parity: true }),
    averagePrecision: () =>
      core.averagePrecision(labels, final ??= mask(), size, AP_THRESHOLDS)
        .map(({ ap }) => ap),
  };
}

function maskOptions({ isVolume }: BenchCase) {
  // Cellpose has no flow check for volumes
  return { parity: true, flowThreshold: isVolume ? 0 : 0.4, minSize: 15 };
}

/** Peak of the module's memory in one `computeMasks`, copies of inputs included. */
export function measurePeak(core: Core, given: BenchCase): number {
  const arena = new PeakArena(core.module);
  const { flows, cellprob, size } = given;
  masks(arena).computeMasks(flows, cellprob, size, maskOptions(given));
  return arena.peak;
}

/** An instance that remembers how large its memory was at the end of a call. */
class PeakArena extends Arena {
  peak = 0;

  override scope<T>(call: (kernels: Kernels) => T): T {
    return super.scope((kernels) => {
      try {
        return call(kernels);
      } finally {
        this.peak = Math.max(this.peak, this.bytes);
      }
    });
  }
}
