/**
 * Paint masks from points clustered by density: DBSCAN, exactly.
 *
 * masks    H×W | D×H×W u32   out; 0 where no point starts, and noise
 * points   P×axes f32        where pixels came to rest, pixels
 * indices  P u32             the pixel each point started from, ascending
 * pixels                     H·W or D·H·W
 * n                          P
 * axes                       2 or 3
 * eps                        a neighbour is at most this far away, pixels
 * minSamples                 a core point has this many neighbours, itself
 *                            among them
 * returns                    clusters; −1 for a point that is not finite, a
 *                            span of 2^21 grid cells or more, or indices that
 *                            do not ascend below `pixels`
 *
 * Scratch: about 40 bytes a point and up to 36 (3-D: 44) an occupied cell of
 * the grid.
 *
 * The grid's cells are so small that all points of one are neighbours: a cell
 * of minSamples points is core as a whole, whatever their number, and a
 * cluster is a union of cells. Points near enough to be neighbours lie at most
 * two cells apart. Boxes around the points of a cell spare most distances, so
 * that many coincident points cost no more than few. The cost is linear in P
 * unless dense cells face each other at just more than eps.
 *
 * A border point in reach of several clusters joins the one whose first core
 * point comes first, as in scikit-learn. Labels are then numbered by their
 * first pixel.
 *
 * Source: Ester et al. 1996 (DBSCAN); Gan & Tao 2015 (the grid).
 * Differs: nothing; `dbscan.reference.test.ts` compares all pairs.
 */
import { allocate, mark, release } from "./heap";
import {
  assignCells, at, boundCells, boxDistance, distance, measure, neighborCells, sortByCell,
} from "./point_grid";

/** Slightly too small a side, so that rounding cannot part neighbours. */
const SHRINK: f64 = 1 - 1e-6;

export function dbscan(
  masks: usize, points: usize, indices: usize,
  pixels: i32, n: i32, axes: i32, eps: f64, minSamples: i32,
): i32 {
  memory.fill(masks, 0, usize(pixels) << 2);
  if (n == 0) return 0;
  if (!ascends(indices, n, pixels)) return -1;
  const start = mark();
  const result = cluster(masks, points, indices, n, axes, eps, minSamples);
  release(start);
  return result;
}

function cluster(
  masks: usize, points: usize, indices: usize,
  n: i32, axes: i32, eps: f64, minSamples: i32,
): i32 {
  const side = (eps * SHRINK) / sqrt<f64>(axes);
  const origin = allocate(24);
  if (origin == 0) return -2;
  if (!measure(origin, points, n, axes, side)) return -1;

  // sort the points into the occupied cells of the grid
  let bits = 1;
  while ((i64(1) << bits) < i64(n) * 2) bits++;
  const table = allocate(usize(1) << (bits + 2));
  const keys = allocate(usize(n) << 3);
  const cellOf = allocate(usize(n) << 2);
  const order = allocate(usize(n) << 2);
  const core = allocate(usize(n));
  if (!table || !keys || !cellOf || !order || !core) return -2;
  const cells = assignCells(cellOf, keys, table, bits, origin, points, n, axes, side);

  const starts = allocate((usize(cells) + 1) << 2);
  const boxes = allocate(usize(cells) * (usize(axes) << 3));
  const parent = allocate(usize(cells) << 2);
  const rank = allocate(usize(cells) << 2);
  const near = allocate(125 << 2);
  const cursors = allocate(25 << 2);
  if (!starts || !boxes || !parent || !rank || !near || !cursors) return -2;
  sortByCell(order, starts, cellOf, cells, n);
  boundCells(boxes, points, order, starts, cells, axes);

  // core points, and the cells that hold any
  memory.fill(cursors, 0, 25 << 2);
  const reach = eps * eps;
  for (let c = 0; c < cells; c++) {
    const from = at(starts, c), to = at(starts, c + 1);
    store<i32>(parent + (usize(c) << 2), c);
    const isDense = to - from >= minSamples;
    const count = isDense ? 0 : neighborCells(near, cursors, c, keys, cells, axes);
    let cores = 0;
    for (let k = from; k < to; k++) {
      const i = at(order, k);
      const isCore = isDense ||
        hasEnough(i, near, count, to - from, points, order, starts, boxes, axes, reach, minSamples);
      store<u8>(core + i, u8(isCore));
      cores += i32(isCore);
    }
    store<i32>(rank + (usize(c) << 2), cores > 0 ? 0 : -1);
  }

  // join cells with core points in reach of each other
  memory.fill(cursors, 0, 25 << 2);
  for (let c = 0; c < cells; c++) {
    if (at(rank, c) < 0) continue;
    const count = neighborCells(near, cursors, c, keys, cells, axes);
    for (let k = 0; k < count; k++) {
      const other = at(near, k);
      if (other <= c || at(rank, other) < 0) continue;
      const a = root(parent, c), b = root(parent, other);
      if (a != b && areLinked(c, other, points, order, starts, boxes, core, axes, reach)) {
        store<i32>(parent + (usize(max(a, b)) << 2), min(a, b));
      }
    }
  }

  // clusters in the order of their first core point
  let clusters = 0;
  for (let i = 0; i < n; i++) {
    if (!load<u8>(core + i)) continue;
    const slot = rank + (usize(root(parent, at(cellOf, i))) << 2);
    if (load<i32>(slot) == 0) store<i32>(slot, ++clusters);
    store<i32>(masks + (usize(at(indices, i)) << 2), load<i32>(slot));
  }

  // border points join the first cluster that reaches them
  memory.fill(cursors, 0, 25 << 2);
  for (let c = 0; c < cells; c++) {
    let count = -1;
    for (let k = at(starts, c); k < at(starts, c + 1); k++) {
      const i = at(order, k);
      if (load<u8>(core + i)) continue;
      if (count < 0) count = neighborCells(near, cursors, c, keys, cells, axes);
      let first = at(rank, c) < 0 ? 0 : at(rank, root(parent, c));
      for (let m = 0; m < count; m++) {
        const other = at(near, m);
        if (at(rank, other) < 0) continue;
        const label = at(rank, root(parent, other));
        if (first > 0 && label >= first) continue;
        if (reaches(i, other, points, order, starts, boxes, core, axes, reach)) first = label;
      }
      store<i32>(masks + (usize(at(indices, i)) << 2), first);
    }
  }

  // number by first pixel; `cellOf` has room for every cluster
  memory.fill(cellOf, 0, usize(n) << 2);
  let count = 0;
  for (let i = 0; i < n; i++) {
    const pixel = masks + (usize(at(indices, i)) << 2);
    const label = load<i32>(pixel);
    if (label == 0) continue;
    const slot = cellOf + (usize(label - 1) << 2);
    if (load<i32>(slot) == 0) store<i32>(slot, ++count);
    store<i32>(pixel, load<i32>(slot));
  }
  return count;
}

