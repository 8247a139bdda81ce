/**
 * Sizes of images and volumes, slowest axis first.
 *
 * @module
 */
import { ArgumentError, ShapeError } from "./errors.ts";

/** Size of an image, H×W pixels. */
export interface Size2D {
  readonly height: number;
  readonly width: number;
}

/** Size of a volume, D×H×W voxels. */
export interface Size3D extends Size2D {
  readonly depth: number;
}

/** Size of an image, or of a volume when it has a depth. */
export type Size = Size2D | Size3D;

/** Label images as users have them; the core itself works on u32. */
export type LabelArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array;

/** True for a volume. */
export function isVolume(size: Size): size is Size3D {
  return "depth" in size;
}

/**
 * Number of pixels or voxels.
 *
 * @throws {ArgumentError} if an edge is not a positive integer
 */
export function countPixels(size: Size): number {
  const edges = isVolume(size)
    ? { depth: size.depth, height: size.height, width: size.width }
    : { height: size.height, width: size.width };
  let count = 1;
  for (const [name, edge] of Object.entries(edges)) {
    if (!Number.isInteger(edge) || edge < 1) {
      throw new ArgumentError(
        `size.${name}`,
        `must be a positive integer, is ${edge}`,
      );
    }
    count *= edge;
  }
  return count;
}

/**
 * Check that an array holds `planes` planes of an image or volume.
 *
 * @throws {ShapeError} with the name of the argument and both lengths
 */
export function checkLength(
  argument: string,
  array: { readonly length: number },
  expected: number,
): void {
  if (array.length !== expected) {
    throw new ShapeError(
      argument,
      `has ${array.length} elements, the size needs ${expected}`,
    );
  }
}
