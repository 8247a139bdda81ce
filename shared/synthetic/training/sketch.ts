/**
 * The sheet on which a training scene's cells are placed one by one, and what
 * is known of each pixel once they are.
 *
 * @module
 */
import type { Size2D } from "../../ndarray.ts";
import type { Random } from "../random.ts";
import { keepLargestParts } from "../visible.ts";
import type { Outline, Point } from "./outlines.ts";
import { type Distances, measureDistances } from "./planes.ts";

/** Cells placed so far. */
export interface Sketch {
  readonly size: Size2D;
  /** H×W: 1 + the number of the cell, 0 = free. */
  readonly ids: Uint32Array;
  count: number;
}

/** Placed cells, ready for light. */
export interface Cells extends Distances {
  readonly size: Size2D;
  /** H×W, 0 = background; each label one 4-connected piece. */
  readonly labels: Uint32Array;
  readonly count: number;
  /** Per label, 0 for the background: a number of its own, 0–1. */
  readonly tints: Float32Array;
  /** Per label: its greatest depth, pixels. */
  readonly depths: Float32Array;
}

/** Smaller pieces are no cells, pixels. */
export const LEAST_AREA = 20;

/** An empty sheet. */
export function startSketch(size: Size2D): Sketch {
  return { size, ids: new Uint32Array(size.height * size.width), count: 0 };
}

/** Call `visit` once for each pixel of the image in an outline. */
export function forEachInside(
  outline: Outline,
  { height, width }: Size2D,
  visit: (pixel: number) => void,
): void {
  const seen = outline.length > 1 ? new Set<number>() : undefined;
  for (const { box: [top, bottom, left, right], covers } of outline) {
    const [y0, y1] = [Math.max(0, Math.floor(top)), Math.ceil(bottom)];
    const [x0, x1] = [Math.max(0, Math.floor(left)), Math.ceil(right)];
    for (let y = y0; y <= y1 && y < height; y++) {
      for (let x = x0; x <= x1 && x < width; x++) {
        if (!covers(y, x)) continue;
        const pixel = y * width + x;
        if (seen?.has(pixel)) continue;
        seen?.add(pixel);
        visit(pixel);
      }
    }
  }
}

/**
 * Place a cell beneath those already there.
 *
 * @param leastFree  it is refused where less than this part would be in view
 * @returns          whether it was placed
 */
export function place(
  sketch: Sketch,
  outline: Outline,
  leastFree = 0.9,
): boolean {
  const free: number[] = [];
  let covered = 0;
  forEachInside(outline, sketch.size, (pixel) => {
    covered++;
    if (sketch.ids[pixel] === 0) free.push(pixel);
  });
  if (free.length < LEAST_AREA || free.length < leastFree * covered) {
    return false;
  }
  const id = ++sketch.count;
  for (const pixel of free) sketch.ids[pixel] = id;
  return true;
}

/** A point of the image, or up to `margin` pixels outside. */
export function drawPoint(
  random: Random,
  { height, width }: Size2D,
  margin = 0,
): Point {
  return [
    random.between(-margin, height + margin),
    random.between(-margin, width + margin),
  ];
}

/**
 * End placing: each cell keeps its largest piece, what is cut off becomes
 * background and is not drawn.
 */
export function finishSketch(random: Random, sketch: Sketch): Cells {
  const { size, ids } = sketch;
  const { labels, count } = keepLargestParts(ids, size, LEAST_AREA);
  const { depth, distance } = measureDistances(labels, size);
  const tints = Float32Array.from(
    { length: count + 1 },
    (_, k) => k === 0 ? 0 : random.uniform(),
  );
  const depths = new Float32Array(count + 1);
  for (let i = 0; i < labels.length; i++) {
    if (depth[i] > depths[labels[i]]) depths[labels[i]] = depth[i];
  }
  return { size, labels, count, tints, depths, depth, distance };
}
