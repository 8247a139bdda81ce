/**
 * Flows to masks, in one call: what a program in any language needs.
 *
 * The order of the pipeline is written down here: pack, follow, count sinks,
 * seed, grow, paint, drop what is too large, check flows, fill, drop what is
 * too small.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` resize_and_compute_masks.
 */
import { fillHoles } from "./fill_holes";
import { EXACT, highest, lowest } from "./fixed";
import { followNearest } from "./follow_nearest";
import { allocate, mark, release } from "./heap";
import { flowErrors } from "./label_flows";
import { packFlows, packedBytes } from "./pack";
import { labelSinks, paintForeground, scatterFlags } from "./paint";
import { countSinks, findSeeds, paintSeeds } from "./peaks";
import { countForeground, pointsToPixels, startPoints } from "./points";
import { applyTable, NEXT, relabel } from "./relabel";
import { removeLarge, removeSmall } from "./remove";
import { trackPoints } from "./track";

// settings, 4 bytes each
const NITER: usize = 0;
const CELLPROB_THRESHOLD: usize = 4;
const FLOW_THRESHOLD: usize = 8;
const MIN_SIZE: usize = 12;
const MAX_SIZE_FRACTION: usize = 16;
const FLAGS: usize = 20;
// results, 4 bytes each
const FOREGROUND: usize = 24;
const SEEDS: usize = 28;
const TOO_LARGE: usize = 32;
const BAD_FLOW: usize = 36;
const TOO_SMALL: usize = 40;
// u8 array or 0
const SETTLED: usize = 44;

/** Bits of the flags. */
const PARITY: i32 = 1;
const NO_EARLY_STOP: i32 = 2;
const CELLPOSE_COORDINATES: i32 = 4;
const KEEP_HOLES: i32 = 8;
const WITH_SETTLED: i32 = 16;
const NEAREST: i32 = 32;
const LONE_CHECK: i32 = 64;

/**
 * Masks of an image or volume from its flows and cell probabilities.
 *
 * masks    D×H×W u32  out: 0 background, 1..N in raster order of first pixel
 * flows    2×H×W | 3×D×H×W f32   unit scale (a network's 5× divided), finite
 * cellprob D×H×W f32  logit
 * d h w    i32        d = 1 for an image
 * settings 11×4 (flag 16: 12×4) bytes in/out:
 *            0 i32 niter                steps, 200
 *            4 f32 cellprob threshold   foreground is above it, 0
 *            8 f32 flow threshold       drop labels of a larger flow error, 0.4; ≤ 0: no check
 *           12 i32 min size             pixels, 15; ≤ 0: keep all
 *           16 f32 max size fraction    of the image, 0.4
 *           20 i32 flags                1 parity with Cellpose, 2 no early stop,
 *                                       4 Cellpose's coordinates, 8 keep holes,
 *                                       16 the array at 44 is there,
 *                                       32 steps without interpolation (images;
 *                                       not with 16),
 *                                       64 with 1: flows are checked label by
 *                                       label, as Cellpose 3 does
 *           24 i32 out: foreground pixels
 *           28 i32 out: seeds
 *           32 i32 out: labels dropped as too large
 *           36 i32 out: labels dropped by flow error
 *           40 i32 out: labels dropped as too small
 *           44 u32 D×H×W u8, out: 1 on pixels whose path came to rest or
 *                  repeats; read with flag 16 only
 * returns  i32        N, or −2 where memory is short
 *
 * Memory beyond the arrays: at most 16 bytes a pixel (20 a voxel).
 */
export function computeMasks(
  masks: usize, flows: usize, cellprob: usize, d: i32, h: i32, w: i32, settings: usize,
): i32 {
  const start = mark();
  let count = clusterFlows(masks, flows, cellprob, d, h, w, settings);
  release(start);
  if (count > 0) count = checkMasks(masks, flows, d, h, w, count, settings);
  release(start);
  return count;
}

