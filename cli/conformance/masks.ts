/**
 * Masks of a network's output, and their flow errors, against the peer's.
 *
 * @module
 */
import { isVolume } from "../../shared/ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  getArray,
  getFloats,
  getLabels,
  getNumber,
  hasArrays,
  sizeOf,
} from "./case.ts";
import { type Check, closely, exactly, isPassed } from "./check.ts";
import { sameCells, sameUpToRenumbering } from "./compare_masks.ts";
import { findNoise } from "./heat.ts";
import { getNetworkOutput, NITER } from "./network.ts";

const FLOW_ERROR = 1e-4;

/** Part of the pixels that may differ in raw and quality-checked masks. */
const PIXELS = 0.005;

/**
 * Check `masks_raw`, `masks_qc` and `masks`, each computed from `dP` and
 * `cellprob`, and that the early stop changes none of them.
 */
export function checkMasks(core: Core, from: Case): Check[] {
  if (!hasArrays(from, "dP", "cellprob")) return [];
  const { flows, cellprob, size } = getNetworkOutput(from);
  const settings = {
    niter: getNumber(from, "niter", NITER),
    cellprobThreshold: getNumber(from, "cellprob_threshold", 0),
    // the flow check is 2-D only
    flowThreshold: isVolume(size) ? 0 : getNumber(from, "flow_threshold", 0.4),
    minSize: getNumber(from, "min_size", 15),
    maxSizeFraction: getNumber(from, "max_size_fraction", 0.4),
    parity: true,
  };
  const compute = (options: Partial<Record<string, number | boolean>>) =>
    core.computeMasks(flows, cellprob, size, { ...settings, ...options }).masks;

  const masks = compute({ earlyStop: true });
  const checks = [
    exactly("masks with early stop", masks, compute({ earlyStop: false })),
  ];
  const raw = { flowThreshold: 0, minSize: 0, fillHoles: false };
  const checked = { minSize: 0, fillHoles: false };
  for (
    const [name, options] of [["masks_raw", raw], [
      "masks_qc",
      checked,
    ]] as const
  ) {
    if (!hasArrays(from, name)) continue;
    checks.push(sameUpToRenumbering(name, {
      ours: compute(options),
      theirs: getLabels(from, name),
      limit: PIXELS,
    }));
  }
  if (hasArrays(from, "masks")) {
    checks.push(...sameCells("masks", masks, getLabels(from, "masks")));
  }
  return checks;
}

/**
 * Check `flow_errors`: one error a label of the peer's `masks_raw`, to 1e-4.
 *
 * A pixel whose direction is noise in the peer may move its label's mean by
 * at most 4 (opposite unit vectors) over the area, which is allowed for.
 */
export function checkFlowErrors(core: Core, from: Case): Check[] {
  if (!hasArrays(from, "masks_raw", "dP", "flow_errors")) return [];
  const size = sizeOf(getArray(from, "masks_raw", 2).shape);
  const masks = getLabels(from, "masks_raw");
  const flows = getFloats(from, "dP").map((value) => value / 5);
  const theirs = getFloats(from, "flow_errors");
  const { labels, errors } = core.flowErrors(masks, flows, size, {
    parity: true,
  });
  const check = closely("flow_errors", errors, theirs, FLOW_ERROR);
  if (isPassed(check) || errors.length !== theirs.length) return [check];
  // the slow search for noise is needed only where a label misses
  const noise = noiseShares(masks, findNoise(masks, size));
  const near = errors.map((error, i) => {
    const slack = 4 * (noise.get(labels[i]) ?? 0);
    return Math.abs(error - theirs[i]) <= slack ? theirs[i] : error;
  });
  return [closely("flow_errors", near, theirs, FLOW_ERROR)];
}

/** Part of each label's pixels that are noise. */
function noiseShares(
  masks: Uint32Array,
  isNoise: Uint8Array,
): Map<number, number> {
  const areas = new Map<number, number>();
  const noisy = new Map<number, number>();
  masks.forEach((label, i) => {
    areas.set(label, (areas.get(label) ?? 0) + 1);
    if (isNoise[i]) noisy.set(label, (noisy.get(label) ?? 0) + 1);
  });
  return new Map(
    [...noisy].map(([label, n]) => [label, n / (areas.get(label) ?? 1)]),
  );
}
