/**
 * A case's stand-in for a network's output, at unit scale.
 *
 * @module
 */
import { isVolume, type Size } from "../../shared/ndarray.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getNumber,
  sizeOf,
  spell,
} from "./case.ts";

/** Cellpose's default number of Euler steps. */
export const NITER = 200;

/** `dP` and `cellprob` of a case. */
export interface NetworkOutput {
  readonly size: Size;
  /** 2×H×W or 3×D×H×W f32, unit scale. */
  readonly flows: Float32Array;
  /** H×W or D×H×W f32, logit. */
  readonly cellprob: Float32Array;
  /** u8 of the same shape, 1 where the logit is above the threshold. */
  readonly foreground: Uint8Array;
}

/**
 * Read `dP` (5× unit scale) and `cellprob`.
 *
 * @throws {CaseError} if their shapes disagree
 */
export function getNetworkOutput(from: Case): NetworkOutput {
  const { shape } = getArray(from, "cellprob", 2, 3);
  const size = sizeOf(shape);
  const axes = isVolume(size) ? 3 : 2;
  const flowShape = getArray(from, "dP").shape;
  if (`${flowShape}` !== `${[axes, ...shape]}`) {
    throw new CaseError(
      `dP.npy is ${spell(flowShape)}, cellprob.npy is ${spell(shape)}`,
    );
  }
  const threshold = getNumber(from, "cellprob_threshold", 0);
  const cellprob = getFloats(from, "cellprob");
  return {
    size,
    // an f32 divided in f64 and rounded is the f32 quotient
    flows: getFloats(from, "dP").map((value) => value / 5),
    cellprob,
    foreground: Uint8Array.from(cellprob, (logit) => logit > threshold ? 1 : 0),
  };
}
