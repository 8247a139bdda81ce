/**
 * The center of a label: the pixel from which its heat is diffused.
 */

/**
 * Center of one label: its mean position where that is one of its pixels,
 * else its pixel nearest to the mean.
 *
 * labels  D×H×W u32
 * box     8 i32       of `findBoxes`
 * label   u32         the label in `box`
 * d h w   i32         d = 1 for an image
 * returns             index of the center in the image
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_centers: in 2-D the mean is
 * rounded half to even before it is tested and measured from; in 3-D the
 * distance is to the mean itself and there is no test. Ties: the first in
 * raster order.
 * Differs: nothing.
 */
export function findCenter(labels: usize, box: usize, label: u32, d: i32, h: i32, w: i32): usize {
  const z0 = load<i32>(box, 0), z1 = load<i32>(box, 4);
  const y0 = load<i32>(box, 8), y1 = load<i32>(box, 12);
  const x0 = load<i32>(box, 16), x1 = load<i32>(box, 20);
  let sz: i64 = 0, sy: i64 = 0, sx: i64 = 0;
  for (let z = z0; z < z1; z++) {
    for (let y = y0; y < y1; y++) {
      const row = labels + (usize(z) * usize(h) + usize(y)) * usize(w) * 4;
      for (let x = x0; x < x1; x++) {
        if (load<u32>(row + (usize(x) << 2)) == label) {
          sz += z;
          sy += y;
          sx += x;
        }
      }
    }
  }
  // positions count from the box, in 3-D from 1, and squares are added in the
  // order z, x, y: both decide ties and halves as the peer's rounding does
  const area = f64(load<i32>(box, 24));
  const n = i64(area);
  const first = d == 1 ? 0 : 1;
  const oz = z0 - first, oy = y0 - first, ox = x0 - first;
  let cz = f64(sz - n * oz) / area;
  let cy = f64(sy - n * oy) / area;
  let cx = f64(sx - n * ox) / area;
  if (d == 1) {
    // f64.nearest rounds half to even, as numpy does
    cy = nearest(cy);
    cx = nearest(cx);
    const at = usize(y0 + i32(cy)) * usize(w) + usize(x0 + i32(cx));
    if (load<u32>(labels + (at << 2)) == label) return at;
  }
  let best: f64 = Infinity;
  let found: usize = 0;
  for (let z = z0; z < z1; z++) {
    const dz = f64(z - oz) - cz;
    for (let y = y0; y < y1; y++) {
      const dy = f64(y - oy) - cy;
      const row = (usize(z) * usize(h) + usize(y)) * usize(w);
      for (let x = x0; x < x1; x++) {
        if (load<u32>(labels + ((row + usize(x)) << 2)) != label) continue;
        const dx = f64(x - ox) - cx;
        const distance = dz * dz + dx * dx + dy * dy;
        if (distance < best) {
          best = distance;
          found = row + usize(x);
        }
      }
    }
  }
  return found;
}
