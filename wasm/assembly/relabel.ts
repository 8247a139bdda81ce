/**
 * Renumber labels: 1 … N in order of first appearance, or in the order of the
 * old labels. Labels may be any u32; 0 is background and stays.
 *
 * All run in one or two passes over the runs of equal labels. Scratch: 4 bytes
 * a label where labels are at most n + 65535, else a hash table of 32–64 bytes
 * a distinct label.
 */
import { allocate, mark, release } from "./heap";
import { createTable, findValue, slotAt, tableCapacity, tableSize } from "./hash";
import { fillRun, runEnd } from "./runs";
import { sortKeys } from "./sort";

/** Table entry of a label that gets the next number when it is first met. */
export const NEXT: u32 = 0xffff_ffff;

/** Labels up to n plus this use a plain table. */
const DENSE: u32 = 0xffff;

/**
 * Replace labels 1 … N in order of first appearance (raster order).
 *
 * masks  n u32   in place
 *
 * returns        N, or −2 without scratch memory
 *
 * Source: fastremap.renumber, as Cellpose 4.2.1.1 uses it.
 * Differs: nothing.
 */
export function relabel(masks: usize, n: i32): i32 {
  const largest = maxLabel(masks, n);
  if (largest > u32(n) + DENSE) return relabelSparse(masks, n);
  const start = mark();
  const table = allocate((usize(largest) + 1) << 2);
  if (table == 0) return -2;
  memory.fill(table, 0xff, (usize(largest) + 1) << 2);
  store<u32>(table, 0);
  const count = applyTable(masks, n, table);
  release(start);
  return count;
}

/**
 * Replace labels by their ranks: 1 … N in the order of the old labels.
 *
 * masks  n u32   in place
 *
 * returns        N, or −2 without scratch memory
 *
 * Source: the order numpy.unique gives. Differs: nothing.
 */
export function rankLabels(masks: usize, n: i32): i32 {
  const largest = maxLabel(masks, n);
  if (largest > u32(n) + DENSE) return rankSparse(masks, n);
  const start = mark();
  const table = allocate((usize(largest) + 1) << 2);
  if (table == 0) return -2;
  countLabels(table, masks, n, largest);
  let count: u32 = 0;
  store<u32>(table, 0);
  for (let k: usize = 1; k <= usize(largest); k++) {
    if (load<u32>(table + (k << 2)) != 0) store<u32>(table + (k << 2), ++count);
  }
  applyTable(masks, n, table);
  release(start);
  return i32(count);
}

/**
 * Replace every label by its table entry.
 *
 * masks  n u32        in place; no label beyond the table
 * table  (K+1) u32    new label; `NEXT`: 1, 2, … when first met (then stored);
 *                     entry 0 is 0
 *
 * returns             how many `NEXT` were numbered
 */
export function applyTable(masks: usize, n: i32, table: usize): i32 {
  return continueTable(masks, n, table, 0);
}

/**
 * Go on with the next part of an image; otherwise as `applyTable`.
 *
 * masks  n u32        in place
 * table  (K+1) u32    as the part before left it
 * count  u32          how many `NEXT` are numbered
 *
 * returns             how many are numbered now
 *
 * Source: ours.
 */
export function continueTable(masks: usize, n: i32, table: usize, count: u32): i32 {
  const end = masks + (usize(n) << 2);
  for (let at = masks; at < end;) {
    const to = runEnd(at, end);
    const label = load<u32>(at);
    const entry = table + (usize(label) << 2);
    let fresh = load<u32>(entry);
    if (fresh == NEXT) store<u32>(entry, fresh = ++count);
    if (fresh != label) fillRun(at, to, fresh);
    at = to;
  }
  return i32(count);
}

/**
 * Count the pixels of each label.
 *
 * counts   (largest+1) u32   out
 * masks    n u32             no label beyond `largest`
 */
export function countLabels(
  counts: usize,
  masks: usize,
  n: i32,
  largest: u32,
): void {
  memory.fill(counts, 0, (usize(largest) + 1) << 2);
  addLabels(counts, masks, n);
}

/**
 * Add the pixels of each label.
 *
 * counts   (K+1) u32   in/out
 * masks    n u32       no label beyond K
 *
 * Source: ours.
 */