/** Follow the flows and cluster the sinks; labels by seed, then renumbered. */
function clusterFlows(
  masks: usize, flows: usize, cellprob: usize, d: i32, h: i32, w: i32, settings: usize,
): i32 {
  const n = d * h * w;
  const threshold = load<f32>(settings, CELLPROB_THRESHOLD);
  const isPlain = (load<i32>(settings, FLAGS) & CELLPOSE_COORDINATES) == 0;
  const convention = isPlain ? 1 : d == 1 ? 0 : EXACT;
  const p = countForeground(cellprob, n, threshold);
  store<i32>(settings, p, FOREGROUND);
  memory.fill(settings + SEEDS, 0, 16);
  const settledPixels = load<i32>(settings, FLAGS) & WITH_SETTLED ? load<u32>(settings, SETTLED) : 0;
  if (p == 0) {
    memory.fill(masks, 0, usize(n) << 2);
    if (settledPixels) memory.fill(usize(settledPixels), 0, usize(n));
    return 0;
  }

  if (load<i32>(settings, FLAGS) & NEAREST) {
    const sinks = allocate(usize(p) << 2);
    const counts = sinks ? allocate(usize(n) << 2) : 0;
    if (!counts) return -2;
    followNearest(sinks, flows, cellprob, h, w, load<i32>(settings, NITER), threshold);
    return clusterSinks(masks, counts, sinks, cellprob, d, h, w, p, settings);
  }

  // points, which become sinks in place
  const points = allocate(usize(p) * (d == 1 ? 8 : 12));
  const start = mark();
  const settled = settledPixels ? allocate(usize(p)) : 0;
  const packed = points ? allocate(packedBytes(d, h, w)) : 0;
  const window = packed ? allocate(64) : 0;
  if (!window) return -2;
  if (settled) memory.fill(settled, 0, usize(p));
  startPoints(points, cellprob, d == 1 ? 2 : 3, d, h, w, 0, d == 1 ? h : d, convention, threshold);
  packFlows(packed, flows, cellprob, d, h, w, d, h, w, convention, threshold);
  wholeWindow(window, d, h, w, convention);
  const niter = load<i32>(settings, NITER);
  const early = load<i32>(settings, FLAGS) & NO_EARLY_STOP ? 0 : 1;
  const result = trackPoints(
    points, 0, settled, packed, window, p, d, h, w, niter, early, convention,
  );
  if (result < 0) return result;
  if (settledPixels) scatterFlags(usize(settledPixels), settled, cellprob, n, threshold);
  pointsToPixels(points, points, p, d, h, w, convention);
  release(start);

  const counts = allocate(usize(n) << 2);
  if (!counts) return -2;
  const count = clusterSinks(masks, counts, points, cellprob, d, h, w, p, settings);
  return count;
}

/** Sinks to labels of the foreground. */
function clusterSinks(
  masks: usize, counts: usize, sinks: usize, cellprob: usize, d: i32, h: i32, w: i32, p: i32, settings: usize,
): i32 {
  const n = d * h * w;
  memory.fill(counts, 0, usize(n) << 2);
  countSinks(counts, sinks, p);
  const seeds = findSeeds(0, counts, d, h, w);
  store<i32>(settings, seeds, SEEDS);
  const list = allocate(usize(seeds) << 3);
  if (!list) return -2;
  findSeeds(list, counts, d, h, w);
  if (paintSeeds(masks, counts, list, d, h, w, seeds) < 0) return -2;
  labelSinks(sinks, masks, p);
  paintForeground(masks, sinks, cellprob, n, load<f32>(settings, CELLPROB_THRESHOLD));
  return dropLarge(masks, n, seeds, settings);
}

/**
 * Drop labels of more than the largest allowed size; number the others in
 * raster order.
 *
 * masks    n u32      in place, labels 1..count
 * settings 12×4 bytes of `computeMasks`
 * returns  i32        labels left, or −2
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 */
export function dropLarge(masks: usize, n: i32, count: i32, settings: usize): i32 {
  // many seeds win no pixel: they are no labels that were dropped
  const painted = removeLarge(masks, n, count, Infinity);
  if (painted <= 0) return painted;
  const largest = f64(load<f32>(settings, MAX_SIZE_FRACTION)) * f64(n);
  const left = removeLarge(masks, n, painted, largest);
  store<i32>(settings, painted - left, TOO_LARGE);
  return left;
}

