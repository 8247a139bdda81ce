/**
 * Cluster end points by the peaks of their histogram: slow and obvious.
 *
 * Source: cellpose 4.2.1.1 `get_masks_torch`.
 * Differs: seeds of equal height keep their raster order (the peer's sort is
 * unstable).
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import { boxOffsets, edgesOf, indexOf, positionOf, renumber } from "./grid.ts";

/** Margin of the histogram, so that no window reaches outside. */
const MARGIN = 20;
/** A seed holds more end points than this. */
const SEED_POINTS = 10;
/** A pixel that a label grows into holds more end points than this. */
const GROW_POINTS = 2;
/** A seed is the highest of its 5×5 pixels. */
const PEAK_RADIUS = 2;
/** Rounds of growth, and the radius of the 11×11 window it stays in. */
const GROW_ROUNDS = 5;

/**
 * @param points   P×2 or P×3; truncated to pixels
 * @param indices  P pixels the points came from
 * @param maxSizeFraction  a label on more than this part of the image goes
 */
export function clusterByPeaks(
  points: ArrayLike<number>,
  indices: ArrayLike<number>,
  size: Size,
  maxSizeFraction = 0.4,
): { masks: Uint32Array; count: number } {
  const edges = edgesOf(size);
  const axes = edges.length;
  const padded = edges.map((edge) => edge + 2 * MARGIN);

  // how many points end in each pixel
  const heights = new Uint32Array(padded.reduce((a, b) => a * b));
  const ends = Array.from(indices, (_, p) =>
    indexOf(
      edges.map((edge, axis) => {
        const end = Math.trunc(points[p * axes + axis]) + MARGIN;
        return Math.min(Math.max(end, 0), edge + MARGIN - 1);
      }),
      padded,
    ));
  for (const end of ends) heights[end]++;

  // lower seeds are painted first, so that higher ones win
  const seeds = findSeeds(heights, padded)
    .sort((a, b) => heights[a] - heights[b]);
  const regions = new Uint32Array(heights.length);
  seeds.forEach((seed, k) => {
    for (const at of grow(seed, heights, padded)) regions[at] = k + 1;
  });

  const masks = new Uint32Array(edges.reduce((a, b) => a * b));
  ends.forEach((end, p) => masks[indices[p]] = regions[end]);
  removeOversize(masks, maxSizeFraction);
  return { masks, count: renumber(masks) };
}

/** Pixels that no pixel of their window exceeds, in raster order. */
export function findSeeds(heights: Uint32Array, edges: number[]): number[] {
  const window = boxOffsets(edges.length, PEAK_RADIUS);
  const seeds: number[] = [];
  heights.forEach((height, i) => {
    if (height <= SEED_POINTS) return;
    const position = positionOf(i, edges);
    const isPeak = window.every((offset) => {
      const at = indexOf(position.map((p, a) => p + offset[a]), edges);
      return at < 0 || heights[at] <= height;
    });
    if (isPeak) seeds.push(i);
  });
  return seeds;
}

/** The pixels a seed grows into: five dilations over well-filled pixels. */
export function grow(
  seed: number,
  heights: Uint32Array,
  edges: number[],
): Set<number> {
  const around = boxOffsets(edges.length, 1);
  let region = new Set([seed]);
  for (let round = 0; round < GROW_ROUNDS; round++) {
    const wider = new Set<number>();
    for (const pixel of region) {
      const position = positionOf(pixel, edges);
      for (const offset of around) {
        const at = indexOf(position.map((p, a) => p + offset[a]), edges);
        if (at >= 0 && heights[at] > GROW_POINTS) wider.add(at);
      }
    }
    region = wider;
  }
  return region;
}

/** Erase labels (the background counts as one) above a part of the image. */
function removeOversize(masks: Uint32Array, maxSizeFraction: number): void {
  const areas = new Map<number, number>();
  for (const label of masks) areas.set(label, (areas.get(label) ?? 0) + 1);
  for (let i = 0; i < masks.length; i++) {
    if (areas.get(masks[i])! > maxSizeFraction * masks.length) masks[i] = 0;
  }
}
