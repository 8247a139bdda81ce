/**
 * Sparse table of how the labels of two label images overlap.
 *
 * A table (`hash`) with three kinds of keys, a label being ≥ 1:
 * a<<32 | b   pixels that have both labels
 * a<<32       pixels of label a
 * b           pixels of label b
 * The last four bytes of a slot are free for who reads the table.
 */
import { createTable, findValue, slotAt } from "./hash";
import { runEnd } from "./runs";

/** Offset of a slot's free bytes. */
export const FREE: usize = 12;

/**
 * Count the overlaps, run by run.
 *
 * a, b     n u32   labels
 *
 * returns          the table, or 0 without memory
 */
export function tabulate(a: usize, b: usize, n: i32): usize {
  const table = createTable(1024);
  if (table == 0) return 0;
  const endA = a + (usize(n) << 2);
  const endB = b + (usize(n) << 2);
  let toA = a;
  let toB = b;
  while (a < endA) {
    if (toA == a) toA = runEnd(a, endA);
    if (toB == b) toB = runEnd(b, endB);
    const bytes = min(toA - a, toB - b);
    const keyA = u64(load<u32>(a)) << 32;
    const keyB = u64(load<u32>(b));
    const pixels = u32(bytes >> 2);
    if (keyA != 0 && !add(table, keyA, pixels)) return 0;
    if (keyB != 0 && !add(table, keyB, pixels)) return 0;
    if (keyA != 0 && keyB != 0 && !add(table, keyA | keyB, pixels)) return 0;
    a += bytes;
    b += bytes;
  }
  return table;
}

/** True where slot k counts a pair of labels. */
export function isPair(table: usize, k: u32): bool {
  const key = load<u64>(slotAt(table, k));
  return key >> 32 != 0 && u32(key) != 0;
}

/** Slot that counts label a of a pair. */
export function slotA(table: usize, pair: usize): usize {
  return findValue(table, load<u64>(pair) >> 32 << 32) - 8;
}

/** Slot that counts label b of a pair. */
export function slotB(table: usize, pair: usize): usize {
  return findValue(table, u64(u32(load<u64>(pair)))) - 8;
}

/** Intersection over union of a pair. */
export function pairIoU(table: usize, pair: usize): f64 {
  const both = load<u32>(pair, 8);
  const either = load<u32>(slotA(table, pair), 8) +
    load<u32>(slotB(table, pair), 8) - both;
  return f64(both) / f64(either);
}

/** Intersection over the smaller of the two labels. */
export function pairContainment(table: usize, pair: usize): f64 {
  const smaller = min(
    load<u32>(slotA(table, pair), 8),
    load<u32>(slotB(table, pair), 8),
  );
  return f64(load<u32>(pair, 8)) / f64(smaller);
}

function add(table: usize, key: u64, pixels: u32): bool {
  const value = findValue(table, key);
  if (value == 0) return false;
  store<u32>(value, load<u32>(value) + pixels);
  return true;
}
