/**
 * The traditional baseline: Otsu's threshold, then a watershed of the distance
 * transform, split at its maxima.
 *
 * It sees the rendered image only, not the truth that the other methods' flows
 * come from.
 *
 * Source: Otsu 1979; Vincent and Soille 1991 (flooding); Soille 2003 §6.3
 * (maxima of at least a given height).
 *
 * @module
 */
import type { Size2D } from "../../shared/ndarray.ts";
import { distanceTo } from "../../shared/synthetic/fields.ts";

/** A maximum of the distance must rise this far above its saddle, pixels. */
const LEAST_RISE = 1;
/** Smaller pieces are dropped, as the truth has none, pixels. */
const LEAST_AREA = 40;

/**
 * Segment bright cells on a dark background.
 *
 * @param image  H×W u8
 * @returns      H×W labels, 0 = background
 */
export function segmentClassically(
  image: Uint8Array,
  size: Size2D,
): Uint32Array {
  const { threshold } = findThreshold(image);
  return splitForeground((i) => image[i] > threshold, size, LEAST_AREA);
}

/**
 * Split a foreground at the necks between the maxima of its distance to the
 * background.
 *
 * @param isInside   whether a pixel belongs to the foreground
 * @param leastArea  smaller pieces are dropped, pixels
 * @returns          H×W labels, 0 = background
 */
export function splitForeground(
  isInside: (pixel: number) => boolean,
  size: Size2D,
  leastArea: number,
): Uint32Array {
  const depth = distanceTo((i) => !isInside(i), size);
  // without any background nothing tells one cell from another
  if (depth[0] === Infinity) return new Uint32Array(depth.length).fill(1);
  const order = [...depth.keys()].filter((i) => depth[i] > 0)
    .sort((a, b) => depth[b] - depth[a] || a - b);
  return flood(order, depth, size, leastArea);
}

/**
 * Find the gray value that parts the histogram with the greatest variance
 * between, and which part of the whole variance that is, 0–1.
 */
export function findThreshold(
  image: Uint8Array,
): { threshold: number; separation: number } {
  const histogram = new Float64Array(256);
  for (const value of image) histogram[value]++;
  const total = image.reduce((sum, value) => sum + value, 0);
  let [below, sum, best, threshold] = [0, 0, 0, 0];
  for (let t = 0; t < 255; t++) {
    below += histogram[t];
    sum += t * histogram[t];
    const above = image.length - below;
    if (below === 0 || above === 0) continue;
    const between = below * above * (sum / below - (total - sum) / above) ** 2;
    if (between > best) [best, threshold] = [between, t];
  }
  const mean = total / image.length;
  const spread = histogram.reduce(
    (sum, count, value) => sum + count * (value - mean) ** 2,
    0,
  );
  // the between-class sum of squares is best / N
  const separation = spread > 0 ? best / image.length / spread : 0;
  return { threshold, separation };
}

/**
 * From the deepest pixel outward: a pixel next to no basin starts one; where
 * basins meet, one that rises less than LEAST_RISE above the pass joins the
 * higher, and others keep their border.
 */
function flood(
  order: number[],
  depth: Float32Array,
  size: Size2D,
  leastArea: number,
) {
  const { height, width } = size;
  const basinOf = new Int32Array(height * width).fill(-1);
  const parent: number[] = [];
  const peaks: number[] = [];
  const rootOf = (basin: number): number => {
    while (parent[basin] !== basin) basin = parent[basin];
    return basin;
  };
  for (const i of order) {
    const [y, x] = [Math.floor(i / width), i % width];
    let joined = -1;
    // of basins that keep their border the pixel takes its deepest neighbor's:
    // the higher one would creep along the other's slope
    let nearest = -1;
    let deepest = -1;
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        if (basinOf[v * width + u] < 0) continue;
        const basin = rootOf(basinOf[v * width + u]);
        if (depth[v * width + u] > deepest) {
          [nearest, deepest] = [basin, depth[v * width + u]];
        }
        if (joined < 0 || basin === joined) {
          joined = basin;
          continue;
        }
        const [high, low] = peaks[basin] > peaks[joined]
          ? [basin, joined]
          : [joined, basin];
        if (peaks[low] - depth[i] < LEAST_RISE) parent[low] = high;
        joined = high;
      }
    }
    if (joined < 0) {
      joined = parent.push(parent.length) - 1;
      peaks.push(depth[i]);
    }
    basinOf[i] = nearest < 0 ? joined : rootOf(nearest);
  }

  const areas = new Map<number, number>();
  const roots = basinOf.map((basin) => basin < 0 ? -1 : rootOf(basin));
  for (const root of roots) areas.set(root, (areas.get(root) ?? 0) + 1);
  const kept = [...areas.keys()]
    .filter((root) => root >= 0 && areas.get(root)! >= leastArea);
  const labels = new Map(kept.map((root, k) => [root, k + 1]));
  return Uint32Array.from(roots, (root) => labels.get(root) ?? 0);
}
