/**
 * What tracking a slab of a larger image needs beside `follow.ts`: points move
 * from slab to slab with their positions and the steps they have left.
 */
import { EXACT, FRACTION_BITS, highest, lowest, ONE } from "./fixed";
import { planeOf } from "./follow3d_exact";

/**
 * Longest step along the first axis, in pixels.
 *
 * packed  n×c f32   of `packFlows`
 * n       i32       pixels, the border included
 * c       i32       components, 2 or 3
 * whole   i32       rows (planes) of the whole image
 * convention i32    of `fixed.ts`
 * returns f32
 *
 * Source: ours.
 */
export function longestStep(packed: usize, n: i32, c: i32, whole: i32, convention: i32): f32 {
  let longest: f32 = 0;
  const end = packed + (usize(n) * usize(c) << 2);
  for (let at = packed; at < end; at += usize(c) << 2) {
    longest = max<f32>(longest, abs<f32>(load<f32>(at)));
  }
  return convention == EXACT ? longest * f32(whole) * 0.5 : longest / f32(ONE);
}

/**
 * Move the origin of points along the first axis.
 *
 * points  P×c i32   in place; f32 positions count over the whole and stay
 * n c     i32       points, numbers a point
 * by      i32       rows (planes) added
 * convention i32    of `fixed.ts`
 *
 * Source: ours.
 */
export function shiftPoints(points: usize, n: i32, c: i32, by: i32, convention: i32): void {
  if (convention == EXACT) return;
  const end = points + (usize(n) * usize(c) << 2);
  for (let at = points; at < end; at += usize(c) << 2) {
    store<i32>(at, load<i32>(at) + by * ONE);
  }
}

/**
 * Collect the points that left a slab before their last step.
 *
 * ids     u32       out: numbers of the points; 0 = only count them
 * away    c i32     out: their positions
 * rest    i32       out: their steps to go
 * rows    i32       out: the row (plane) of the whole image each is in
 * points  P×c i32
 * left    P i32     of `followFlows`
 * n c     i32       points, numbers a point
 * whole   i32       rows (planes) of the whole image
 * convention i32    of `fixed.ts`
 * returns i32       how many
 *
 * Source: ours.
 */
export function collectAway(
  ids: usize, away: usize, rest: usize, rows: usize, points: usize, left: usize, n: i32, c: i32, whole: i32,
  convention: i32,
): i32 {
  let found = 0;
  const bytes = usize(c) << 2;
  for (let i = 0; i < n; i++) {
    const steps = load<i32>(left + (usize(i) << 2));
    if (steps == 0) continue;
    if (ids) {
      store<u32>(ids + (usize(found) << 2), u32(i));
      store<i32>(rest + (usize(found) << 2), steps);
      const at = points + usize(i) * bytes;
      const row = convention == EXACT
        ? planeOf(load<f32>(at), f32(whole))
        : (load<i32>(at) >> FRACTION_BITS) - 1;
      store<i32>(rows + (usize(found) << 2), min<i32>(max<i32>(row, 0), whole - 1));
      memory.copy(away + usize(found) * bytes, points + usize(i) * bytes, bytes);
    }
    found++;
  }
  return found;
}

/**
 * The window of `followFlows` for a slab: clamped at the edges of the whole
 * image, left where the packed flows end less one step.
 *
 * window  16 i32    in: of `wholeWindow` for the slab; out
 * axes    i32       2 or 4, numbers a position in `window`
 * from    i32       row (plane) of the whole image where the slab starts
 * rows    i32       rows (planes) of the slab
 * whole   i32       rows (planes) of the whole image
 * step    f32       pixels, of `longestStep`
 * convention i32    of `fixed.ts`
 *
 * Source: ours.
 */
export function slabWindow(window: usize, axes: i32, from: i32, rows: i32, whole: i32, step: f32, convention: i32): void {
  const margin = i32(ceil(step));
  if (convention == EXACT) {
    store<i32>(window, whole);
    store<i32>(window, from, 12);
    if (from > 0) store<i32>(window, from + margin, 16);
    if (from + rows < whole) store<i32>(window, from + rows - 2 - margin, 20);
    return;
  }
  const bytes = usize(axes) << 2;
  store<i32>(window, lowest(whole, convention) - from * ONE);
  store<i32>(window + bytes, highest(whole, convention) - from * ONE);
  if (from > 0) store<i32>(window + 2 * bytes, (1 + margin) * ONE);
  if (from + rows < whole) store<i32>(window + 3 * bytes, (rows - margin) * ONE - 1);
}