function ascends(indices: usize, n: i32, pixels: i32): bool {
  let last: i64 = -1;
  for (let i = 0; i < n; i++) {
    const index = i64(load<u32>(indices + (usize(i) << 2)));
    if (index <= last) return false;
    last = index;
  }
  return last < i64(pixels);
}

function hasEnough(
  i: i32, near: usize, count: i32, own: i32,
  points: usize, order: usize, starts: usize, boxes: usize,
  axes: i32, reach: f64, minSamples: i32,
): bool {
  let found = own;
  for (let k = 0; k < count && found < minSamples; k++) {
    const c = at(near, k);
    if (boxDistance(i, c, points, boxes, axes, false) > reach) continue;
    const from = at(starts, c), to = at(starts, c + 1);
    if (boxDistance(i, c, points, boxes, axes, true) <= reach) {
      found += to - from;
      continue;
    }
    for (let m = from; m < to && found < minSamples; m++) {
      found += i32(distance(i, at(order, m), points, axes) <= reach);
    }
  }
  return found >= minSamples;
}

/** Does a core point of cell c lie within reach of point i? */
function reaches(
  i: i32, c: i32, points: usize, order: usize, starts: usize, boxes: usize,
  core: usize, axes: i32, reach: f64,
): bool {
  if (boxDistance(i, c, points, boxes, axes, false) > reach) return false;
  for (let m = at(starts, c); m < at(starts, c + 1); m++) {
    const j = at(order, m);
    if (load<u8>(core + j) && distance(i, j, points, axes) <= reach) return true;
  }
  return false;
}

function areLinked(
  a: i32, b: i32, points: usize, order: usize, starts: usize, boxes: usize,
  core: usize, axes: i32, reach: f64,
): bool {
  for (let k = at(starts, a); k < at(starts, a + 1); k++) {
    const i = at(order, k);
    if (load<u8>(core + i) && reaches(i, b, points, order, starts, boxes, core, axes, reach)) return true;
  }
  return false;
}

function root(parent: usize, c: i32): i32 {
  let up = at(parent, c);
  while (up != c) {
    // halve the path on the way
    const higher = at(parent, up);
    store<i32>(parent + (usize(c) << 2), higher);
    c = higher;
    up = at(parent, c);
  }
  return c;
}
