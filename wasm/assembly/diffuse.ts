/**
 * Diffuse heat from the center of one label of an image through its pixels.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` _extend_centers_gpu.
 * Differs: nothing in exact arithmetic; the nine terms are summed in another
 * order and multiplied by 1/9 instead of divided by 9.
 */

/** Columns of zeros left of the box; two, so that pairs of columns align. */
const PAD: i32 = 2;

/** Row length, in f64, of the heat of a box `w` pixels wide. */
export function heatStride(w: i32): i32 {
  return ((w + 1) & ~1) + 2 * PAD;
}

/** Bytes of one heat plane of a box of h×w pixels (one row of zeros above and below). */
export function heatBytes(h: i32, w: i32): usize {
  return usize(h + 2) * usize(heatStride(w)) * 8;
}

/** Scratch of `diffuse` for a box of h×w pixels: two planes, weights, column spans. */
export function diffuseScratchBytes(h: i32, w: i32): u64 {
  const stride = u64(heatStride(w));
  return u64(h + 2) * stride * 24 + stride * 4;
}

/**
 * Diffuse heat through one label.
 *
 * scratch  bytes        `diffuseScratchBytes(h, w)`, 16-byte aligned
 * labels   u32          first pixel of the label's box
 * stride   i32          pixels from one row of `labels` to the next
 * h w      i32          size of the box
 * label    u32
 * cy cx    i32          center, within the box
 * steps    i32          iterations
 * returns               address in `scratch` of the heat of the box's first
 *                       pixel: f64, rows `heatStride(w)` apart, 0 outside the label
 */
export function diffuse(
  scratch: usize, labels: usize, stride: i32, h: i32, w: i32, label: u32, cy: i32, cx: i32, steps: i32,
): usize {
  const rowBytes = usize(heatStride(w)) << 3;
  const planeBytes = heatBytes(h, w);
  let now = scratch;
  let next = scratch + planeBytes;
  const weights = next + planeBytes;
  const spans = weights + planeBytes;
  memory.fill(scratch, 0, planeBytes * 3);

  // 1/9 on the label, 0 elsewhere; the rows that each pair of columns spans
  const pairs = (w + 1) >> 1;
  for (let i = 0; i < pairs; i++) {
    store<i32>(spans + (usize(i) << 3), h, 0);
    store<i32>(spans + (usize(i) << 3), 0, 4);
  }
  const first = rowBytes + (PAD << 3);
  for (let y = 0; y < h; y++) {
    const from = labels + ((usize(y) * usize(stride)) << 2);
    const to = weights + first + usize(y) * rowBytes;
    for (let x = 0; x < w; x++) {
      if (load<u32>(from + (usize(x) << 2)) != label) continue;
      store<f64>(to + (usize(x) << 3), 1.0 / 9.0);
      const span = spans + (usize(x >> 1) << 3);
      if (y < load<i32>(span, 0)) store<i32>(span, y, 0);
      store<i32>(span, y + 1, 4);
    }
  }

  const center = first + usize(cy) * rowBytes + (usize(cx) << 3);
  for (let t = 0; t < steps; t++) {
    store<f64>(now + center, load<f64>(now + center) + 1.0);
    for (let i = 0; i < pairs; i++) {
      const span = spans + (usize(i) << 3);
      const y0 = load<i32>(span, 0);
      const y1 = load<i32>(span, 4);
      const start = first + usize(y0) * rowBytes + (usize(i) << 4);
      let at = now + start;
      // sums of three neighbors in the row above, this row, the row below
      let above = sum3(at - rowBytes);
      let here = sum3(at);
      const end = now + first + usize(y1) * rowBytes + (usize(i) << 4);
      const toNext = next - now;
      const toWeight = weights - now;
      while (at < end) {
        const below = sum3(at + rowBytes);
        const sum = f64x2.add(f64x2.add(above, here), below);
        v128.store(at + toNext, f64x2.mul(sum, v128.load(at + toWeight)));
        above = here;
        here = below;
        at += rowBytes;
      }
    }
    const last = now;
    now = next;
    next = last;
  }
  return now + first;
}

// @ts-ignore: decorator
@inline
function sum3(at: usize): v128 {
  return f64x2.add(f64x2.add(v128.load(at - 8), v128.load(at + 8)), v128.load(at));
}
