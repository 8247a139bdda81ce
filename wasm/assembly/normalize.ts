/**
 * Steps of the normalization of a channel; the host decides which.
 */

/**
 * Rescale values in place: low becomes 0, high becomes 1.
 *
 * image   n f32   in place
 * invert  0 or 1  then x becomes 1 − x
 *
 * Not clipped. Body and tail do the same operations in the same order.
 *
 * Source: cellpose 4.2.1 `normalize99`, `normalize_img`.
 * Differs: nothing.
 */
export function rescale(
  image: usize,
  n: i32,
  low: f32,
  high: f32,
  invert: i32,
): void {
  const range = high - low;
  const body = n & ~3;
  for (let i = 0; i < body; i += 4) {
    const at = image + (usize(i) << 2);
    let value = f32x4.sub(v128.load(at), f32x4.splat(low));
    value = f32x4.div(value, f32x4.splat(range));
    if (invert) value = f32x4.sub(f32x4.splat(1), value);
    v128.store(at, value);
  }
  for (let i = body; i < n; i++) {
    const at = image + (usize(i) << 2);
    const value = (load<f32>(at) - low) / range;
    store<f32>(at, invert ? 1 - value : value);
  }
}

/**
 * Whether values have no positive range: all equal, or one is NaN.
 *
 * image   n f32   n ≥ 1
 *
 * Source: cellpose 4.2.1 `normalize_img` (its test is max − min > 0).
 * Differs: nothing.
 */
export function isConstant(image: usize, n: i32): i32 {
  const first = load<f32>(image);
  let differs = 0;
  for (let i = 0; i < n; i++) {
    const value = load<f32>(image + (usize(i) << 2));
    if (value != value) return 1;
    differs |= i32(value != first);
  }
  return i32(!differs);
}

/**
 * Replace NaN and ±Inf by the smallest finite value (0 where none is), in
 * place.
 *
 * image   n f32   in place
 *
 * Returns how many were replaced.
 *
 * Source: none; a defined answer for broken pixels.
 * Differs: cellpose lets them into the network.
 */
export function replaceNonFinite(image: usize, n: i32): i32 {
  let smallest = f32.MAX_VALUE;
  let count = 0;
  for (let i = 0; i < n; i++) {
    const value = load<f32>(image + (usize(i) << 2));
    if (isFinite(value)) smallest = min(smallest, value);
    else count++;
  }
  if (count == 0) return 0;
  if (count == n) smallest = 0;
  for (let i = 0; i < n; i++) {
    const at = image + (usize(i) << 2);
    if (!isFinite(load<f32>(at))) store<f32>(at, smallest);
  }
  return count;
}

/**
 * Smallest finite value, that of earlier parts included.
 *
 * image     n f32
 * smallest  f32     of earlier parts; the greatest f32 at first
 *
 * Source: ours.
 */
export function smallestFinite(image: usize, n: i32, smallest: f32): f32 {
  for (let i = 0; i < n; i++) {
    const value = load<f32>(image + (usize(i) << 2));
    if (isFinite(value)) smallest = min(smallest, value);
  }
  return smallest;
}

/**
 * Replace NaN and ±Inf by a value, in place.
 *
 * image   n f32   in place
 *
 * Returns how many were replaced.
 *
 * Source: ours; `replaceNonFinite` for an image in parts.
 */
export function replaceNonFiniteBy(image: usize, n: i32, value: f32): i32 {
  let count = 0;
  for (let i = 0; i < n; i++) {
    const at = image + (usize(i) << 2);
    if (isFinite(load<f32>(at))) continue;
    store<f32>(at, value);
    count++;
  }
  return count;
}
