/**
 * Measures that follow from others, and diameters.
 */

/**
 * Derive measures of shape.
 *
 * out       5×K f64   columns: eccentricity (0 circle … 1 line), extent (area
 *                     by box), diameter, circularity 4π·area/perimeter² (NaN
 *                     without perimeter), solidity (area by convex area)
 * table     14×K f64  of `measureRegions`
 * perimeter K f64
 * convex    K f64
 * k         i32       K
 * volume    i32       1: diameters of spheres; the other measures of an image
 *                     are not written
 *
 * Source: scikit-image 0.26 regionprops (eccentricity, extent,
 *   equivalent_diameter_area, solidity).
 * Differs: rounding.
 */
export function deriveShapes(
  out: usize, table: usize, perimeter: usize, convex: usize, k: i32, volume: i32,
): void {
  const column = usize(k) << 3;
  for (let i: usize = 0; i < column; i += 8) {
    const row = table + i;
    const area = load<f64>(row + column);
    const box = row + 5 * column;
    const boxArea = (load<f64>(box + 3 * column) - load<f64>(box)) *
      (load<f64>(box + 4 * column) - load<f64>(box + column)) *
      (load<f64>(box + 5 * column) - load<f64>(box + 2 * column));
    store<f64>(out + i + column, area / boxArea);
    store<f64>(out + i + 2 * column, diameterOf(area, volume));
    if (volume) continue;
    const major = load<f64>(row + 11 * column);
    const minor = load<f64>(row + 12 * column);
    const ratio = major > 0 ? minor / major : 1;
    store<f64>(out + i, sqrt<f64>(max<f64>(0, 1 - ratio * ratio)));
    const around = load<f64>(perimeter + i);
    const round = around > 0 ? 4 * Math.PI * area / (around * around) : NaN;
    store<f64>(out + i + 3 * column, round);
    store<f64>(out + i + 4 * column, area / load<f64>(convex + i));
  }
}

/**
 * Diameters of the circles, or spheres, of given areas.
 *
 * out     K f64  pixels
 * areas   K u32  pixels or voxels
 * k       i32    K
 * volume  i32    1: spheres
 *
 * Source: ours.
 */
export function diameters(out: usize, areas: usize, k: i32, volume: i32): void {
  for (let i: usize = 0; i < usize(k); i++) {
    store<f64>(out + (i << 3), diameterOf(f64(load<u32>(areas + (i << 2))), volume));
  }
}

/**
 * Mean diameter of two spheres; the median of an even number.
 *
 * a, b     voxels
 * returns  voxels across
 *
 * Source: ours.
 */
export function meanSphere(a: u32, b: u32): f64 {
  return (diameterOf(f64(a), 1) + diameterOf(f64(b), 1)) / 2;
}

/** 2√(area/π), or the cube root of 6·volume/π. */
function diameterOf(area: f64, volume: i32): f64 {
  return volume ? Math.cbrt(6 * area / Math.PI) : 2 * sqrt<f64>(area / Math.PI);
}