/** Measure the flow errors where they count, and clean. */
function checkMasks(
  masks: usize, flows: usize, d: i32, h: i32, w: i32, count: i32, settings: usize,
): i32 {
  let errors: usize = 0;
  if (load<f32>(settings, FLOW_THRESHOLD) > 0) {
    errors = allocate(usize(count) << 3);
    if (!errors) return -2;
    const flags = load<i32>(settings, FLAGS);
    const parity = flags & LONE_CHECK ? 2 : flags & PARITY;
    if (flowErrors(errors, flows, masks, d, h, w, count, 0, parity) < 0) return -2;
  }
  return cleanMasks(masks, errors, d, h, w, count, settings);
}

/**
 * Drop labels of bad flows, fill holes, drop small labels.
 *
 * masks    D×H×W u32  in place, labels 1..count
 * errors   count f64  of `flowErrors`; 0 = no check
 * d h w    i32        d = 1 for an image
 * settings 12×4 bytes of `computeMasks`
 * returns  i32        labels left, or −2
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` compute_masks and `utils.py`
 * fill_holes_and_remove_small_masks.
 */
export function cleanMasks(
  masks: usize, errors: usize, d: i32, h: i32, w: i32, count: i32, settings: usize,
): i32 {
  const n = d * h * w;
  const flags = load<i32>(settings, FLAGS);
  const parity = flags & PARITY;
  if (errors) {
    const kept = removeBadFlow(masks, errors, n, count, load<f32>(settings, FLOW_THRESHOLD));
    if (kept < 0) return kept;
    store<i32>(settings, count - kept, BAD_FLOW);
    count = kept;
  }
  // as the peer does: small labels go before holes are filled, and after
  const minSize = load<i32>(settings, MIN_SIZE);
  const before = count;
  count = removeSmall(masks, n, count, minSize, parity);
  if (count > 0 && !(flags & KEEP_HOLES)) {
    count = fillHoles(masks, d, h, w, count, parity);
    if (count > 0) count = removeSmall(masks, n, count, minSize, parity);
    // filling may have erased labels, which removing small ones would notice
    if (count > 0 && parity && minSize <= 0) count = relabel(masks, n);
  }
  store<i32>(settings, before - count, TOO_SMALL);
  return count;
}

/**
 * Remove the labels whose flow error is above a threshold, and renumber.
 *
 * masks     n u32      in place, labels 1..count
 * errors    count f64  of `flowErrors`
 * threshold f32
 * returns   i32        labels left, or −2
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` remove_bad_flow_masks.
 */
export function removeBadFlow(masks: usize, errors: usize, n: i32, count: i32, threshold: f32): i32 {
  const start = mark();
  const table = allocate(usize(count + 1) << 2);
  if (!table) return -2;
  store<u32>(table, 0);
  for (let k = 0; k < count; k++) {
    const isBad = load<f64>(errors + (usize(k) << 3)) > f64(threshold);
    store<u32>(table + (usize(k + 1) << 2), isBad ? 0 : NEXT);
  }
  const left = applyTable(masks, n, table);
  release(start);
  return left;
}

/**
 * The window of `followFlows` that is a whole image: clamped, never left.
 *
 * window  16 i32   out
 * d h w convention      as in `startPoints`
 */
export function wholeWindow(window: usize, d: i32, h: i32, w: i32, convention: i32): void {
  if (convention == EXACT) {
    store<i32>(window, d);
    store<i32>(window, h, 4);
    store<i32>(window, w, 8);
    store<i32>(window, 0, 12);
    store<i32>(window, i32.MIN_VALUE, 16);
    store<i32>(window, i32.MAX_VALUE, 20);
    return;
  }
  const axes: usize = d == 1 ? 2 : 4;
  const bytes = axes << 2;
  for (let axis: usize = 0; axis < axes; axis++) {
    const k = d == 1 ? axis + 1 : axis;
    const length = k == 0 ? d : k == 1 ? h : k == 2 ? w : 1;
    const at = window + (axis << 2);
    store<i32>(at, k == 3 ? 0 : lowest(length, convention));
    store<i32>(at + bytes, k == 3 ? 0 : highest(length, convention));
    store<i32>(at + 2 * bytes, i32.MIN_VALUE);
    store<i32>(at + 3 * bytes, i32.MAX_VALUE);
  }
}
