/**
 * Intensities of regions.
 */
import { groupEnd } from "./label_runs";

/**
 * Measure one channel in each label.
 *
 * out     4×K f64     columns: mean, least, greatest, sum
 * runs    R×16 bytes  sorted, of `label_runs`
 * count   i32         R
 * k       i32         K labels
 * image   rows×w      f32 or f64
 * w       i32         pixels a row
 * wide    i32         1: f64
 *
 * Sums are f64, in raster order. A NaN makes all four of its label NaN.
 *
 * Source: scikit-image 0.26 regionprops (intensity_mean, _min, _max).
 * Differs: order of summation.
 */
export function measureIntensity(
  out: usize, runs: usize, count: i32, k: i32,
  image: usize, w: i32, wide: i32,
): void {
  const column = usize(k) << 3;
  const end = runs + (usize(count) << 4);
  const step: usize = wide ? 8 : 4;
  for (let at = runs; at < end; out += 8) {
    const to = groupEnd(at, end);
    let n: f64 = 0;
    let sum: f64 = 0;
    let least = f64.POSITIVE_INFINITY;
    let greatest = f64.NEGATIVE_INFINITY;
    for (; at < to; at += 16) {
      const from = usize(load<u32>(at, 8));
      const pixels = usize(load<u32>(at, 12)) - from;
      let value = image + (usize(load<u32>(at)) * usize(w) + from) * step;
      for (let i: usize = 0; i < pixels; i++, value += step) {
        const v = wide ? load<f64>(value) : f64(load<f32>(value));
        sum += v;
        least = min<f64>(least, v);
        greatest = max<f64>(greatest, v);
      }
      n += f64(pixels);
    }
    store<f64>(out, sum / n);
    store<f64>(out + column, least);
    store<f64>(out + 2 * column, greatest);
    store<f64>(out + 3 * column, sum);
  }
}
