/**
 * Axes of the ellipse or ellipsoid with a region's second moments.
 */

/**
 * Axes of an ellipse.
 *
 * out      3 f64  `column` bytes apart: major axis, minor axis, orientation
 *                 (radians from the y axis to the major axis, −π/2 … π/2,
 *                 positive towards +x; −π/4 where the axes are equal)
 * yy xx yx f64    covariances, times `scale`
 *
 * Source: scikit-image 0.26 regionprops (axis_major_length, orientation).
 * Differs: nothing.
 */
export function axes2d(
  out: usize, column: usize, yy: f64, xx: f64, yx: f64, scale: f64,
): void {
  const half = (yy - xx) / 2;
  const mean = (yy + xx) / 2;
  const root = sqrt<f64>(half * half + yx * yx);
  const major = (mean + root) / scale;
  // the smaller root by the product, without cancellation
  const minor = mean + root > 0 ? max<f64>(0, yy * xx - yx * yx) / (mean + root) / scale : 0;
  store<f64>(out, 4 * sqrt<f64>(major));
  store<f64>(out + column, 4 * sqrt<f64>(minor));
  let angle: f64 = yx > 0 ? Math.PI / 4 : -Math.PI / 4;
  if (half != 0) angle = 0.5 * Math.atan2(2 * yx, yy - xx);
  store<f64>(out + 2 * column, angle);
}

/**
 * Axes of an ellipsoid.
 *
 * out      3 f64  `column` bytes apart: major axis, minor (shortest) axis, 0
 * zz … yx  f64    covariances, times `scale`
 *
 * Source: scikit-image 0.26 regionprops (axis_major_length in 3-D); Jacobi's
 *   method (Golub & Van Loan, 8.5).
 * Differs: nothing.
 */
export function axes3d(
  out: usize, column: usize,
  zz: f64, yy: f64, xx: f64, zy: f64, zx: f64, yx: f64, scale: f64,
): void {
  // five sweeps reach rounding for a 3×3 matrix; one is spare
  for (let sweep = 0; sweep < 6; sweep++) {
    if (zy != 0) {
      const t = tangent(zz, yy, zy);
      const c = 1 / sqrt<f64>(t * t + 1);
      zz -= t * zy;
      yy += t * zy;
      zy = 0;
      const a = zx;
      zx = c * (a - t * yx);
      yx = c * (t * a + yx);
    }
    if (zx != 0) {
      const t = tangent(zz, xx, zx);
      const c = 1 / sqrt<f64>(t * t + 1);
      zz -= t * zx;
      xx += t * zx;
      zx = 0;
      const a = zy;
      zy = c * (a - t * yx);
      yx = c * (t * a + yx);
    }
    if (yx != 0) {
      const t = tangent(yy, xx, yx);
      const c = 1 / sqrt<f64>(t * t + 1);
      yy -= t * yx;
      xx += t * yx;
      yx = 0;
      const a = zy;
      zy = c * (a - t * zx);
      zx = c * (t * a + zx);
    }
  }
  const major = max<f64>(max<f64>(zz, yy), xx) / scale;
  const minor = min<f64>(min<f64>(zz, yy), xx) / scale;
  store<f64>(out, sqrt<f64>(20 * max<f64>(0, major)));
  store<f64>(out + column, sqrt<f64>(20 * max<f64>(0, minor)));
  store<f64>(out + 2 * column, 0);
}

/** Tangent of the rotation that makes the off-diagonal value 0. */
function tangent(p: f64, q: f64, off: f64): f64 {
  const tau = (q - p) / (2 * off);
  const t = 1 / (abs<f64>(tau) + sqrt<f64>(1 + tau * tau));
  return tau < 0 ? -t : t;
}
