/**
 * Where an image has detail that a network takes for cells.
 *
 *   lengths of the gradient, clipped image  ·  (0.1 + probability)
 *     → sums over blocks
 *
 * out     gh×gw f32  gh = ⌊rows / block⌋, gw = ⌊columns / block⌋
 * image   c×h×w f32  normalized; values are clipped to 0 … 1.5
 * logits  h×w f32    of the cell probability
 *
 * Only the first `rows` and `columns` count: what lies beyond is padding, whose
 * edge is no detail. Sums in f64, channel by channel, row by row.
 *
 * Source: nothing but the formula above.
 */
export function measureDetail(
  out: usize,
  image: usize,
  logits: usize,
  c: i32,
  h: i32,
  w: i32,
  rows: i32,
  columns: i32,
  block: i32,
): void {
  const gh = rows / block;
  const gw = columns / block;
  const pitch = usize(w) << 2;
  for (let by = 0; by < gh; by++) {
    for (let bx = 0; bx < gw; bx++) {
      let sum: f64 = 0;
      for (let k = 0; k < c; k++) {
        for (let y = by * block; y < (by + 1) * block; y++) {
          // the last row and column have no next one
          if (y + 1 >= rows) continue;
          for (let x = bx * block; x < (bx + 1) * block; x++) {
            if (x + 1 >= columns) continue;
            const at = ((usize(y) * usize(w)) + usize(x)) << 2;
            const p = image + usize(k) * usize(h) * pitch + at;
            const here = clip(load<f32>(p));
            const dy = clip(load<f32>(p + pitch)) - here;
            const dx = clip(load<f32>(p + 4)) - here;
            const chance = 1 / (1 + Math.exp(-f64(load<f32>(logits + at))));
            sum += Math.sqrt(dy * dy + dx * dx) * (0.1 + chance);
          }
        }
      }
      store<f32>(out + ((usize(by) * usize(gw) + usize(bx)) << 2), f32(sum));
    }
  }
}

function clip(value: f32): f64 {
  return Math.min(Math.max(f64(value), 0), 1.5);
}
