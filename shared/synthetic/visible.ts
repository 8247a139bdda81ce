/**
 * What is left in view of cells that cover one another.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";

/**
 * Keep each label's largest 4-connected part of at least `minArea` pixels.
 *
 * @param labels  H×W, 0 = background
 * @returns       labels numbered by first pixel, and how many there are
 */
export function keepLargestParts(
  labels: Uint32Array,
  size: Size2D,
  minArea: number,
): { labels: Uint32Array; count: number } {
  const { parts, areas, owners } = findParts(labels, size);
  const largest = new Map<number, number>(); // label → its part
  areas.forEach((area, part) => {
    if (area < minArea) return;
    const best = largest.get(owners[part]);
    // of equals the first
    if (best === undefined || area > areas[best]) {
      largest.set(owners[part], part);
    }
  });

  // parts are found in the order of their first pixel
  const kept = [...largest.values()].sort((a, b) => a - b);
  const number = new Uint32Array(areas.length);
  kept.forEach((part, k) => number[part] = k + 1);
  return {
    labels: parts.map((part) => part === 0 ? 0 : number[part - 1]),
    count: kept.length,
  };
}

/** 1 + part of each pixel, and each part's area and label. */
function findParts(labels: Uint32Array, { height, width }: Size2D) {
  const parts = new Uint32Array(labels.length);
  const stack = new Uint32Array(labels.length);
  const areas: number[] = [];
  const owners: number[] = [];
  for (let first = 0; first < labels.length; first++) {
    if (labels[first] === 0 || parts[first] > 0) continue;
    const label = labels[first];
    const part = areas.length + 1;
    let area = 0;
    let top = 0;
    const take = (pixel: number) => {
      if (labels[pixel] !== label || parts[pixel] > 0) return;
      parts[pixel] = part;
      stack[top++] = pixel;
      area++;
    };
    take(first);
    while (top > 0) {
      const pixel = stack[--top];
      const x = pixel % width;
      if (x > 0) take(pixel - 1);
      if (x < width - 1) take(pixel + 1);
      if (pixel >= width) take(pixel - width);
      if (pixel < (height - 1) * width) take(pixel + width);
    }
    areas.push(area);
    owners.push(label);
  }
  return { parts, areas, owners };
}
