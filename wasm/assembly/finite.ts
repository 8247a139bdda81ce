/**
 * Find the first value that is not a finite number.
 *
 * values   n f32
 * returns  i32   its index, or −1
 *
 * Source: ours; x − x is 0 for finite x only.
 */
export function findNonFinite(values: usize, n: i32): i32 {
  const zero = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const four = v128.load(values + (usize(i) << 2));
    if (!i32x4.all_true(f32x4.eq(f32x4.sub(four, four), zero))) break;
  }
  for (; i < n; i++) {
    const value = load<f32>(values + (usize(i) << 2));
    if (value - value != 0) return i;
  }
  return -1;
}

/**
 * Find the first NaN; infinite logits are certain, not wrong.
 *
 * values   n f32
 * returns  i32   its index, or −1
 *
 * Source: ours; x = x for all but NaN.
 */
export function findNaN(values: usize, n: i32): i32 {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const four = v128.load(values + (usize(i) << 2));
    if (!i32x4.all_true(f32x4.eq(four, four))) break;
  }
  for (; i < n; i++) {
    const value = load<f32>(values + (usize(i) << 2));
    if (value != value) return i;
  }
  return -1;
}

/**
 * Foreground flags to a cell probability: 1 where a flag is set, else 0.
 *
 * cellprob  n f32   out
 * flags     n u8
 *
 * Source: ours.
 */
export function flagsToCellprob(cellprob: usize, flags: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<f32>(cellprob + (usize(i) << 2), load<u8>(flags + usize(i)) ? 1 : 0);
  }
}
