/**
 * Average planes: channels to gray, or the outputs of several networks.
 *
 * out     n f32      may be the first plane
 * planes  c×n f32    c ≥ 1
 *
 * Sums in f64, in the planes' order; a mean of one plane is that plane.
 *
 * Source: numpy `mean` over an axis, as cellpose 3.1 makes gray images.
 * Differs: nothing but the order of summing.
 */
export function meanPlanes(out: usize, planes: usize, c: i32, n: i32): void {
  const pitch = usize(n) << 2;
  for (let i = 0; i < n; i++) {
    const at = usize(i) << 2;
    let sum: f64 = 0;
    for (let k = 0; k < c; k++) {
      sum += f64(load<f32>(planes + usize(k) * pitch + at));
    }
    store<f32>(out + at, f32(sum / f64(c)));
  }
}
