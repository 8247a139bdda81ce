/**
 * Follow flows, by the kernel that fits the dimensions and the convention.
 */
import { EXACT } from "./fixed";
import { followFlows } from "./follow";
import { followFlows3d } from "./follow3d";
import { followFlows3dExact } from "./follow3d_exact";

/**
 * Advance points through packed flows.
 *
 * points left settled packed window n h w niter early   as in `followFlows`,
 *                     `followFlows3d` or `followFlows3dExact`
 * d        i32        1 for an image
 * convention i32      of `fixed.ts`
 * returns  i32        0, or −2 where scratch memory is short
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` steps_interp.
 */
export function trackPoints(
  points: usize, left: usize, settled: usize, packed: usize, window: usize,
  n: i32, d: i32, h: i32, w: i32, niter: i32, early: i32, convention: i32,
): i32 {
  if (d == 1) return followFlows(points, left, settled, packed, window, n, w, niter, early);
  if (convention == EXACT) {
    return followFlows3dExact(points, left, settled, packed, window, n, h, w, niter, early);
  }
  return followFlows3d(points, left, settled, packed, window, n, h, w, niter, early);
}
