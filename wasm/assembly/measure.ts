/**
 * Measures of regions from their runs: places, moments, axes.
 */
import { axes2d, axes3d } from "./axes";
import { groupEnd } from "./label_runs";

/**
 * Measure each label.
 *
 * out    14×K f64     columns, K values each: label, area, centroid z y x, box
 *                     z0 y0 x0 z1 y1 x1 (ends exclusive), major axis, minor
 *                     axis, orientation (0 in a volume)
 * runs   R×16 bytes   sorted, of `label_runs`
 * count  i32          R
 * k      i32          K labels
 * h      i32          rows of a plane
 * volume i32          1: axes of an ellipsoid, 0: of an ellipse
 *
 * Moments are sums of whole numbers, taken from the region's first pixel, so
 * they are exact for regions less than about 10⁵ pixels across.
 *
 * Source: scikit-image 0.26 regionprops.
 * Differs: rounding.
 */
export function measureRegions(
  out: usize, runs: usize, count: i32, k: i32, h: i32, volume: i32,
): void {
  const column = usize(k) << 3;
  const end = runs + (usize(count) << 4);
  for (let at = runs; at < end; out += 8) {
    const to = groupEnd(at, end);
    measureRegion(out, column, at, to, u32(h), volume);
    at = to;
  }
}

function measureRegion(
  out: usize, column: usize, runs: usize, end: usize, h: u32, volume: i32,
): void {
  const row0 = load<u32>(runs);
  const z0 = row0 / h;
  const y0 = row0 % h;
  const x0 = load<u32>(runs, 8);
  let top = y0, bottom = y0, left = x0, right = x0;
  let n: f64 = 0;
  let sz: f64 = 0, sy: f64 = 0, sx: f64 = 0;
  let szz: f64 = 0, syy: f64 = 0, sxx: f64 = 0;
  let szy: f64 = 0, szx: f64 = 0, syx: f64 = 0;
  for (let at = runs; at < end; at += 16) {
    const row = load<u32>(at);
    const from = load<u32>(at, 8);
    const to = load<u32>(at, 12);
    const v = row % h;
    top = min(top, v);
    bottom = max(bottom, v);
    left = min(left, from);
    right = max(right, to);
    // m pixels around the middle x: Σx = m·x, Σx² = m·x² + m(m² − 1)/12
    const m = f64(to - from);
    const z = f64(row / h - z0);
    const y = f64(v) - f64(y0);
    const twice = f64(from) + f64(to) - 1 - 2 * f64(x0);
    const mx = m * twice / 2;
    n += m;
    sz += m * z;
    sy += m * y;
    sx += mx;
    szz += m * z * z;
    syy += m * y * y;
    sxx += m * (3 * twice * twice + m * m - 1) / 12;
    szy += m * z * y;
    szx += mx * z;
    syx += mx * y;
  }

  store<f64>(out, f64(load<u32>(runs, 4)));
  store<f64>(out + column, n);
  const centroid = out + 2 * column;
  store<f64>(centroid, f64(z0) + sz / n);
  store<f64>(centroid + column, f64(y0) + sy / n);
  store<f64>(centroid + 2 * column, f64(x0) + sx / n);
  const box = out + 5 * column;
  store<f64>(box, f64(z0));
  store<f64>(box + column, f64(top));
  store<f64>(box + 2 * column, f64(left));
  store<f64>(box + 3 * column, f64(load<u32>(end - 16) / h + 1));
  store<f64>(box + 4 * column, f64(bottom + 1));
  store<f64>(box + 5 * column, f64(right));

  // n²·covariance: whole numbers, so that equal moments compare as equal
  const cyy = n * syy - sy * sy;
  const cxx = n * sxx - sx * sx;
  const cyx = n * syx - sy * sx;
  const axes = out + 11 * column;
  if (volume) {
    const czz = n * szz - sz * sz;
    const czy = n * szy - sz * sy;
    const czx = n * szx - sz * sx;
    axes3d(axes, column, czz, cyy, cxx, czy, czx, cyx, n * n);
  } else {
    axes2d(axes, column, cyy, cxx, cyx, n * n);
  }
}
