import { allocate, mark, release } from "./heap";
import { slotAt, tableCapacity, tableSize } from "./hash";
import { isPair, pairContainment, pairIoU, tabulate } from "./pair_table";
import { sortKeys } from "./sort";

/**
 * Find which labels of two blocks are the same cell, from what both say about
 * the pixels they share.
 *
 * a, b       n u32   in: labels; out: the pairs to join, ascending
 * threshold  f64     0 … 1
 * measure    i32     0: IoU; 1: intersection over the smaller label
 *
 * returns            pairs, or −2
 *
 * Scratch: a hash table of 32–64 bytes a label and pair.
 *
 * Source: own; both areas are those within the overlap. Differs: —
 */
export function matchOverlap(
  a: usize,
  b: usize,
  n: i32,
  threshold: f64,
  measure: i32,
): i32 {
  const start = mark();
  const table = tabulate(a, b, n);
  const keys = table == 0 ? 0 : allocate(usize(tableSize(table)) << 3);
  if (table == 0 || keys == 0) {
    release(start);
    return -2;
  }
  let count = 0;
  for (let k: u32 = 0; k < tableCapacity(table); k++) {
    if (!isPair(table, k)) continue;
    const pair = slotAt(table, k);
    const score = measure
      ? pairContainment(table, pair)
      : pairIoU(table, pair);
    if (score < threshold) continue;
    store<u64>(keys + (usize(count++) << 3), load<u64>(pair));
  }
  sortKeys(keys, count);

  // every pair has a pixel of its own, so they fit where the labels were
  for (let k: usize = 0; k < usize(count); k++) {
    const key = load<u64>(keys + (k << 3));
    store<u32>(a + (k << 2), u32(key >> 32));
    store<u32>(b + (k << 2), u32(key));
  }
  release(start);
  return count;
}
