/**
 * Checks of arguments at the host boundary; kernels trust what passed.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type LabelArray,
  type Size,
} from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";

/**
 * Check a label image: right length, no negative label.
 *
 * @returns the number of pixels
 * @throws {ArgumentError | ShapeError}
 */
export function checkLabels(
  argument: string,
  labels: LabelArray,
  size: Size,
): number {
  const pixels = countPixels(size);
  checkLength(argument, labels, pixels);
  if (
    labels instanceof Int8Array || labels instanceof Int16Array ||
    labels instanceof Int32Array
  ) {
    for (let i = 0; i < pixels; i++) {
      if (labels[i] < 0) {
        throw new ArgumentError(
          argument,
          `label ${
            labels[i]
          } at index ${i} is negative; labels are 0 (background) or positive`,
        );
      }
    }
  }
  return pixels;
}

/**
 * Check an integer setting that a kernel takes as i32.
 *
 * @throws {ArgumentError} if it is not an integer of 32 bits
 */
export function checkInteger(argument: string, value: number): void {
  if (!Number.isInteger(value) || value !== (value | 0)) {
    throw new ArgumentError(
      argument,
      `must be an integer of at most 32 bits, is ${value}`,
    );
  }
}

/**
 * Check a fraction.
 *
 * @throws {ArgumentError} if it is not a number from 0 to 1
 */
export function checkFraction(argument: string, value: number): void {
  if (!(value >= 0 && value <= 1)) {
    throw new ArgumentError(argument, `must be from 0 to 1, is ${value}`);
  }
}

/**
 * Check flows and copy them in: right length, all finite.
 *
 * A volume of one plane is tracked as an image, so its dZ is left out.
 *
 * @returns the address of 2×H×W or 3×D×H×W f32
 * @throws {ArgumentError | ShapeError}
 */
export function checkFlows(
  arena: Arena,
  flows: Float32Array,
  size: Size,
): number {
  const pixels = countPixels(size);
  const planes = isVolume(size) ? 3 : 2;
  checkLength("flows", flows, planes * pixels);
  const skipped = isVolume(size) && size.depth === 1 ? pixels : 0;
  const at = arena.put(flows.subarray(skipped));
  const bad = arena.kernels.findNonFinite(at, flows.length - skipped);
  if (bad >= 0) {
    throw new ArgumentError(
      "flows",
      `value ${flows[bad + skipped]} at index ${
        bad + skipped
      } is not finite; the network's output is broken there`,
    );
  }
  return at;
}

/**
 * Check cell probabilities and copy them in: right length, no NaN.
 *
 * @returns the address of D×H×W f32
 * @throws {ArgumentError | ShapeError}
 */
export function checkCellprob(
  arena: Arena,
  cellprob: Float32Array,
  size: Size,
): number {
  const pixels = countPixels(size);
  checkLength("cellprob", cellprob, pixels);
  const at = arena.put(cellprob);
  const bad = arena.kernels.findNaN(at, pixels);
  if (bad >= 0) {
    throw new ArgumentError(
      "cellprob",
      `value at index ${bad} is NaN; the network's output is broken there`,
    );
  }
  return at;
}
