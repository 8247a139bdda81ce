import { allocate, mark, release } from "./heap";
import { sortRecords } from "./radix";

// 2^8 slots of 16 bytes to begin with: key u64, count u32, unused u32
const FIRST_BITS = 8;

/**
 * Count the pixels of every pair of labels that meet: the sparse overlap table.
 *
 * out         7      u32  nTrue, nPred, nPairs, then the addresses of
 *                         iou, pairs, trueCells, predCells
 * truth       N      u32  labels, 0 = background, any value, gaps allowed
 * prediction  N      u32  the same
 * n           N ≥ 0       pixels or voxels in any order
 *
 * Left on the heap, above the caller's mark (the caller releases):
 *
 * iou         M      f64  IoU of the pair, M = nPairs
 * pairs       3×M    u32  true index, predicted index, pixels; by true, then
 *                         predicted index
 * trueCells   2×nTrue u32 label and area, labels ascending; index 0 is always
 *                         the background, with area 0 where there is none
 * predCells   2×nPred u32 the same of the prediction
 *
 * One pass over runs of equal pairs, a hash table of pairs, a radix sort: time
 * is linear in pixels and pairs and does not depend on the largest label.
 * Scratch: at most 200 bytes a pair; 20 bytes a pair and 8 a label stay.
 *
 * returns nPairs, −1 where n is negative, −2 where memory is short
 *
 * Source: the overlap table of cellpose 4.2.1.1 `metrics._label_overlap`.
 * Differs: labels are compacted, so a gap or a huge label costs nothing.
 */
export function overlapTable(
  out: usize, truth: usize, prediction: usize, n: i32,
): i32 {
  if (n < 0) return -1;
  const start = mark();
  const pairs = collect(out, truth, prediction, n);
  const result = pairs < 0 ? pairs : tabulate(out, start, pairs);
  if (result < 0) release(start);
  return result;
}

/** Fill a hash table and leave its address and bits in `out`; returns the number of pairs. */
function collect(out: usize, truth: usize, prediction: usize, n: i32): i32 {
  let used = 0;
  let bits = FIRST_BITS;
  let table = reserveTable(bits);
  if (!table) return -2;

  const size = usize(n) << 2;
  let at: usize = 0;
  while (at < size) {
    const t = load<u32>(truth + at);
    const p = load<u32>(prediction + at);
    const first = at;
    at += 4;

    // the length of the run of this pair, four pixels at a time
    const tt = i32x4.splat(t);
    const pp = i32x4.splat(p);
    while (at + 16 <= size) {
      const same = v128.and(
        i32x4.eq(v128.load(truth + at), tt),
        i32x4.eq(v128.load(prediction + at), pp),
      );
      if (!i32x4.all_true(same)) break;
      at += 16;
    }
    while (at < size && load<u32>(truth + at) == t && load<u32>(prediction + at) == p) {
      at += 4;
    }

    const key = (u64(t) << 32) | u64(p);
    const slot = findSlot(table, bits, key);
    const count = load<u32>(slot, 8);
    store<u64>(slot, key);
    store<u32>(slot, count + u32((at - first) >> 2), 8);

    // at most half full, so that a search is short
    if (count || (++used << 1) <= (1 << bits)) continue;
    const old = table;
    const oldEnd = table + (usize(16) << bits);
    table = reserveTable(++bits);
    if (!table) return -2;
    for (let from = old; from < oldEnd; from += 16) {
      if (!load<u32>(from, 8)) continue;
      v128.store(findSlot(table, bits, load<u64>(from)), v128.load(from));
    }
  }
  store<u32>(out, u32(table));
  store<u32>(out, bits, 4);
  return used;
}

/** Empty slots, 2^bits of them, or 0 where memory is short. */
function reserveTable(bits: i32): usize {
  if (bits > 27) return 0;
  const table = allocate(usize(16) << bits);
  if (table) memory.fill(table, 0, usize(16) << bits);
  return table;
}

