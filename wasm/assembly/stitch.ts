/**
 * Stitch the labels of neighboring slices by overlap.
 *
 * Of each pair of slices: pairs of labels with an IoU below the threshold are
 * dropped; a label of the earlier slice keeps its best partners (ties keep
 * several); a label of the later one takes the best of what is left (of equals
 * the smallest id), or a new id.
 */
import { allocate, mark, release } from "./heap";
import { findValue, slotAt, tableCapacity, tableSize } from "./hash";
import { FREE, isPair, pairIoU, slotA, slotB, tabulate } from "./pair_table";
import { maxLabel, rankLabels } from "./relabel";
import { fillRun, runEnd } from "./runs";
import { sortKeys } from "./sort";

/**
 * Give the labels of a stack of slices ids that run through the stack.
 *
 * masks      d×n u32   in place; each slice has labels of its own
 * n          i32       pixels of a slice
 * threshold  f64       IoU, 0 … 1
 * parity     i32       1: Cellpose's ids, which collide after empty slices and
 *                      leave gaps where a slice's labels have gaps
 *
 * returns              with parity 0 the labels out, 1 … N by slice and then by
 *                      old label; with parity 1 zero; −1: ids beyond u32; −2
 *
 * Scratch: a hash table of 32–64 bytes a label and pair of two slices.
 *
 * Source: Cellpose 4.2.1.1 utils.stitch3D. Differs: nothing with parity 1.
 */
export function stitchSlices(
  masks: usize,
  d: i32,
  n: i32,
  threshold: f64,
  parity: i32,
): i32 {
  const plane = usize(n) << 2;
  let greatest = i64(parity ? maxLabel(masks, n) : rankLabels(masks, n));
  let isLinked = false;
  for (let z = 1; z < d && greatest >= 0; z++) {
    const slice = masks + usize(z) * plane;
    const most = i64(maxLabel(slice, n));
    const isEmpty = most == 0 || maxLabel(slice - plane, n) == 0;
    if (parity && isEmpty && !isLinked) {
      // ids stay, and later ones go on from this slice's: the collision
      greatest = most;
      continue;
    }
    if (!isEmpty) isLinked = true;
    if (parity && greatest + most >= 0xffff_ffff) return -1;
    greatest = linkSlice(slice, slice - plane, n, greatest, threshold, parity);
  }
  if (greatest < 0) return -2;
  return parity ? 0 : i32(greatest);
}

/**
 * Give a slice's labels their ids, in place.
 *
 * greatest  i64  greatest id given so far
 *
 * returns        greatest id given now, or −2
 */
function linkSlice(
  slice: usize,
  before: usize,
  n: i32,
  greatest: i64,
  threshold: f64,
  parity: i32,
): i64 {
  const start = mark();
  const table = tabulate(slice, before, n);
  const keys = table == 0 ? 0 : allocate(usize(tableSize(table)) << 3);
  if (keys == 0) {
    release(start);
    return -2;
  }
  findPartners(table, threshold);

  // the slice's labels in order
  let count = 0;
  for (let k: u32 = 0; k < tableCapacity(table); k++) {
    const key = load<u64>(slotAt(table, k));
    if (key == 0 || u32(key) != 0) continue;
    store<u64>(keys + (usize(count++) << 3), key);
  }
  sortKeys(keys, count);

  // their ids, stored in place of their pixel counts
  let linked: i64 = 0;
  let label: i64 = 0;
  for (let k = 0; k < count; k++) {
    const key = load<u64>(keys + (usize(k) << 3));
    const value = findValue(table, key);
    const partner = usize(load<u32>(value, FREE - 8));
    // with parity labels that do not occur take an id too
    label = parity ? i64(key >> 32) : label + 1;
    if (partner != 0) linked++;
    const fresh = greatest + label - linked;
    store<u32>(value, partner != 0 ? load<u32>(partner) : u32(fresh));
  }

  const end = slice + (usize(n) << 2);
  for (let at = slice; at < end;) {
    const to = runEnd(at, end);
    const old = load<u32>(at);
    if (old != 0) {
      fillRun(at, to, load<u32>(findValue(table, u64(old) << 32)));
    }
    at = to;
  }
  release(start);
  return greatest + label - linked;
}

/** Store each slice label's partner, the slot of the pair, in its slot. */
function findPartners(table: usize, threshold: f64): void {
  const capacity = tableCapacity(table);

  // the best pair of each earlier label
  for (let k: u32 = 0; k < capacity; k++) {
    if (!isPair(table, k)) continue;
    const pair = slotAt(table, k);
    const score = pairIoU(table, pair);
    if (score < threshold) continue;
    const slot = slotB(table, pair);
    const best = usize(load<u32>(slot, FREE));
    if (best == 0 || score > pairIoU(table, best)) {
      store<u32>(slot, u32(pair), FREE);
    }
  }

  // of the pairs that equal it, the best of each later label
  for (let k: u32 = 0; k < capacity; k++) {
    if (!isPair(table, k)) continue;
    const pair = slotAt(table, k);
    const score = pairIoU(table, pair);
    const column = usize(load<u32>(slotB(table, pair), FREE));
    if (column == 0 || score < pairIoU(table, column)) continue;
    const slot = slotA(table, pair);
    const best = usize(load<u32>(slot, FREE));
    if (best != 0) {
      const other = pairIoU(table, best);
      if (score < other) continue;
      if (score == other && load<u64>(pair) > load<u64>(best)) continue;
    }
    store<u32>(slot, u32(pair), FREE);
  }
}
