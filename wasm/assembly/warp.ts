/**
 * Crops under an affine map: images between pixels, labels at the nearest one,
 * and vectors that turn with them.
 *
 * A pixel (y, x) of the crop lies at
 *
 *   (yy·y + yx·x + y0, xy·y + xx·x + x0)
 *
 * of the image, in pixels whose centers are integers. Outside is 0.
 */

/**
 * Sample an image between its pixels.
 *
 * out    c×h2×w2 f32
 * image  c×h×w f32   neighbors outside count as 0
 *
 * Source: Jaderberg et al. 2015, equation 5. Differs: nothing.
 */
export function warpLinear(
  out: usize,
  image: usize,
  c: i32,
  h: i32,
  w: i32,
  h2: i32,
  w2: i32,
  yy: f64,
  yx: f64,
  y0: f64,
  xy: f64,
  xx: f64,
  x0: f64,
): void {
  const plane = (usize(h) * usize(w)) << 2;
  const plane2 = (usize(h2) * usize(w2)) << 2;
  const row = usize(w) << 2;
  for (let y = 0; y < h2; y++) {
    for (let x = 0; x < w2; x++) {
      const ys = yy * f64(y) + yx * f64(x) + y0;
      const xs = xy * f64(y) + xx * f64(x) + x0;
      const to = out + ((usize(y) * usize(w2) + usize(x)) << 2);
      if (!(ys > -1 && xs > -1 && ys < f64(h) && xs < f64(w))) {
        for (let k = 0; k < c; k++) store<f32>(to + usize(k) * plane2, 0);
        continue;
      }
      const top = i32(Math.floor(ys));
      const left = i32(Math.floor(xs));
      const fy = f32(ys - f64(top));
      const fx = f32(xs - f64(left));
      const at = image + usize(top) * row + (usize(left) << 2);
      if (top >= 0 && left >= 0 && top + 1 < h && left + 1 < w) {
        for (let k = 0; k < c; k++) {
          const from = at + usize(k) * plane;
          const a = mix(load<f32>(from), load<f32>(from, 4), fx);
          const b = mix(load<f32>(from + row), load<f32>(from + row, 4), fx);
          store<f32>(to + usize(k) * plane2, mix(a, b, fy));
        }
        continue;
      }
      for (let k = 0; k < c; k++) {
        const from = image + usize(k) * plane;
        const a = mix(pixel(from, top, left, h, w), pixel(from, top, left + 1, h, w), fx);
        const b = mix(
          pixel(from, top + 1, left, h, w),
          pixel(from, top + 1, left + 1, h, w),
          fx,
        );
        store<f32>(to + usize(k) * plane2, mix(a, b, fy));
      }
    }
  }
}

/** A weight of 0 gives the first value whatever the second is. */
function mix(a: f32, b: f32, f: f32): f32 {
  return f == 0 ? a : a * (1 - f) + b * f;
}

function pixel(plane: usize, y: i32, x: i32, h: i32, w: i32): f32 {
  if (y < 0 || x < 0 || y >= h || x >= w) return 0;
  return load<f32>(plane + ((usize(y) * usize(w) + usize(x)) << 2));
}

/**
 * Sample labels at the nearest pixel.
 *
 * out     h2×w2 u32
 * labels  h×w u32
 *
 * Source: none needed. Differs: nothing.
 */
export function warpNearest(
  out: usize,
  labels: usize,
  h: i32,
  w: i32,
  h2: i32,
  w2: i32,
  yy: f64,
  yx: f64,
  y0: f64,
  xy: f64,
  xx: f64,
  x0: f64,
): void {
  for (let y = 0; y < h2; y++) {
    for (let x = 0; x < w2; x++) {
      const ys = Math.floor(yy * f64(y) + yx * f64(x) + y0 + 0.5);
      const xs = Math.floor(xy * f64(y) + xx * f64(x) + x0 + 0.5);
      let label: u32 = 0;
      if (ys >= 0 && xs >= 0 && ys < f64(h) && xs < f64(w)) {
        label = load<u32>(labels + ((usize(ys) * usize(w) + usize(xs)) << 2));
      }
      store<u32>(out, label);
      out += 4;
    }
  }
}

/**
 * Turn vectors by a matrix, in place: (dY, dX) ← (yy·dY + yx·dX, xy·dY + xx·dX).
 *
 * flows  2×n f32   in place
 *
 * Source: none needed. Differs: nothing.
 */
export function turnFlows(flows: usize, n: i32, yy: f32, yx: f32, xy: f32, xx: f32): void {
  const second = flows + (usize(n) << 2);
  for (let i = 0; i < n; i++) {
    const at = usize(i) << 2;
    const dy = load<f32>(flows + at);
    const dx = load<f32>(second + at);
    store<f32>(flows + at, yy * dy + yx * dx);
    store<f32>(second + at, xy * dy + xx * dx);
  }
}

/**
 * Foreground of a crop: 1 on cells, 0 elsewhere.
 *
 * out     n f32
 * labels  n u32
 *
 * Source: none needed. Differs: nothing.
 */
export function labelForeground(out: usize, labels: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = usize(i) << 2;
    store<f32>(out + at, load<u32>(labels + at) == 0 ? 0 : 1);
  }
}

/**
 * Logits to probabilities, in place: 1 / (1 + exp(−x)).
 *
 * values  n f32   in place
 *
 * Source: none needed. Differs: nothing.
 */
export function logitsToShares(values: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = values + (usize(i) << 2);
    store<f32>(at, f32(1.0 / (1.0 + Math.exp(-f64(load<f32>(at))))));
  }
}
