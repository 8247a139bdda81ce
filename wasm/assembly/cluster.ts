/**
 * Cluster end points that were tracked elsewhere, as `computeMasks` clusters
 * its own.
 */
import { allocate, mark, release } from "./heap";
import { labelSinks } from "./paint";
import { countSinks, findSeeds, paintSeeds } from "./peaks";
import { removeLarge } from "./remove";

/**
 * Cluster points by the peaks of their histogram.
 *
 * masks    D×H×W u32      out: 1..N in raster order of first pixel
 * points   P×2 | P×3 f32  (y, x) or (z, y, x), pixels
 * indices  P u32          pixel from which each point started, each once
 * p        i32            P
 * d h w    i32            d = 1 for an image: two numbers a point
 * largest  f64            labels of more pixels go
 * returns  i32            N; −1 where a point or index lies outside the image
 *                         or is NaN; −2 where scratch memory is short
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 * Differs: ties between seeds are in raster order.
 */
export function clusterPeaks(
  masks: usize, points: usize, indices: usize, p: i32, d: i32, h: i32, w: i32, largest: f64,
): i32 {
  const n = d * h * w;
  memory.fill(masks, 0, usize(n) << 2);
  const start = mark();
  const sinks = allocate(usize(p) << 2);
  const counts = allocate(usize(n) << 2);
  if (!sinks || !counts) {
    release(start);
    return -2;
  }
  let result = -1;
  if (truncate(sinks, points, p, d, h, w) && areBelow(indices, p, n)) {
    result = paint(masks, counts, sinks, indices, p, d, h, w);
    if (result > 0) result = removeLarge(masks, n, result, Infinity);
    if (result > 0) result = removeLarge(masks, n, result, largest);
  }
  release(start);
  return result;
}

function paint(
  masks: usize, counts: usize, sinks: usize, indices: usize, p: i32, d: i32, h: i32, w: i32,
): i32 {
  const bytes = usize(d) * usize(h) * usize(w) << 2;
  memory.fill(counts, 0, bytes);
  countSinks(counts, sinks, p);
  const seeds = findSeeds(0, counts, d, h, w);
  const list = allocate(usize(seeds) << 3);
  if (!list) return -2;
  findSeeds(list, counts, d, h, w);
  if (paintSeeds(masks, counts, list, d, h, w, seeds) < 0) return -2;
  labelSinks(sinks, masks, p);
  memory.fill(masks, 0, bytes);
  for (let i: usize = 0; i < usize(p); i++) {
    store<u32>(masks + (usize(load<u32>(indices + (i << 2))) << 2), load<u32>(sinks + (i << 2)));
  }
  return seeds;
}

/** Truncated positions as pixel indices; false where one is outside. */
function truncate(sinks: usize, points: usize, p: i32, d: i32, h: i32, w: i32): bool {
  for (let i: usize = 0; i < usize(p); i++) {
    let at: usize = 0;
    if (d > 1) {
      const z = load<f32>(points);
      if (!(z >= 0 && z < f32(d))) return false;
      at = usize(z) * usize(h);
      points += 4;
    }
    const y = load<f32>(points);
    const x = load<f32>(points, 4);
    if (!(y >= 0 && y < f32(h) && x >= 0 && x < f32(w))) return false;
    at = (at + usize(y)) * usize(w) + usize(x);
    store<u32>(sinks + (i << 2), u32(at));
    points += 8;
  }
  return true;
}

function areBelow(indices: usize, p: i32, n: i32): bool {
  for (let i: usize = 0; i < usize(p); i++) {
    if (load<u32>(indices + (i << 2)) >= u32(n)) return false;
  }
  return true;
}
