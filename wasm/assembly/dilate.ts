/**
 * Dilate a mask with a disc, and Cellpose's version of it that loses pixels.
 *
 * out     h×w  u8   1 where a pixel of the mask is within `radius`, else 0
 * mask    h×w  u8   0 or 1; untouched
 * h, w    ≥ 1       h·w < 2^31
 * radius  ≥ 0       pixels, between pixel centers, inclusive; < 32767
 *
 * Both return 0, or −2 where memory is short.
 *
 * Source: the disc filter of cellpose 4.2.1.1 `metrics.boundary_scores`.
 * Differs: see each.
 */
import { allocate, mark, release } from "./heap";

/** The greatest integer whose square root is at most `radius`, as f64 has it. */
function squareLimit(radius: f64): i32 {
  let limit = i32(radius * radius);
  while (sqrt<f64>(f64(limit)) > radius) limit--;
  while (sqrt<f64>(f64(limit + 1)) <= radius) limit++;
  return limit;
}

/** Half the disc's width `dy` rows from its center: greatest k, k² ≤ limit − dy². */
function halfWidth(limit: i32, dy: i32): i32 {
  const rest = limit - dy * dy;
  let k = i32(sqrt<f64>(f64(rest)));
  while (k * k > rest) k--;
  while ((k + 1) * (k + 1) <= rest) k++;
  return k;
}

/**
 * Dilate, at a cost that does not depend on the radius.
 *
 * Each column's distance to its nearest pixel of the mask, eight columns at a
 * time; then a row's pixel is in the disc of some column iff the reach of the
 * columns left or right of it gets there. Scratch: 2·h·w + 4·radius bytes.
 *
 * Differs: nothing that a mirrored border could add (a pixel's mirror image
 * is never nearer than itself), and no pixel is lost.
 */
export function dilateDisc(out: usize, mask: usize, h: i32, w: i32, radius: f64): i32 {
  const start = mark();
  const limit = squareLimit(radius);
  const reach = i32(sqrt<f64>(f64(limit))); // rows
  const far = reach + 1;
  const rows = allocate((usize(h) * usize(w)) << 1); // u16 distance in the column
  const halves = allocate(usize(far) << 2);
  if (!rows || !halves) {
    release(start);
    return -2;
  }
  for (let dy = 0; dy <= reach; dy++) store<i32>(halves + (usize(dy) << 2), halfWidth(limit, dy));

  const stride = usize(w) << 1;
  for (let x = 0; x < w; x++) {
    store<u16>(rows + (usize(x) << 1), load<u8>(mask + usize(x)) ? 0 : far);
  }
  for (let y = 1; y < h; y++) {
    stepDown(rows + usize(y) * stride, mask + usize(y) * usize(w), w, far);
  }
  for (let y = h - 2; y >= 0; y--) stepUp(rows + usize(y) * stride, w);

  for (let y = 0; y < h; y++) {
    const row = rows + usize(y) * stride;
    const to = out + usize(y) * usize(w);
    let right = -1; // the last pixel that columns from the left reach
    for (let x = 0; x < w; x++) {
      const d = load<u16>(row + (usize(x) << 1));
      if (i32(d) < far) right = max(right, x + load<i32>(halves + (usize(d) << 2)));
      store<u8>(to + usize(x), u8(right >= x));
    }
    let left = w; // and the first that columns from the right reach
    for (let x = w - 1; x >= 0; x--) {
      const d = load<u16>(row + (usize(x) << 1));
      if (i32(d) < far) left = min(left, x - load<i32>(halves + (usize(d) << 2)));
      if (left <= x) store<u8>(to + usize(x), 1);
    }
  }
  release(start);
  return 0;
}

/** Distance to the mask at or above: 0 in the mask, else one more than above. */
function stepDown(row: usize, mask: usize, w: i32, far: i32): void {
  const above = row - (usize(w) << 1);
  const one = i16x8.splat(1);
  const none = i16x8.splat(i16(far));
  const zero = i16x8.splat(0);
  const body = w & ~7;
  for (let x: usize = 0; x < usize(body); x += 8) {
    const d = i16x8.min_u(i16x8.add(v128.load(above + (x << 1)), one), none);
    const isClear = i16x8.eq(v128.load8x8_u(mask + x), zero);
    v128.store(row + (x << 1), v128.and(d, isClear));
  }
  for (let x = usize(body); x < usize(w); x++) {
    const d = min<i32>(i32(load<u16>(above + (x << 1))) + 1, far);
    store<u16>(row + (x << 1), load<u8>(mask + x) ? 0 : d);
  }
}

