/**
 * Seeds of labels: the peaks of the histogram of sinks.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 */
import { allocate, mark, release } from "./heap";
import { sortKeys } from "./sort";

/** A seed is a pixel in which more than this many points end. */
const SEED_MIN: u32 = 10;
/** A label grows over pixels in which more than this many points end. */
const GROW_MIN: u32 = 2;
/** A seed is the maximum within this distance, on each axis. */
const PEAK_RADIUS: i32 = 2;
/** A label grows by this many pixels at most, on each axis. */
const GROW_RADIUS: i32 = 5;
/** Rows of the window in which a label grows, with one empty row on each side. */
const SPAN: i32 = 2 * GROW_RADIUS + 3;

/**
 * Count the points that end in each pixel.
 *
 * counts  u32     in/out
 * sinks   P u32   pixel in which each point ends
 * p       i32     P
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 */
export function countSinks(counts: usize, sinks: usize, p: i32): void {
  const end = sinks + (usize(p) << 2);
  for (let at = sinks; at < end; at += 4) {
    const count = counts + (usize(load<u32>(at)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/**
 * Find the seeds, ascending by count, ties in raster order.
 *
 * seeds   u64         out: count << 32 | pixel; 0 = only count them
 * counts  D×H×W u32
 * d h w   i32         d = 1 for an image
 * returns i32         number of seeds
 *
 * A seed is the maximum of its 5×5(×5) neighborhood and more than 10; each
 * pixel of a plateau is one.
 *
 * Differs: ties are in raster order, where the peer's sort is unstable.
 */
export function findSeeds(seeds: usize, counts: usize, d: i32, h: i32, w: i32): i32 {
  let found = 0;
  const n = d * h * w;
  const least = i32x4.splat(SEED_MIN);
  for (let i = 0; i < n; i++) {
    // most pixels are no sink at all: look at four at once
    if ((i & 3) == 0) {
      while (i + 4 <= n && !v128.any_true(i32x4.gt_u(v128.load(counts + (usize(i) << 2)), least))) i += 4;
      if (i >= n) break;
    }
    const count = load<u32>(counts + (usize(i) << 2));
    if (count <= SEED_MIN || !isPeak(counts, count, i, d, h, w)) continue;
    if (seeds) store<u64>(seeds + (usize(found) << 3), (u64(count) << 32) | u64(u32(i)));
    found++;
  }
  if (seeds) sortKeys(seeds, found);
  return found;
}

function isPeak(counts: usize, count: u32, i: i32, d: i32, h: i32, w: i32): bool {
  const x = i % w;
  const row = i / w;
  const y = row % h;
  const z = row / h;
  const x0 = max<i32>(x - PEAK_RADIUS, 0), x1 = min<i32>(x + PEAK_RADIUS, w - 1);
  const y0 = max<i32>(y - PEAK_RADIUS, 0), y1 = min<i32>(y + PEAK_RADIUS, h - 1);
  const z0 = max<i32>(z - PEAK_RADIUS, 0), z1 = min<i32>(z + PEAK_RADIUS, d - 1);
  for (let k = z0; k <= z1; k++) {
    for (let j = y0; j <= y1; j++) {
      const from = counts + (((usize(k) * usize(h) + usize(j)) * usize(w)) << 2);
      for (let l = x0; l <= x1; l++) {
        if (load<u32>(from + (usize(l) << 2)) > count) return false;
      }
    }
  }
  return true;
}

/**
 * Grow each seed over its neighborhood and paint it.
 *
 * labels  D×H×W u32   out: 0, or 1 + the seed's place in `seeds`; later seeds win
 * counts  D×H×W u32
 * seeds   u64         of `findSeeds`
 * d h w   i32         d = 1 for an image
 * n       i32         seeds
 * returns i32         0, or −2 where scratch memory is short
 *
 * Five times: dilate by one pixel in all directions within the 11×11(×11)
 * window, and keep the pixels with more than 2 sinks. A row of the window is
 * a bit mask.
 *
 * Differs: nothing.
 */
export function paintSeeds(labels: usize, counts: usize, seeds: usize, d: i32, h: i32, w: i32, n: i32): i32 {
  const start = mark();
  const planes = d == 1 ? 3 : SPAN;
  const bytes = usize(planes * SPAN) << 2;
  const open = allocate(bytes);
  let region = allocate(bytes);
  let next = allocate(bytes);
  if (!open || !region || !next) {
    release(start);
    return -2;
  }
  memory.fill(labels, 0, usize(d) * usize(h) * usize(w) << 2);
  const depth = d == 1 ? 0 : GROW_RADIUS;
  for (let k = 0; k < n; k++) {
    const seed = i32(load<u64>(seeds + (usize(k) << 3)) & 0xffff_ffff);
    const x = seed % w;
    const y = (seed / w) % h;
    const z = seed / w / h;
    readWindow(open, counts, x, y, z, depth, d, h, w);
    memory.fill(region, 0, bytes);
    memory.fill(next, 0, bytes);
    const center = ((depth + 1) * SPAN + GROW_RADIUS + 1) << 2;
    store<u32>(region + usize(center), 1 << GROW_RADIUS);
    for (let t = 0; t < GROW_RADIUS; t++) {
      for (let j = 1; j <= 2 * depth + 1; j++) {
        for (let i = 1; i < SPAN - 1; i++) {
          const at = usize(j * SPAN + i) << 2;
          const near = threeRows(region + at - (SPAN << 2)) | threeRows(region + at) |
            threeRows(region + at + (SPAN << 2));
          store<u32>(next + at, (near | (near << 1) | (near >> 1)) & load<u32>(open + at));
        }
      }
      const last = region;
      region = next;
      next = last;
    }
    for (let j = -depth; j <= depth; j++) {
      for (let i = -GROW_RADIUS; i <= GROW_RADIUS; i++) {
        let bits = load<u32>(region + (usize((j + depth + 1) * SPAN + i + GROW_RADIUS + 1) << 2));
        while (bits) {
          const to = ((z + j) * h + y + i) * w + x + i32(ctz(bits)) - GROW_RADIUS;
          store<u32>(labels + (usize(to) << 2), u32(k + 1));
          bits &= bits - 1;
        }
      }
    }
  }
  release(start);
  return 0;
}

/** Bit masks of the pixels of the window around a seed that a label may grow over. */
function readWindow(open: usize, counts: usize, x: i32, y: i32, z: i32, depth: i32, d: i32, h: i32, w: i32): void {
  memory.fill(open, 0, usize((2 * depth + 3) * SPAN) << 2);
  const x0 = max<i32>(x - GROW_RADIUS, 0), x1 = min<i32>(x + GROW_RADIUS, w - 1);
  const y0 = max<i32>(y - GROW_RADIUS, 0), y1 = min<i32>(y + GROW_RADIUS, h - 1);
  const z0 = max<i32>(z - depth, 0), z1 = min<i32>(z + depth, d - 1);
  for (let k = z0; k <= z1; k++) {
    for (let j = y0; j <= y1; j++) {
      const from = counts + (((usize(k) * usize(h) + usize(j)) * usize(w)) << 2);
      let bits: u32 = 0;
      for (let l = x0; l <= x1; l++) {
        if (load<u32>(from + (usize(l) << 2)) > GROW_MIN) bits |= 1 << (l - x + GROW_RADIUS);
      }
      store<u32>(open + (usize((k - z + depth + 1) * SPAN + j - y + GROW_RADIUS + 1) << 2), bits);
    }
  }
}

// @ts-ignore: decorator
@inline
function threeRows(at: usize): u32 {
  return load<u32>(at - 4) | load<u32>(at) | load<u32>(at + 4);
}
