/**
 * Pixels of what a hand draws: discs along a stroke, the inside of a polygon.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { Labels } from "./labels.ts";
import { paintRings } from "../../../shared/image/rings.ts";

/** A point of the image; pixel (0, 0) is at 0…1. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A box of pixels, ends exclusive. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/**
 * Pixels within a radius of a stroke; at least those that it passes.
 *
 * @param radius  pixels; ½ is a line of one pixel
 * @returns       ascending
 */
export function strokePixels(
  stroke: readonly Point[],
  radius: number,
  size: Size2D,
): number[] {
  const found = new Set<number>();
  const reach = Math.max(0.5, radius);
  for (let i = 0; i < stroke.length; i++) {
    const to = stroke[i];
    const from = stroke[Math.max(0, i - 1)];
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const steps = Math.max(1, Math.ceil(length * 2 / Math.max(1, reach)));
    for (let s = 0; s <= steps; s++) {
      addDisc(found, {
        x: from.x + (to.x - from.x) * s / steps,
        y: from.y + (to.y - from.y) * s / steps,
      }, { reach, size });
    }
  }
  return [...found].sort((a, b) => a - b);
}

function addDisc(
  found: Set<number>,
  { x, y }: Point,
  { reach, size: { height, width } }: { reach: number; size: Size2D },
): void {
  const add = (row: number, column: number) => {
    if (row < 0 || column < 0 || row >= height || column >= width) return;
    found.add(row * width + column);
  };
  add(Math.floor(y), Math.floor(x));
  for (let row = Math.floor(y - reach); row <= y + reach; row++) {
    for (let column = Math.floor(x - reach); column <= x + reach; column++) {
      const isNear = Math.hypot(row + 0.5 - y, column + 0.5 - x) <= reach;
      if (isNear) add(row, column);
    }
  }
}

/** Pixels whose centers are inside a polygon; ascending. */
export function polygonPixels(
  polygon: readonly Point[],
  { height, width }: Size2D,
): number[] {
  if (polygon.length < 3) return [];
  const xs = polygon.map(({ x }) => x);
  const ys = polygon.map(({ y }) => y);
  const box = {
    x0: Math.max(0, Math.floor(Math.min(...xs))),
    y0: Math.max(0, Math.floor(Math.min(...ys))),
    x1: Math.min(width, Math.ceil(Math.max(...xs))),
    y1: Math.min(height, Math.ceil(Math.max(...ys))),
  };
  const size = { height: box.y1 - box.y0, width: box.x1 - box.x0 };
  if (size.height <= 0 || size.width <= 0) return [];
  const inside = new Uint32Array(size.height * size.width);
  paintRings(inside, size, {
    label: 1,
    rings: [polygon.map(({ x, y }): [number, number] => [
      x - box.x0,
      y - box.y0,
    ])],
  });
  const pixels: number[] = [];
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === 0) continue;
    const row = box.y0 + Math.floor(i / size.width);
    pixels.push(row * width + box.x0 + i % size.width);
  }
  return pixels;
}

/** The box around the pixels of a label; undefined where there is none. */
export function boxOf(masks: Labels, label: number): Box | undefined {
  const { height, width } = masks.size;
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  masks.eachRun((from, to, each) => {
    if (each !== label) return;
    const [top, bottom] = [
      Math.floor(from / width),
      Math.floor((to - 1) / width),
    ];
    const isWhole = bottom > top;
    x0 = Math.min(x0, isWhole ? 0 : from - top * width);
    x1 = Math.max(x1, isWhole ? width - 1 : to - 1 - top * width);
    y0 = Math.min(y0, top);
    y1 = bottom;
  });
  return y1 < 0 ? undefined : { x0, y0, x1: x1 + 1, y1: y1 + 1 };
}
