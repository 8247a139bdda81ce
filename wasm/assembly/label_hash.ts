/**
 * Number sparse labels 0, 1, 2, … in the order of their first pixel: label ids
 * may be huge, so nothing is allocated by the greatest one.
 *
 * labels  N u32        0 = background
 * table   2^bits u32   hash of the labels: 1 + number, 0 free
 * keys    runs u32     label of each number
 */

/** Runs of one label in memory order: an upper bound of the labels. */
export function countRuns(labels: usize, n: i32): i32 {
  let runs = 0;
  let last: u32 = 0;
  for (let i = 0; i < n; i++) {
    const label = load<u32>(labels + (usize(i) << 2));
    runs += i32(label != last && label != 0);
    last = label;
  }
  return runs;
}

/** Size of the table for this many labels, as a power of two. */
export function hashBits(labels: i32): i32 {
  let bits = 1;
  while ((i64(1) << bits) < i64(labels) * 2) bits++;
  return bits;
}

/** Number every label; the table must be cleared. Returns how many there are. */
export function numberLabels(
  keys: usize, table: usize, labels: usize, bits: i32, n: i32,
): i32 {
  let count = 0;
  let last: u32 = 0;
  for (let i = 0; i < n; i++) {
    const label = load<u32>(labels + (usize(i) << 2));
    if (label == last || label == 0) continue;
    last = label;
    const slot = findSlot(table, bits, keys, label);
    if (load<u32>(slot) != 0) continue;
    store<u32>(keys + (usize(count) << 2), label);
    store<u32>(slot, ++count);
  }
  return count;
}

/** Number of a label that `numberLabels` has seen. */
export function findNumber(table: usize, bits: i32, keys: usize, label: u32): i32 {
  return load<i32>(findSlot(table, bits, keys, label)) - 1;
}

function findSlot(table: usize, bits: i32, keys: usize, label: u32): usize {
  const last = (u32(1) << bits) - 1;
  let slot = (label * 0x9e3779b1) >> (32 - bits);
  for (;;) {
    const number = load<u32>(table + (usize(slot) << 2));
    if (number == 0 || load<u32>(keys + (usize(number - 1) << 2)) == label) break;
    slot = (slot + 1) & last;
  }
  return table + (usize(slot) << 2);
}
