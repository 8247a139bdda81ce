/**
 * Inputs and outputs of a network beside recorded arrays.
 *
 * @module
 */
import type { Floats } from "../../gpu-worker/run_graph.ts";
import { type Case, CaseError, getArray, getFloats, spell } from "./case.ts";
import { type Check, relatively } from "./check.ts";

/** An input array of any numeric dtype. */
export function getInput(from: Case, name: string): Floats {
  return { data: getFloats(from, name), shape: getArray(from, name).shape };
}

/** Compare an output with a recorded array of the same shape. */
export function compareWith(
  from: Case,
  name: string,
  { ours, limit }: { ours: Floats; limit: number },
): Check {
  const { shape } = getArray(from, name);
  if (`${shape}` !== `${ours.shape}`) {
    throw new CaseError(
      `${name}.npy is ${spell(shape)}, the network gives ${spell(ours.shape)}`,
    );
  }
  return relatively(name, ours.data, getFloats(from, name), limit);
}
