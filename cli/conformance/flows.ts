/**
 * Flows of labels against the peer's, 2-D and 3-D.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getLabels,
  hasArrays,
  sizeOf,
  spell,
} from "./case.ts";
import { type Check, mostWithin } from "./check.ts";
import { findNoise } from "./heat.ts";

const LIMIT = 1e-4;
const SHARE = 0.999;

/**
 * Check `flows` of `labels`: ≤1e-4 on ≥99.9 % of cell pixels.
 *
 * Pixels whose direction is rounding noise in the peer are left out.
 */
export function checkFlows(core: Core, from: Case): Check[] {
  if (!hasArrays(from, "labels", "flows")) return [];
  const { shape } = getArray(from, "labels", 2, 3);
  const size = sizeOf(shape);
  const labels = getLabels(from, "labels");
  const flowShape = getArray(from, "flows").shape;
  if (`${flowShape}` !== `${[shape.length, ...shape]}`) {
    throw new CaseError(
      `flows.npy is ${spell(flowShape)}, labels.npy is ${spell(shape)}`,
    );
  }
  const theirs = getFloats(from, "flows");
  const ours = core.labelsToFlows(labels, size, { parity: true });

  const errors = new Float64Array(labels.length);
  for (let axis = 0; axis < shape.length; axis++) {
    const plane = axis * labels.length;
    for (let i = 0; i < labels.length; i++) {
      const error = Math.abs(ours[plane + i] - theirs[plane + i]);
      errors[i] = Number.isNaN(error) ? Infinity : Math.max(errors[i], error);
    }
  }
  // the slow search for noise is needed only where a pixel misses
  const missed = labels.some((label, i) => label > 0 && !(errors[i] <= LIMIT));
  const isNoise = missed ? findNoise(labels, size) : null;
  const counted = errors.filter((_, i) => labels[i] > 0 && !isNoise?.[i]);
  return [mostWithin("flows", counted, {
    share: SHARE,
    limit: LIMIT,
    unit: "largest component",
  })];
}
