/**
 * Checks of arguments at the host boundary; kernels trust what passed.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  type LabelArray,
  type Size,
} from "../shared/ndarray.ts";

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