/** The lesser of that and one more than the distance below. */
function stepUp(row: usize, w: i32): void {
  const below = row + (usize(w) << 1);
  const one = i16x8.splat(1);
  const body = w & ~7;
  for (let x: usize = 0; x < usize(body); x += 8) {
    const d = i16x8.add(v128.load(below + (x << 1)), one);
    v128.store(row + (x << 1), i16x8.min_u(v128.load(row + (x << 1)), d));
  }
  for (let x = usize(body); x < usize(w); x++) {
    const d = i32(load<u16>(below + (x << 1))) + 1;
    store<u16>(row + (x << 1), min<i32>(load<u16>(row + (x << 1)), d));
  }
}

/**
 * Dilate as Cellpose does: count the mask's pixels in the disc, mirrored at
 * the borders, in one byte, and keep pixels whose byte is not 0. Where 256,
 * 512, … pixels are in the disc, the pixel is lost.
 *
 * Sums along rows, then a sum over the disc's rows, 16 pixels at a time: cost
 * h·w·(2·radius + 1). Scratch: h·(w + 2·radius + 3) + 4·radius bytes.
 *
 * Differs: nothing. SciPy convolves into an array of the input's type, bool,
 * and stores a sum by converting it to a byte, which on x86 keeps the low 8
 * bits; the golden scores hold this.
 */
export function dilateDiscWrapped(out: usize, mask: usize, h: i32, w: i32, radius: f64): i32 {
  const start = mark();
  const limit = squareLimit(radius);
  const reach = i32(sqrt<f64>(f64(limit)));
  const stride = usize(w) + usize(reach) * 2 + 1;
  const sums = allocate(usize(h) * stride);
  if (!sums) {
    release(start);
    return -2;
  }
  for (let y = 0; y < h; y++) {
    const from = mask + usize(y) * usize(w);
    const to = sums + usize(y) * stride;
    let sum: u32 = 0;
    store<u8>(to, 0);
    for (let i = 0; i < w + 2 * reach; i++) {
      sum += load<u8>(from + usize(mirror(i - reach, w)));
      store<u8>(to + usize(i) + 1, sum);
    }
  }

  const body = w & ~15;
  const zero = i8x16.splat(0);
  const one = i8x16.splat(1);
  for (let y = 0; y < h; y++) {
    const to = out + usize(y) * usize(w);
    memory.fill(to, 0, usize(w));
    for (let dy = -reach; dy <= reach; dy++) {
      const k = halfWidth(limit, dy);
      const left = sums + usize(mirror(y + dy, h)) * stride + usize(reach - k);
      const right = left + usize(2 * k + 1);
      for (let x: usize = 0; x < usize(body); x += 16) {
        const run = i8x16.sub(v128.load(right + x), v128.load(left + x));
        v128.store(to + x, i8x16.add(v128.load(to + x), run));
      }
      for (let x = usize(body); x < usize(w); x++) {
        store<u8>(to + x, load<u8>(to + x) + load<u8>(right + x) - load<u8>(left + x));
      }
    }
    for (let x: usize = 0; x < usize(body); x += 16) {
      v128.store(to + x, v128.and(one, i8x16.ne(v128.load(to + x), zero)));
    }
    for (let x = usize(body); x < usize(w); x++) {
      store<u8>(to + x, u8(load<u8>(to + x) != 0));
    }
  }
  release(start);
  return 0;
}

/** Index i of a line of n pixels, continued by its mirror images: b a | a b. */
function mirror(i: i32, n: i32): i32 {
  const period = n << 1;
  let at = i % period;
  if (at < 0) at += period;
  return at < n ? at : period - 1 - at;
}

/**
 * Count the pixels set in both masks, in `a` alone and in `b` alone.
 *
 * out   3  u32
 * a, b  N  u8   0 or 1
 * n     N
 *
 * Source: counting; cellpose 4.2.1.1 `metrics.boundary_scores`.
 * Differs: nothing.
 */
export function countShared(out: usize, a: usize, b: usize, n: i32): void {
  let both: u32 = 0;
  let inA: u32 = 0;
  let inB: u32 = 0;
  let i: usize = 0;
  for (; i < usize(n & ~7); i += 8) {
    const aa = load<u64>(a + i);
    const bb = load<u64>(b + i);
    both += u32(popcnt(aa & bb));
    inA += u32(popcnt(aa));
    inB += u32(popcnt(bb));
  }
  for (; i < usize(n); i++) {
    const aa = load<u8>(a + i);
    const bb = load<u8>(b + i);
    both += aa & bb;
    inA += aa;
    inB += bb;
  }
  store<u32>(out, both);
  store<u32>(out, inA - both, 4);
  store<u32>(out, inB - both, 8);
}

/**
 * Mean diameter of two cells, 2√(area/π); the median of an even number.
 *
 * a, b     pixels
 * returns  pixels
 *
 * Source: cellpose 4.2.1.1 `utils.diameters`.
 * Differs: nothing.
 */
export function meanDiameter(a: u32, b: u32): f64 {
  return (sqrt<f64>(f64(a)) + sqrt<f64>(f64(b))) / 2 / (sqrt<f64>(Math.PI) / 2);
}
