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

/** True for an array of the given element types (of any realm). */
function isOf(array: unknown, ...types: readonly string[]): boolean {
  return ArrayBuffer.isView(array) &&
    types.includes(Reflect.get(array, Symbol.toStringTag));
}

const LABEL_TYPES = [
  "Uint8Array",
  "Uint8ClampedArray",
  "Uint16Array",
  "Uint32Array",
  "Int8Array",
  "Int16Array",
  "Int32Array",
];

/**
 * Check that an array is a Float32Array, whose bytes the kernels read.
 *
 * @throws {ArgumentError} if it is anything else
 */
export function checkFloats(argument: string, array: Float32Array): void {
  if (!isOf(array, "Float32Array")) {
    throw new ArgumentError(argument, "must be a Float32Array");
  }
}

/**
 * Check that an array is a Uint32Array, whose bytes the kernels read.
 *
 * @throws {ArgumentError} if it is anything else
 */
export function checkIndices(argument: string, array: Uint32Array): void {
  if (!isOf(array, "Uint32Array")) {
    throw new ArgumentError(argument, "must be a Uint32Array");
  }
}

/**
 * Check flags: one byte a pixel.
 *
 * @throws {ArgumentError | ShapeError}
 */
export function checkFlags(
  argument: string,
  flags: Uint8Array,
  pixels: number,
): void {
  if (!isOf(flags, "Uint8Array", "Uint8ClampedArray")) {
    throw new ArgumentError(argument, "must be a Uint8Array");
  }
  checkLength(argument, flags, pixels);
}

/**
 * Check a label image: integers, right length, no negative label.
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
  if (!isOf(labels, ...LABEL_TYPES)) {
    throw new ArgumentError(
      argument,
      "must be a typed array of integers of at most 32 bits",
    );
  }
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

/** Pixels of an axis along which points can be followed (`fixed.ts`). */
const MAX_EDGE = 130_816;

/**
 * Check that positions on every axis fit the kernels' fixed-point numbers.
 *
 * @throws {ArgumentError} if an edge is too long
 */
export function checkEdges(size: Size): void {
  for (const [name, edge] of Object.entries(size)) {
    if (edge > MAX_EDGE) {
      throw new ArgumentError(
        `size.${name}`,
        `must be at most ${MAX_EDGE} to follow flows, is ${edge}; cut the image`,
      );
    }
  }
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
  checkFloats("flows", flows);
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
  checkFloats("cellprob", cellprob);
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
