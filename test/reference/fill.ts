/**
 * Fill holes and remove small masks: slow and obvious.
 *
 * Source: cellpose 4.2.1.1 `fill_holes_and_remove_small_masks`.
 * Differs: label 0 is the background even where no pixel has it.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import {
  boxOffsets,
  edgesOf,
  indexOf,
  pixelsByLabel,
  positionOf,
  renumber,
} from "./grid.ts";

/** In place; a cell inside another's hole is erased. Returns the count. */
export function fillAndRemoveSmall(
  masks: Uint32Array,
  size: Size,
  minSize = 15,
): number {
  if (minSize > 0) removeSmall(masks, minSize);
  const edges = edgesOf(size);
  let filled = 0;
  for (const label of pixelsByLabel(masks).keys()) {
    // an earlier cell may have covered this one
    const pixels: number[] = [];
    masks.forEach((value, i) => {
      if (value === label) pixels.push(i);
    });
    if (pixels.length === 0) continue;
    filled++;
    for (const at of withHoles(pixels, edges)) masks[at] = filled;
  }
  if (minSize > 0) removeSmall(masks, minSize);
  return pixelsByLabel(masks).size;
}

function removeSmall(masks: Uint32Array, minSize: number): void {
  const cells = pixelsByLabel(masks);
  for (const pixels of cells.values()) {
    if (pixels.length < minSize) { for (const at of pixels) masks[at] = 0; }
  }
  renumber(masks);
}

/** A cell's box less what a flood by faces reaches from outside the box. */
function withHoles(pixels: number[], edges: number[]): number[] {
  const positions = pixels.map((i) => positionOf(i, edges));
  const low = edges.map((_, a) =>
    positions.reduce((least, p) => Math.min(least, p[a]), Infinity)
  );
  // one pixel of margin on each side, where the flood starts
  const box = edges.map((_, a) =>
    positions.reduce((most, p) => Math.max(most, p[a]), 0) - low[a] + 3
  );
  const inBox = (position: number[]) =>
    indexOf(position.map((p, a) => p - low[a] + 1), box);
  const isCell = new Set(positions.map(inBox));
  const faces = boxOffsets(edges.length, 1)
    .filter((offset) => offset.filter((step) => step !== 0).length === 1);

  const outside = new Set([0]);
  for (const at of outside) {
    const position = positionOf(at, box);
    for (const face of faces) {
      const next = indexOf(position.map((p, a) => p + face[a]), box);
      if (next >= 0 && !isCell.has(next)) outside.add(next);
    }
  }
  const all = box.reduce((a, b) => a * b);
  const filled: number[] = [];
  for (let at = 0; at < all; at++) {
    if (outside.has(at)) continue;
    const position = positionOf(at, box).map((p, a) => p + low[a] - 1);
    filled.push(indexOf(position, edges));
  }
  return filled;
}