export function addLabels(counts: usize, masks: usize, n: i32): void {
  const end = masks + (usize(n) << 2);
  for (let at = masks; at < end;) {
    const to = runEnd(at, end);
    const entry = counts + (usize(load<u32>(at)) << 2);
    store<u32>(entry, load<u32>(entry) + u32((to - at) >> 2));
    at = to;
  }
}

/**
 * Count distinct labels without 0.
 *
 * masks    n u32   any labels
 *
 * returns          N, or −2 without scratch memory
 */
export function countDistinct(masks: usize, n: i32): i32 {
  const start = mark();
  const table = collect(masks, n);
  const count = table == 0 ? -2 : i32(tableSize(table));
  release(start);
  return count;
}

/**
 * Greatest label.
 *
 * masks  n u32
 */
export function maxLabel(masks: usize, n: i32): u32 {
  let four = i32x4.splat(0);
  const body = n & ~3;
  for (let i = 0; i < body; i += 4) {
    four = i32x4.max_u(four, v128.load(masks + (usize(i) << 2)));
  }
  let greatest = max<u32>(
    max<u32>(i32x4.extract_lane(four, 0), i32x4.extract_lane(four, 1)),
    max<u32>(i32x4.extract_lane(four, 2), i32x4.extract_lane(four, 3)),
  );
  for (let i = body; i < n; i++) {
    greatest = max<u32>(greatest, load<u32>(masks + (usize(i) << 2)));
  }
  return greatest;
}

function relabelSparse(masks: usize, n: i32): i32 {
  const start = mark();
  const table = createTable(1024);
  let result = table == 0 ? -2 : 0;
  const end = masks + (usize(n) << 2);
  for (let at = masks; at < end && result >= 0;) {
    const to = runEnd(at, end);
    const label = load<u32>(at);
    if (label != 0) {
      const value = findValue(table, label);
      if (value == 0) {
        result = -2;
        break;
      }
      if (load<u32>(value) == 0) store<u32>(value, u32(++result));
      fillRun(at, to, load<u32>(value));
    }
    at = to;
  }
  release(start);
  return result;
}

function rankSparse(masks: usize, n: i32): i32 {
  const start = mark();
  const result = rankByHash(masks, n);
  release(start);
  return result;
}

/** Hash table with the labels as keys, or 0. */
function collect(masks: usize, n: i32): usize {
  const table = createTable(1024);
  if (table == 0) return 0;
  const end = masks + (usize(n) << 2);
  for (let at = masks; at < end; at = runEnd(at, end)) {
    const label = load<u32>(at);
    if (label != 0 && findValue(table, label) == 0) return 0;
  }
  return table;
}

function rankByHash(masks: usize, n: i32): i32 {
  const table = collect(masks, n);
  if (table == 0) return -2;

  // the keys in order, then their ranks as values
  const count = i32(tableSize(table));
  const keys = allocate(usize(count) << 3);
  if (keys == 0) return -2;
  let filled: usize = 0;
  for (let k: u32 = 0; k < tableCapacity(table); k++) {
    const key = load<u64>(slotAt(table, k));
    if (key != 0) store<u64>(keys + (filled++ << 3), key);
  }
  sortKeys(keys, count);
  for (let k = 0; k < count; k++) {
    const key = load<u64>(keys + (usize(k) << 3));
    store<u32>(findValue(table, key), u32(k + 1));
  }
  const end = masks + (usize(n) << 2);
  for (let at = masks; at < end;) {
    const to = runEnd(at, end);
    const label = load<u32>(at);
    if (label != 0) fillRun(at, to, load<u32>(findValue(table, label)));
    at = to;
  }
  return count;
}

/**
 * Labels as they were before `rankLabels`.
 *
 * ids      K u32   out: label k + 1 was ids[k]
 * labels   n u32   1 … K
 * original n u32   before
 *
 * Source: ours.
 */
export function originalLabels(ids: usize, labels: usize, original: usize, n: i32): void {
  const end = usize(n) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const label = load<u32>(labels + at);
    if (label) store<u32>(ids + (usize(label - 1) << 2), load<u32>(original + at));
  }
}
