/**
 * The points that are tracked: foreground pixels in raster order.
 *
 * A point is 2 (y, x) or 3 (z, y, x) i32 of `fixed.ts`.
 */
import { startAt, toPixels } from "./fixed";

/**
 * Number of pixels with cellprob > threshold.
 *
 * cellprob  n f32
 */
export function countForeground(cellprob: usize, n: i32, threshold: f32): i32 {
  let found = 0;
  const end = cellprob + (usize(n) << 2);
  for (let at = cellprob; at < end; at += 4) {
    found += i32(load<f32>(at) > threshold);
  }
  return found;
}

/**
 * Start points of all foreground pixels, in raster order.
 *
 * points    P×2 | P×3 i32  out
 * cellprob  D×H×W f32
 * axes      i32        2 or 3, numbers a point (a slab of a volume may have d = 1)
 * d h w     i32        d = 1 for an image
 * from      i32        row (plane in 3-D) of the whole image where this slab starts
 * whole     i32        rows (planes) of the whole image
 * convention i32       of `fixed.ts`
 * threshold f32        foreground is cellprob > threshold
 * returns   i32        P
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` follow_flows.
 */
export function startPoints(
  points: usize, cellprob: usize, axes: i32, d: i32, h: i32, w: i32, from: i32, whole: i32, convention: i32, threshold: f32,
): i32 {
  let to = points;
  let at = cellprob;
  const fromZ = axes == 2 ? 0 : from;
  const fromY = axes == 2 ? from : 0;
  const wholeH = axes == 2 ? whole : h;
  for (let z = 0; z < d; z++) {
    const pz = startAt(fromZ + z, whole, convention);
    for (let y = 0; y < h; y++) {
      const py = startAt(fromY + y, wholeH, convention);
      for (let x = 0; x < w; x++, at += 4) {
        if (!(load<f32>(at) > threshold)) continue;
        if (axes == 3) {
          store<i32>(to, pz);
          to += 4;
        }
        store<i32>(to, py);
        store<i32>(to, startAt(x, w, convention), 4);
        to += 8;
      }
    }
  }
  return i32((to - points) / (usize(axes) << 2));
}

/**
 * Points in pixels.
 *
 * out     P×2 | P×3 f32   may be `points` itself
 * points  P×2 | P×3 i32
 * n       i32        P
 * d h w convention        as in `startPoints`
 */
export function pointsToPositions(
  out: usize, points: usize, n: i32, d: i32, h: i32, w: i32, convention: i32,
): void {
  for (let i = 0; i < n; i++) {
    if (d > 1) {
      store<f32>(out, f32(toPixels(load<i32>(points), d, convention)));
      out += 4;
      points += 4;
    }
    store<f32>(out, f32(toPixels(load<i32>(points), h, convention)));
    store<f32>(out, f32(toPixels(load<i32>(points, 4), w, convention)), 4);
    out += 8;
    points += 8;
  }
}

/**
 * Index of the pixel in which each point ends; positions are truncated.
 *
 * out     P u32      may be `points` itself
 * points n d h w convention   as in `pointsToPositions`
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` compute_masks (positions to int).
 */
export function pointsToPixels(
  out: usize, points: usize, n: i32, d: i32, h: i32, w: i32, convention: i32,
): void {
  for (let i = 0; i < n; i++, out += 4) {
    let at: usize = 0;
    if (d > 1) {
      at = usize(toPixels(load<i32>(points), d, convention));
      points += 4;
    }
    at = at * usize(h) + usize(toPixels(load<i32>(points), h, convention));
    at = at * usize(w) + usize(toPixels(load<i32>(points, 4), w, convention));
    store<u32>(out, u32(at));
    points += 8;
  }
}

/**
 * Pixels from which the points started.
 *
 * indices   P u32   out: raster order
 * cellprob  n f32
 * threshold f32     foreground is cellprob > threshold
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` (nonzero of the foreground).
 */
export function foregroundPixels(indices: usize, cellprob: usize, n: i32, threshold: f32): void {
  for (let i = 0; i < n; i++) {
    if (load<f32>(cellprob + (usize(i) << 2)) > threshold) {
      store<u32>(indices, u32(i));
      indices += 4;
    }
  }
}
