/**
 * Which share of each mask's paths came to rest: the cheap part of
 * `measureConfidence`.
 */

/** Bytes of one row. */
const ROW: usize = 8;

/**
 * Count each label's pixels and settled paths.
 *
 * out      count×16 bytes   out, in the first half: count×2: f32 share of settled
 *                        paths, 0..1; u32 pixels. All of it holds the counts
 * masks    n u32            labels 1..count
 * cellprob n f32            logit
 * settled  n u8             of `computeMasks`
 * n count  i32
 * threshold f32             paths start above it
 *
 * The share is that of `measureConfidence`: pixels of filled holes have no
 * path. 0 where a mask has no path.
 *
 * Source: ours.
 */
export function measureSettled(
  out: usize, masks: usize, cellprob: usize, settled: usize, n: i32, count: i32, threshold: f32,
): void {
  // per label: pixels, paths, settled paths
  memory.fill(out, 0, usize(count) << 4);
  for (let i: usize = 0; i < usize(n); i++) {
    const label = load<u32>(masks + (i << 2));
    if (!label) continue;
    const sums = out + (usize(label - 1) << 4);
    store<u32>(sums, load<u32>(sums) + 1);
    if (load<f32>(cellprob + (i << 2)) > threshold) {
      store<u32>(sums, load<u32>(sums, 4) + 1, 4);
      if (load<u8>(settled + i)) store<u32>(sums, load<u32>(sums, 8) + 1, 8);
    }
  }
  for (let k: usize = 0; k < usize(count); k++) {
    const sums = out + (k << 4);
    const pixels = load<u32>(sums);
    const paths = load<u32>(sums, 4);
    const share = paths > 0 ? f64(load<u32>(sums, 8)) / f64(paths) : 0;
    const row = out + k * ROW;
    store<f32>(row, f32(share));
    store<u32>(row, pixels, 4);
  }
}
