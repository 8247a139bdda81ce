/**
 * Positions in an image or a volume, as the scalar references use them.
 *
 * @module
 */
import { isVolume, type Size } from "../../shared/ndarray.ts";

/** Edge lengths, slowest axis first: 2 or 3 of them. */
export function edgesOf(size: Size): number[] {
  return isVolume(size)
    ? [size.depth, size.height, size.width]
    : [size.height, size.width];
}

/** Distance in memory of neighbors along each axis. */
export function stridesOf(edges: readonly number[]): number[] {
  return edges.map((_, axis) =>
    edges.slice(axis + 1).reduce((a, b) => a * b, 1)
  );
}

/** Position of an index in memory. */
export function positionOf(index: number, edges: readonly number[]): number[] {
  return stridesOf(edges)
    .map((stride, axis) => Math.floor(index / stride) % edges[axis]);
}

/** Index in memory of a position, −1 outside. */
export function indexOf(
  position: readonly number[],
  edges: readonly number[],
): number {
  let index = 0;
  for (let axis = 0; axis < edges.length; axis++) {
    if (position[axis] < 0 || position[axis] >= edges[axis]) return -1;
    index = index * edges[axis] + position[axis];
  }
  return index;
}

/** All offsets of a box of the given radius, centre included, raster order. */
export function boxOffsets(axes: number, radius: number): number[][] {
  let offsets: number[][] = [[]];
  for (let axis = 0; axis < axes; axis++) {
    offsets = offsets.flatMap((offset) =>
      Array.from({ length: 2 * radius + 1 }, (_, i) => [...offset, i - radius])
    );
  }
  return offsets;
}

/** Pixels of each label in raster order, labels ascending. */
export function pixelsByLabel(
  labels: ArrayLike<number>,
): Map<number, number[]> {
  const cells = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const pixels = cells.get(labels[i]);
    if (pixels === undefined) cells.set(labels[i], [i]);
    else pixels.push(i);
  }
  return new Map([...cells].sort(([a], [b]) => a - b));
}

/** Number labels 1…K in raster order of their first pixel, in place. */
export function renumber(labels: Uint32Array): number {
  const ids = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    if (!ids.has(labels[i])) ids.set(labels[i], ids.size + 1);
    labels[i] = ids.get(labels[i])!;
  }
  return ids.size;
}
