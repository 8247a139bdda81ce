/**
 * Runs of equal labels: the unit all label passes work in, so that their cost
 * follows the number of boundaries rather than the number of pixels.
 *
 * A row record is 16 bytes: start u32, end u32 (columns), label u32, parent u32
 * (index of another record of the same component, or of itself).
 */

/** Bytes of a run record. */
export const RUN_BYTES: usize = 16;

/**
 * Find where the run that begins at a pixel ends.
 *
 * at   u32  address of the pixel; at < end
 * end  u32  address after the last pixel that may belong to the run
 *
 * returns   address of the first pixel with another label, or `end`
 */
export function runEnd(at: usize, end: usize): usize {
  const label = load<u32>(at);
  at += 4;
  if (at == end || load<u32>(at) != label) return at;
  const same = i32x4.splat(label);
  while (end - at >= 32) {
    const a = v128.xor(v128.load(at), same);
    const b = v128.xor(v128.load(at, 16), same);
    if (v128.any_true(v128.or(a, b))) break;
    at += 32;
  }
  while (end - at >= 16) {
    const differs = i32x4.bitmask(i32x4.ne(v128.load(at), same));
    if (differs != 0) return at + (usize(ctz(differs)) << 2);
    at += 16;
  }
  while (at < end && load<u32>(at) == label) at += 4;
  return at;
}

/**
 * Find the first pixel of a label.
 *
 * returns   its address, or `end`
 */
export function findLabel(at: usize, end: usize, label: u32): usize {
  const same = i32x4.splat(label);
  while (end - at >= 16 && !v128.any_true(i32x4.eq(v128.load(at), same))) {
    at += 16;
  }
  while (at < end && load<u32>(at) != label) at += 4;
  return at;
}

/** Write one label into the pixels at `at` … `end`. */
export function fillRun(at: usize, end: usize, label: u32): void {
  const four = i32x4.splat(label);
  while (end - at >= 16) {
    v128.store(at, four);
    at += 16;
  }
  while (at < end) {
    store<u32>(at, label);
    at += 4;
  }
}

/** Index of the record that stands for the component of run `i`. */
export function findRoot(runs: usize, i: u32): u32 {
  let parent = load<u32>(runs + usize(i) * RUN_BYTES, 12);
  while (parent != i) {
    // halve the path, so that later look-ups are short
    const above = load<u32>(runs + usize(parent) * RUN_BYTES, 12);
    store<u32>(runs + usize(i) * RUN_BYTES, above, 12);
    i = above;
    parent = load<u32>(runs + usize(i) * RUN_BYTES, 12);
  }
  return i;
}

/** Join the components of two runs; the earlier root stands for both. */
export function joinRuns(runs: usize, i: u32, j: u32): void {
  i = findRoot(runs, i);
  j = findRoot(runs, j);
  if (i < j) store<u32>(runs + usize(j) * RUN_BYTES, i, 12);
  else store<u32>(runs + usize(i) * RUN_BYTES, j, 12);
}

/**
 * Join the runs of two rows that touch and have the same label.
 *
 * runs     R×16 bytes  records, sorted by column within a row
 * i, iEnd  u32         records of one row
 * j, jEnd  u32         records of the other
 * slack    u32         0: runs touch by a face; 1: by a corner too
 */
export function joinRows(
  runs: usize,
  i: u32,
  iEnd: u32,
  j: u32,
  jEnd: u32,
  slack: u32,
): void {
  while (i < iEnd && j < jEnd) {
    joinTouching(runs, i, j, slack);
    const endA = load<u32>(runs + usize(i) * RUN_BYTES, 4);
    const endB = load<u32>(runs + usize(j) * RUN_BYTES, 4);
    if (endA == endB) {
      // each may touch the other's next run by a corner
      if (i + 1 < iEnd) joinTouching(runs, i + 1, j, slack);
      if (j + 1 < jEnd) joinTouching(runs, i, j + 1, slack);
    }
    if (endA <= endB) i++;
    if (endB <= endA) j++;
  }
}

function joinTouching(runs: usize, i: u32, j: u32, slack: u32): void {
  const a = runs + usize(i) * RUN_BYTES;
  const b = runs + usize(j) * RUN_BYTES;
  if (
    load<u32>(a) < load<u32>(b, 4) + slack &&
    load<u32>(b) < load<u32>(a, 4) + slack &&
    load<u32>(a, 8) == load<u32>(b, 8)
  ) joinRuns(runs, i, j);
}
