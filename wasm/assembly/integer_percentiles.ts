import { allocate, mark, release } from "./heap";
import { interpolate } from "./percentiles";

/**
 * Two percentiles of integers of 8 or 16 bits: those of `percentiles`, in one
 * pass.
 *
 * out    2 f32       the value at `low` and at `high`
 * image  u8 | u16    n ≥ 1 values, `step` elements from one to the next
 * wide   i32         1 for u16
 * low    f64         0–100
 * high   f64         0–100
 *
 * Returns 0, or −2. Scratch 1 or 256 KiB.
 *
 * Source: as `percentiles`. Differs: nothing.
 */
export function integerPercentiles(
  out: usize,
  image: usize,
  n: i32,
  step: i32,
  wide: i32,
  low: f64,
  high: f64,
): i32 {
  const start = mark();
  const bytes: usize = wide ? 1 << 18 : 1 << 10;
  const counts = allocate(bytes);
  if (counts == 0) return -2;
  memory.fill(counts, 0, bytes);
  const pitch = usize(step) << usize(wide ? 1 : 0);
  let at = image;
  for (let i = 0; i < n; i++, at += pitch) {
    const value = usize(wide ? u32(load<u16>(at)) : u32(load<u8>(at)));
    const bin = counts + (value << 2);
    store<u32>(bin, load<u32>(bin) + 1);
  }
  const last = f64(n) - 1;
  const lowRank = last * (low / 100);
  const highRank = last * (high / 100);
  store<f32>(out, valueAt(counts, lowRank, n));
  store<f32>(out, valueAt(counts, highRank, n), 4);
  release(start);
  return 0;
}

/** The value at a rank of n counted values. */
function valueAt(counts: usize, rank: f64, n: i32): f32 {
  const whole = i32(floor(rank));
  let value: usize = 0;
  let before = load<i32>(counts);
  while (before <= whole) before += load<i32>(counts + (++value << 2));
  let next = value;
  if (before == whole + 1 && before < n) {
    do next++; while (load<i32>(counts + (next << 2)) == 0);
  }
  return interpolate(f32(value), f32(next), rank);
}
