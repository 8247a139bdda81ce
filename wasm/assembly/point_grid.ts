/**
 * A grid over points, kept as the sorted list of its occupied cells: nothing
 * depends on the extent of the image, and cells may be far smaller than a
 * pixel.
 *
 * points  P×axes f32        pixels
 * origin  axes f64          least coordinates
 * keys    cells i64         21 bits an axis: the cell's place in the grid
 * table   2^bits i32        hash of the keys: 1 + cell, 0 free
 * cellOf  P i32             each point's cell
 * order   P i32             points, sorted by cell, then by index
 * starts  (cells + 1) i32   where a cell's points begin in `order`
 * boxes   cells×axes×2 f32  least and greatest coordinate of a cell's points
 */

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

export function assignCells(
  cellOf: usize, keys: usize, table: usize, bits: i32, origin: usize,
  points: usize, n: i32, axes: i32, side: f64,
): i32 {
  let cells = 0;
  for (let i = 0; i < n; i++) {
    let key: i64 = 0;
    for (let axis = 0; axis < axes; axis++) {
      const from = load<f64>(origin + (usize(axis) << 3));
      // two empty cells before the first, so that neighbours have keys too
      key = (key << 21) | (i64((coordinate(points, i, axis, axes) - from) / side) + 2);
    }
    const slot = findSlot(table, bits, keys, key);
    if (load<i32>(slot) == 0) {
      store<i64>(keys + (usize(cells) << 3), key);
      store<i32>(slot, ++cells);
    }
    store<i32>(cellOf + (usize(i) << 2), load<i32>(slot) - 1);
  }
  return cells;
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

/** Occupied cells at most two away along every axis, the cell itself not. */
export function neighborCells(near: usize, c: i32, table: usize, bits: i32, keys: usize, axes: i32): i32 {
  const key = load<i64>(keys + (usize(c) << 3));
  const depth: i64 = axes == 3 ? 2 : 0;
  let count = 0;
  for (let z = -depth; z <= depth; z++) {
    for (let y: i64 = -2; y <= 2; y++) {
      for (let x: i64 = -2; x <= 2; x++) {
        if ((z | y | x) == 0) continue;
        const slot = findSlot(table, bits, keys, key + (z << 42) + (y << 21) + x);
        const cell = load<i32>(slot);
        if (cell > 0) store<i32>(near + (usize(count++) << 2), cell - 1);
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
