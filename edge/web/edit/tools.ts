/**
 * The tools: each finds the runs of pixels that it changes, and changes
 * nothing itself.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { Labels } from "./labels.ts";
import { type Runs, toRuns } from "./log.ts";
import {
  type Box,
  boxOf,
  type Point,
  polygonPixels,
  strokePixels,
} from "./shapes.ts";
import { topOf } from "./packed.ts";

/** Masks that are edited. */
export interface Canvas {
  readonly masks: Labels;
  readonly size: Size2D;
}

/** The least number that no label has: one above the largest. */
export function nextLabel(masks: Labels): number {
  return topOf(masks.pack()) + 1;
}

/**
 * Paint along a stroke: onto the background, and over other cells if asked.
 *
 * @param label  0 erases
 */
export function brush(
  { masks, size }: Canvas,
  stroke: readonly Point[],
  { label, radius, over = false }: {
    label: number;
    radius: number;
    over?: boolean;
  },
): Runs {
  const pixels = strokePixels(stroke, radius, size)
    .filter((i) => label === 0 || over || masks.at(i) === 0);
  return toRuns(masks, pixels, () => label);
}

/** Make the inside of a polygon a cell, where no other cell is. */
export function polygon(
  { masks, size }: Canvas,
  points: readonly Point[],
  label: number,
): Runs {
  const pixels = polygonPixels(points, size).filter((i) => masks.at(i) === 0);
  return toRuns(masks, pixels, () => label);
}

/** Fill the holes of a cell: background that it encloses in its box. */
export function fillHoles(canvas: Canvas, label: number): Runs {
  const { masks, size } = canvas;
  const box = boxOf(masks, label);
  if (box === undefined) return new Uint32Array(0);
  const parts = components(
    box,
    (x, y) => masks.at(y * size.width + x) === 0,
  );
  const open = new Set<number>();
  forEdge(box, (i) => open.add(parts.of[i]));
  const pixels = pixelsOf(box, size).filter((_, i) =>
    parts.of[i] > 0 && !open.has(parts.of[i])
  );
  return toRuns(masks, pixels, () => label);
}

/**
 * Split the cells that a stroke crosses: what lies on its sides become cells
 * of their own; the stroke's pixels go to the side that is nearer.
 *
 * @returns no runs where the stroke separates nothing
 */
export function split(
  canvas: Canvas,
  stroke: readonly Point[],
): Runs {
  const { masks, size } = canvas;
  const line = new Set(strokePixels(stroke, 1, size));
  const crossed = new Set(
    [...line].map((i) => masks.at(i)).filter((l) => l > 0),
  );
  const changed = new Map<number, number>();
  let next = nextLabel(masks);
  for (const label of crossed) {
    const box = boxOf(masks, label);
    if (box === undefined) continue;
    const width = box.x1 - box.x0;
    const at = (x: number, y: number) => y * size.width + x;
    const { of, count } = components(
      box,
      (x, y) => masks.at(at(x, y)) === label && !line.has(at(x, y)),
      true,
    );
    if (count < 2) continue;
    const areas = new Uint32Array(count + 1);
    for (const part of of) areas[part]++;
    areas[0] = 0;
    const largest = areas.indexOf(Math.max(...areas));
    const labels = Array.from(
      areas,
      (_, part) => part === largest || part === 0 ? label : next++,
    );
    // the line's pixels, from its sides inwards
    spread(of, width, (i) => {
      const pixel = at(box.x0 + i % width, box.y0 + Math.floor(i / width));
      return masks.at(pixel) === label;
    });
    for (const [i, part] of of.entries()) {
      const pixel = at(box.x0 + i % width, box.y0 + Math.floor(i / width));
      if (masks.at(pixel) === label && part > 0) {
        changed.set(pixel, labels[part]);
      }
    }
  }
  const pixels = [...changed.keys()].sort((a, b) => a - b);
  return toRuns(masks, pixels, (i) => changed.get(i) ?? masks.at(i));
}

/** Give the pixels of some labels another label; 0 deletes them. */
export function relabel(
  { masks }: Canvas,
  labels: readonly number[],
  label: number,
): Runs {
  const wanted = new Set(labels.filter((each) => each > 0));
  const out: number[] = [];
  masks.eachRun((from, to, each) => {
    if (each !== label && wanted.has(each)) {
      out.push(from, to - from, each, label);
    }
  });
  return Uint32Array.from(out);
}

