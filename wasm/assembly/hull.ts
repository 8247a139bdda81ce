/**
 * Convex areas of regions.
 */
import { allocate, mark, release } from "./heap";
import { groupEnd } from "./label_runs";

/**
 * Measure convex areas: pixels whose centers lie in, or on, the convex hull of
 * the midpoints of the sides of the region's pixels.
 *
 * out    K f64       pixels
 * runs   R×16 bytes  sorted, of `label_runs`, of an image
 * count  i32         R
 *
 * All arithmetic is in whole numbers, of half pixels.
 *
 * returns            0, or −2 without scratch memory
 *
 * Source: scikit-image 0.26 regionprops (area_convex); Andrew 1979, monotone
 *   chain.
 * Differs: one-pixel regions and straight lines have a hull as well.
 */
export function measureConvexAreas(out: usize, runs: usize, count: i32): i32 {
  const start = mark();
  const end = runs + (usize(count) << 4);
  let largest: usize = 0;
  for (let at = runs; at < end;) {
    const to = groupEnd(at, end);
    largest = max(largest, (to - at) >> 4);
    at = to;
  }
  // three points a row and side
  const left = allocate(largest * 48);
  const right = allocate(largest * 48);
  if (left == 0 || right == 0) {
    release(start);
    return -2;
  }
  for (let at = runs; at < end; out += 8) {
    const to = groupEnd(at, end);
    store<f64>(out, f64(convexArea(left, right, at, to)));
    at = to;
  }
  release(start);
  return 0;
}

function convexArea(left: usize, right: usize, runs: usize, end: usize): i64 {
  // chains from top to bottom; the right one with x negated, as a left one
  let leftEnd = left;
  let rightEnd = right;
  for (let at = runs; at < end;) {
    const row = load<u32>(at);
    let from = i64(load<u32>(at, 8));
    let to = i64(load<u32>(at, 12)) - 1;
    do {
      from = min(from, i64(load<u32>(at, 8)));
      to = max(to, i64(load<u32>(at, 12)) - 1);
      at += 16;
    } while (at < end && load<u32>(at) == row);
    const y = 2 * i64(row);
    leftEnd = addPoint(left, leftEnd, y - 1, 2 * from);
    leftEnd = addPoint(left, leftEnd, y, 2 * from - 1);
    leftEnd = addPoint(left, leftEnd, y + 1, 2 * from);
    rightEnd = addPoint(right, rightEnd, y - 1, -2 * to);
    rightEnd = addPoint(right, rightEnd, y, -2 * to - 1);
    rightEnd = addPoint(right, rightEnd, y + 1, -2 * to);
  }

  let area: i64 = 0;
  const last = i64(load<u32>(end - 16));
  for (let y = i64(load<u32>(runs)); y <= last; y++) {
    while (pointY(left + 16) < 2 * y) left += 16;
    while (pointY(right + 16) < 2 * y) right += 16;
    area += 1 - firstIn(right, y) - firstIn(left, y);
  }
  return area;
}

/** Add a point to a chain (y, x of i64); returns the chain's end. */
function addPoint(chain: usize, end: usize, y: i64, x: i64): usize {
  if (end > chain && pointY(end - 16) == y) {
    if (pointX(end - 16) <= x) return end;
    end -= 16;
  }
  // drop points that are not left of the chord to the new one
  while (end >= chain + 32) {
    const y0 = pointY(end - 32);
    const x0 = pointX(end - 32);
    const turn = (pointX(end - 16) - x0) * (y - y0) -
      (x - x0) * (pointY(end - 16) - y0);
    if (turn < 0) break;
    end -= 16;
  }
  store<i64>(end, y);
  store<i64>(end, x, 8);
  return end + 16;
}

/** Least whole x, in pixels, of row y on or right of a chain's side. */
function firstIn(side: usize, y: i64): i64 {
  const y0 = pointY(side);
  const x0 = pointX(side);
  const dy = pointY(side + 16) - y0;
  const above = x0 * dy + (pointX(side + 16) - x0) * (2 * y - y0);
  const by = 2 * dy;
  // division rounds towards 0; round up
  return above / by + i64(above > 0 && above % by != 0);
}

function pointY(at: usize): i64 {
  return load<i64>(at);
}

function pointX(at: usize): i64 {
  return load<i64>(at, 8);
}
