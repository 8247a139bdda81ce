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