/** The labels within a polygon: those with most of their pixels in it. */
export function lassoed(
  { masks, size }: Canvas,
  points: readonly Point[],
): number[] {
  const inside = new Map<number, number>();
  for (const i of polygonPixels(points, size)) {
    const label = masks.at(i);
    if (label > 0) inside.set(label, (inside.get(label) ?? 0) + 1);
  }
  if (inside.size === 0) return [];
  const areas = new Map<number, number>();
  masks.eachRun((from, to, label) => {
    if (!inside.has(label)) return;
    areas.set(label, (areas.get(label) ?? 0) + to - from);
  });
  return [...inside].filter(([label, n]) => 2 * n > (areas.get(label) ?? 0))
    .map(([label]) => label).sort((a, b) => a - b);
}

/**
 * Grow a cell by one pixel onto the background, or shrink it by one; four
 * neighbors a pixel.
 */
export function resize(
  { masks, size }: Canvas,
  label: number,
  by: "grow" | "shrink",
): Runs {
  const box = boxOf(masks, label);
  if (box === undefined) return new Uint32Array(0);
  const { height, width } = size;
  const around = {
    x0: Math.max(0, box.x0 - 1),
    y0: Math.max(0, box.y0 - 1),
    x1: Math.min(width, box.x1 + 1),
    y1: Math.min(height, box.y1 + 1),
  };
  const has = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height &&
    masks.at(y * width + x) === label;
  const pixels = pixelsOf(around, size).filter((i) => {
    const y = Math.floor(i / width);
    const x = i - y * width;
    const sides = [has(x, y - 1), has(x, y + 1), has(x - 1, y), has(x + 1, y)];
    return by === "grow"
      ? masks.at(i) === 0 && sides.some(Boolean)
      : masks.at(i) === label && !sides.every(Boolean);
  });
  return toRuns(masks, pixels, () => by === "grow" ? label : 0);
}

function pixelsOf({ x0, y0, x1, y1 }: Box, { width }: Size2D): number[] {
  const pixels: number[] = [];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) pixels.push(y * width + x);
  }
  return pixels;
}

/** Connected parts of a box, by four sides or by eight; 0: outside. */
function components(
  { x0, y0, x1, y1 }: Box,
  isIn: (x: number, y: number) => boolean,
  corners = false,
): { of: Uint32Array; count: number } {
  const width = x1 - x0;
  const height = y1 - y0;
  const of = new Uint32Array(width * height);
  let count = 0;
  for (let start = 0; start < of.length; start++) {
    const isNew = of[start] === 0 &&
      isIn(x0 + start % width, y0 + Math.floor(start / width));
    if (!isNew) continue;
    of[start] = ++count;
    const stack = [start];
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      const y = Math.floor(i / width);
      const x = i - y * width;
      for (let v = -1; v <= 1; v++) {
        for (let u = -1; u <= 1; u++) {
          if (!corners && u !== 0 && v !== 0) continue;
          const [p, q] = [x + u, y + v];
          if (p < 0 || q < 0 || p >= width || q >= height) continue;
          const at = q * width + p;
          if (of[at] !== 0 || !isIn(x0 + p, y0 + q)) continue;
          of[at] = count;
          stack.push(at);
        }
      }
    }
  }
  return { of, count };
}

/** Spread parts over pixels that have none, a ring at a time. */
function spread(
  of: Uint32Array,
  width: number,
  isIn: (i: number) => boolean,
): void {
  for (let isMoving = true; isMoving;) {
    isMoving = false;
    const ring: [number, number][] = [];
    for (let i = 0; i < of.length; i++) {
      if (of[i] !== 0 || !isIn(i)) continue;
      const x = i % width;
      const part = (x > 0 && of[i - 1]) || (x + 1 < width && of[i + 1]) ||
        of[i - width] || of[i + width];
      if (part) ring.push([i, part]);
    }
    for (const [i, part] of ring) {
      of[i] = part;
      isMoving = true;
    }
  }
}

function forEdge({ x0, y0, x1, y1 }: Box, visit: (i: number) => void): void {
  const width = x1 - x0;
  const height = y1 - y0;
  for (let x = 0; x < width; x++) {
    visit(x);
    visit((height - 1) * width + x);
  }
  for (let y = 0; y < height; y++) {
    visit(y * width);
    visit(y * width + width - 1);
  }
}