/** The slot that holds a key, or the empty one that will. */
function findSlot(table: usize, bits: i32, key: u64): usize {
  // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio
  let i = u32((key * 0x9e3779b97f4a7c15) >> u64(64 - bits));
  const last: u32 = (1 << bits) - 1;
  while (true) {
    const slot = table + (usize(i) << 4);
    if (!load<u32>(slot, 8) || load<u64>(slot) == key) return slot;
    i = (i + 1) & last;
  }
}

/** Sort the pairs, compact the labels, and leave the result at `start`. */
function tabulate(out: usize, start: usize, m: i32): i32 {
  const bytes = usize(m) << 4;
  const records = allocate(bytes);
  const spare = allocate(bytes);
  // T + P ≤ 2·M + 2 labels, 8 bytes each
  const result = allocate((usize(m) * 36) + 64);
  if (!records || !spare || !result) return -2;

  const table = usize(load<u32>(out));
  const tableEnd = table + (usize(16) << load<i32>(out, 4));
  let to = records;
  for (let from = table; from < tableEnd; from += 16) {
    if (!load<u32>(from, 8)) continue;
    v128.store(to, v128.load(from));
    to += 16;
  }
  const byTrue = sortRecords(records, spare, m, 0, 8);
  if (!byTrue) return -2;

  const iou = result;
  const pairs = iou + (usize(m) << 3);
  const trueCells = pairs + usize(m) * 12;
  const nTrue = compact(trueCells, pairs, byTrue, m, 4);

  // by predicted label; the rank of the pair travels along
  for (let k = 0; k < m; k++) store<u32>(byTrue + (usize(k) << 4), k, 12);
  const byPred = sortRecords(byTrue, byTrue == records ? spare : records, m, 0, 4);
  if (!byPred) return -2;
  const predCells = trueCells + (usize(nTrue) << 3);
  const nPred = compact(predCells, pairs, byPred, m, 0);

  for (let k = 0; k < m; k++) {
    const pair = pairs + usize(k) * 12;
    const both = load<u32>(pair, 8);
    const a = load<u32>(trueCells + (usize(load<u32>(pair)) << 3), 4);
    const b = load<u32>(predCells + (usize(load<u32>(pair, 4)) << 3), 4);
    store<f64>(iou + (usize(k) << 3), f64(both) / (f64(a) + f64(b) - f64(both)));
  }

  // give the scratch back: the result moves down to the caller's mark
  const resultBytes = predCells + (usize(nPred) << 3) - result;
  release(start);
  const kept = allocate(resultBytes);
  memory.copy(kept, result, resultBytes);
  store<u32>(out, nTrue);
  store<u32>(out, nPred, 4);
  store<u32>(out, m, 8);
  store<u32>(out, u32(kept), 12);
  store<u32>(out, u32(kept + (pairs - result)), 16);
  store<u32>(out, u32(kept + (trueCells - result)), 20);
  store<u32>(out, u32(kept + (predCells - result)), 24);
  return m;
}

/**
 * List the labels of sorted records, sum their areas, and write each pair's
 * index; `half` = 4 for true, 0 for predicted labels. True labels come first
 * and in the order of `pairs`, predicted ones find their pair by its rank.
 */
function compact(cells: usize, pairs: usize, records: usize, m: i32, half: usize): i32 {
  store<u64>(cells, 0);
  let count = 1;
  for (let k = 0; k < m; k++) {
    const record = records + (usize(k) << 4);
    const label = load<u32>(record + half);
    let cell = cells + (usize(count - 1) << 3);
    if (load<u32>(cell) != label) {
      cell += 8;
      count++;
      store<u32>(cell, label);
      store<u32>(cell, 0, 4);
    }
    const pixels = load<u32>(record, 8);
    store<u32>(cell, load<u32>(cell, 4) + pixels, 4);
    if (half) {
      store<u32>(pairs + usize(k) * 12, count - 1);
      store<u32>(pairs + usize(k) * 12, pixels, 8);
    } else {
      store<u32>(pairs + usize(load<u32>(record, 12)) * 12, count - 1, 4);
    }
  }
  return count;
}
