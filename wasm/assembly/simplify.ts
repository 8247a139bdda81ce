/**
 * Fewer points for rings, within a distance of the traced ones.
 */
import { allocate, mark, release } from "./heap";
import { HEADER_BYTES } from "./list";

/**
 * Simplify all rings of a stream, in place.
 *
 * found      4 u32   of `contours`; its counts and its end are updated
 * tolerance  f64     pixels ≥ 0: no point left out is farther from its chord;
 *                    0 leaves out only points on the straight line
 *
 * Kept are at least the ring's first point, the point farthest from it, and
 * the point farthest from the line through these two.
 *
 * returns            points left in all, or −2 without scratch memory
 *
 * Source: Ramer 1972, Douglas & Peucker 1973, on the three arcs between the
 *   kept points.
 * Differs: nothing.
 */
export function simplifyRings(found: usize, tolerance: f64): i32 {
  const start = mark();
  const rings = load<u32>(found);
  const stream = load<usize>(found, 8);

  // one flag a point, and a stack of arcs, for the largest ring
  let largest: u32 = 0;
  let ring = stream;
  for (let i: u32 = 0; i < rings; i++) {
    const points = load<u32>(ring, 8);
    largest = max(largest, points);
    ring += HEADER_BYTES + (usize(points) << 3);
  }
  const keep = allocate(usize(largest) + 1);
  const stack = allocate((usize(largest) + 4) << 3);
  if (keep == 0 || stack == 0) {
    release(start);
    return -2;
  }

  let total: u32 = 0;
  let to = stream;
  ring = stream;
  for (let i: u32 = 0; i < rings; i++) {
    const points = load<u32>(ring, 8);
    const from = ring + HEADER_BYTES;
    memory.fill(keep, 0, usize(points) + 1);
    markKept(keep, stack, from, i32(points), tolerance * tolerance);
    memory.copy(to, ring, HEADER_BYTES);
    let left: u32 = 0;
    const at = to + HEADER_BYTES;
    for (let k: u32 = 0; k < points; k++) {
      if (!load<u8>(keep + usize(k))) continue;
      store<u64>(at + (usize(left++) << 3), load<u64>(from + (usize(k) << 3)));
    }
    store<u32>(to, left, 8);
    total += left;
    to = at + (usize(left) << 3);
    ring = from + (usize(points) << 3);
  }
  store<u32>(found, total, 4);
  store<usize>(found, to, 12);
  release(start);
  return i32(total);
}

/** Mark the points to keep; index n means point 0 again. */
function markKept(keep: usize, stack: usize, ring: usize, n: i32, limit: f64): void {
  store<u8>(keep, 1);
  const far = farthest(ring, n, 0, n, 0, 0);
  if (far == 0) return; // all points are one
  store<u8>(keep + usize(far), 1);

  // the third corner may lie on either arc
  let third = farthest(ring, n, 0, far, 0, far);
  const after = farthest(ring, n, far, n, 0, far);
  if (distance2(ring, n, after, 0, far) > distance2(ring, n, third, 0, far)) {
    third = after;
  }
  if (distance2(ring, n, third, 0, far) > 0) store<u8>(keep + usize(third), 1);

  let depth = pushArc(stack, 0, 0, min(far, third));
  depth = pushArc(stack, depth, min(far, third), max(far, third));
  depth = pushArc(stack, depth, max(far, third), n);
  while (depth > 0) {
    depth--;
    const a = load<i32>(stack + (depth << 3));
    const b = load<i32>(stack + (depth << 3), 4);
    const c = farthest(ring, n, a, b, a, b);
    if (distance2(ring, n, c, a, b) <= limit) continue;
    store<u8>(keep + usize(c), 1);
    depth = pushArc(stack, depth, a, c);
    depth = pushArc(stack, depth, c, b);
  }
}

function pushArc(stack: usize, depth: usize, a: i32, b: i32): usize {
  store<i32>(stack + (depth << 3), a);
  store<i32>(stack + (depth << 3), b, 4);
  return depth + 1;
}

/** First of the points between a and b farthest from a chord; a if none is. */
function farthest(
  ring: usize, n: i32, a: i32, b: i32, from: i32, to: i32,
): i32 {
  let best = a;
  let most: f64 = 0;
  for (let k = a + 1; k < b; k++) {
    const d = distance2(ring, n, k, from, to);
    if (d > most) {
      most = d;
      best = k;
    }
  }
  return best;
}

/** Squared distance of point k from the segment of points a and b. */
function distance2(ring: usize, n: i32, k: i32, a: i32, b: i32): f64 {
  const y0 = coordinate(ring, n, a, 0);
  const x0 = coordinate(ring, n, a, 4);
  const ey = coordinate(ring, n, b, 0) - y0;
  const ex = coordinate(ring, n, b, 4) - x0;
  const py = coordinate(ring, n, k, 0) - y0;
  const px = coordinate(ring, n, k, 4) - x0;
  const length2 = ey * ey + ex * ex;
  const along = py * ey + px * ex;
  if (length2 == 0 || along <= 0) return py * py + px * px;
  if (along >= length2) {
    return (py - ey) * (py - ey) + (px - ex) * (px - ex);
  }
  const cross = py * ex - px * ey;
  return cross * cross / length2;
}

function coordinate(ring: usize, n: i32, k: i32, axis: usize): f64 {
  return f64(load<i32>(ring + (usize(k == n ? 0 : k) << 3) + axis));
}
