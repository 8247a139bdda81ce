/**
 * A grid over points, kept as the sorted list of its occupied cells: nothing
 * depends on the extent of the image, and cells may be far smaller than a
 * pixel.
 *
 * points  P×axes f32        pixels
 * origin  axes f64          least coordinates
 * keys    cells i64         21 bits an axis: the cell's place in the grid;
 *                           ascending
 * table   2^bits i32        hash of the keys: 1 + cell, 0 free
 * cellOf  P i32             each point's cell
 * order   P i32             points, sorted by cell, then by index
 * starts  (cells + 1) i32   where a cell's points begin in `order`
 * boxes   cells×axes×2 f32  least and greatest coordinate of a cell's points
 *
 * Source: Gan & Tao 2015. Differs: cells are found by sorting, not in an array.
 */
import { sortKeys } from "./sort";

/** Cells an axis may have: three such numbers share a 64-bit key. */
const MAX_CELLS: f64 = 2097144; // 2^21 − 8

/** Least coordinate of each axis; false where the grid cannot hold the span. */
export function measure(origin: usize, points: usize, n: i32, axes: i32, side: f64): bool {
  for (let axis = 0; axis < axes; axis++) {
    let low = f64.MAX_VALUE, high = -f64.MAX_VALUE;
    for (let i = 0; i < n; i++) {
      const value = coordinate(points, i, axis, axes);
      if (!isFinite(value)) return false;
      low = min(low, value);
      high = max(high, value);
    }
    if (!((high - low) / side < MAX_CELLS)) return false;
    store<f64>(origin + (usize(axis) << 3), low);
  }
  return true;
}

/** Find the occupied cells, ascending by key, and each point's; returns how many. */
export function assignCells(
  cellOf: usize, keys: usize, table: usize, bits: i32, origin: usize,
  points: usize, n: i32, axes: i32, side: f64,
): i32 {
  const tableBytes = usize(1) << (bits + 2);
  memory.fill(table, 0, tableBytes);
  let cells = 0;
  for (let i = 0; i < n; i++) {
    const key = cellKey(i, origin, points, axes, side);
    const slot = findSlot(table, bits, keys, key);
    if (load<i32>(slot) != 0) continue;
    store<i64>(keys + (usize(cells) << 3), key);
    store<i32>(slot, ++cells);
  }
  sortKeys(keys, cells);
  memory.fill(table, 0, tableBytes);
  for (let c = 0; c < cells; c++) {
    store<i32>(findSlot(table, bits, keys, load<i64>(keys + (usize(c) << 3))), c + 1);
  }
  for (let i = 0; i < n; i++) {
    const slot = findSlot(table, bits, keys, cellKey(i, origin, points, axes, side));
    store<i32>(cellOf + (usize(i) << 2), load<i32>(slot) - 1);
  }
  return cells;
}

function cellKey(i: i32, origin: usize, points: usize, axes: i32, side: f64): i64 {
  let key: i64 = 0;
  for (let axis = 0; axis < axes; axis++) {
    const from = load<f64>(origin + (usize(axis) << 3));
    // two empty cells before the first, so that neighbours have keys too
    key = (key << 21) | (i64((coordinate(points, i, axis, axes) - from) / side) + 2);
  }
  return key;
}

/** Counting sort; points of a cell stay in the order of their indices. */
export function sortByCell(order: usize, starts: usize, cellOf: usize, cells: i32, n: i32): void {
  memory.fill(starts, 0, (usize(cells) + 1) << 2);
  for (let i = 0; i < n; i++) {
    const slot = starts + ((usize(at(cellOf, i)) + 1) << 2);
    store<i32>(slot, load<i32>(slot) + 1);
  }
  for (let c = 0; c < cells; c++) {
    const slot = starts + ((usize(c) + 1) << 2);
    store<i32>(slot, load<i32>(slot) + at(starts, c));
  }
  // filling from the back leaves every start where it belongs, one too far
  for (let i = n - 1; i >= 0; i--) {
    const slot = starts + ((usize(at(cellOf, i)) + 1) << 2);
    const place = load<i32>(slot) - 1;
    store<i32>(slot, place);
    store<i32>(order + (usize(place) << 2), i);
  }
  memory.copy(starts, starts + 4, usize(cells) << 2);
  store<i32>(starts + (usize(cells) << 2), n);
}

/** Least and greatest coordinates of a cell's points, axis by axis. */
export function boundCells(boxes: usize, points: usize, order: usize, starts: usize, cells: i32, axes: i32): void {
  for (let c = 0; c < cells; c++) {
    for (let axis = 0; axis < axes; axis++) {
      let low = f32.MAX_VALUE, high = -f32.MAX_VALUE;
      for (let k = at(starts, c); k < at(starts, c + 1); k++) {
        const value = f32(coordinate(points, at(order, k), axis, axes));
        low = min(low, value);
        high = max(high, value);
      }
      const box = boxes + ((usize(c) * usize(axes) + usize(axis)) << 3);
      store<f32>(box, low);
      store<f32>(box, high, 4);
    }
  }
}

/**
 * Occupied cells at most two away along every axis, the cell itself not.
 *
 * near     124 i32      out
 * cursors  25 i32       where the last cell's rows began; 0 before the first
 *                       cell, then cells must ascend
 * returns               how many
 *
 * Cells of a row follow one another in `keys`, so each row has a cursor, and
 * all cells' neighbors together cost one walk a row.
 */
export function neighborCells(near: usize, cursors: usize, c: i32, keys: usize, cells: i32, axes: i32): i32 {
  const key = load<i64>(keys + (usize(c) << 3));
  const depth: i64 = axes == 3 ? 2 : 0;
  let count = 0;
  let cursor = cursors;
  for (let z = -depth; z <= depth; z++) {
    for (let y: i64 = -2; y <= 2; y++, cursor += 4) {
      const first = key + (z << 42) + (y << 21) - 2;
      let at = load<i32>(cursor);
      while (at < cells && load<i64>(keys + (usize(at) << 3)) < first) at++;
      store<i32>(cursor, at);
      for (; at < cells && load<i64>(keys + (usize(at) << 3)) <= first + 4; at++) {
        if (at != c) store<i32>(near + (usize(count++) << 2), at);
      }
    }
  }
  return count;
}

/** Squared distance from point i to the box of cell c: least, or greatest. */
export function boxDistance(i: i32, c: i32, points: usize, boxes: usize, axes: i32, isFar: bool): f64 {
  let sum: f64 = 0;
  for (let axis = 0; axis < axes; axis++) {
    const box = boxes + ((usize(c) * usize(axes) + usize(axis)) << 3);
    const value = coordinate(points, i, axis, axes);
    const below = f64(load<f32>(box)) - value;
    const above = value - f64(load<f32>(box, 4));
    const d = isFar ? min(below, above) : max<f64>(max(below, above), 0);
    sum += d * d;
  }
  return sum;
}

export function distance(i: i32, j: i32, points: usize, axes: i32): f64 {
  let sum: f64 = 0;
  for (let axis = 0; axis < axes; axis++) {
    const d = coordinate(points, i, axis, axes) - coordinate(points, j, axis, axes);
    sum += d * d;
  }
  return sum;
}

export function coordinate(points: usize, i: i32, axis: i32, axes: i32): f64 {
  return f64(load<f32>(points + ((usize(i) * usize(axes) + usize(axis)) << 2)));
}

/** Where the table keeps 1 + the cell with this key, or the free slot for it. */
function findSlot(table: usize, bits: i32, keys: usize, key: i64): usize {
  const last = (u32(1) << bits) - 1;
  let slot = u32((u64(key) * 0x9e3779b97f4a7c15) >> u64(64 - bits));
  for (;;) {
    const cell = load<i32>(table + (usize(slot) << 2));
    if (cell == 0 || load<i64>(keys + (usize(cell - 1) << 3)) == key) break;
    slot = (slot + 1) & last;
  }
  return table + (usize(slot) << 2);
}

export function at(array: usize, i: i32): i32 {
  return load<i32>(array + (usize(i) << 2));
}
