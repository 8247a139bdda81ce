/**
 * Resize by a triangle filter that grows with the shrinking, so that nothing
 * is skipped; of whole numbers from 0 to 255 to such numbers, or of any.
 *
 * out      c×h2×w2 f32
 * image    c×h×w f32
 * bytes    i32          1: values are rounded to 0 … 255 after each pass, as
 *                       programs that keep bytes do; 0: they are not
 * returns  i32          0, or −2 where memory is short
 *
 * Rows first, then columns. Scratch: c·h·w2 f32, and the weights of one axis.
 *
 * Source: Pillow 11, `Resample.c` (BILINEAR): weights of 22 bits.
 * Differs: nothing with bytes, but that Pillow 13 takes columns first for some
 * images, which changes some values by 1; without bytes weights are f64.
 */
import { allocate, mark, release } from "./heap";

/** Weights are whole numbers of this unit: 2⁻²². */
const UNIT: f64 = 4194304;

export function resampleTriangle(
  out: usize, image: usize, c: i32, h: i32, w: i32, h2: i32, w2: i32, bytes: i32,
): i32 {
  const start = mark();
  const between = allocate((usize(c) * usize(h) * usize(w2)) << 2);
  const most = max(weightsOf(w, w2), weightsOf(h, h2));
  const weights = allocate(usize(most) << 3);
  if (!between || !weights) {
    release(start);
    return -2;
  }
  for (let x = 0; x < w2; x++) {
    const first = fillWeights(weights, x, w, w2, bytes);
    const count = load<i32>(weights);
    const from = image + (usize(first) << 2);
    resampleLine(between + (usize(x) << 2), from, weights + 8, count, 4, c * h, w, w2, bytes);
  }
  const pitch = usize(w2) << 2;
  for (let y = 0; y < h2; y++) {
    const first = fillWeights(weights, y, h, h2, bytes);
    const count = load<i32>(weights);
    for (let k = 0; k < c; k++) {
      const from = between + (usize(k) * usize(h) + usize(first)) * pitch;
      const to = out + (usize(k) * usize(h2) + usize(y)) * pitch;
      resampleLine(to, from, weights + 8, count, pitch, w2, 1, 1, bytes);
    }
  }
  release(start);
  return 0;
}

/** Most entries of `fillWeights`. */
function weightsOf(from: i32, to: i32): i32 {
  return i32(2 * max(f64(from) / f64(to), 1.0)) + 4;
}

/**
 * Weights of one result: their number as i32, then f64; returns the first
 * source they belong to.
 */
function fillWeights(weights: usize, at: i32, from: i32, to: i32, bytes: i32): i32 {
  const scale = f64(from) / f64(to);
  const support = max(scale, 1.0);
  const center = (f64(at) + 0.5) * scale;
  const first = max(i32(center - support + 0.5), 0);
  const end = min(i32(center + support + 0.5), from);
  let sum = 0.0;
  for (let i = first; i < end; i++) {
    const weight = max(0, 1 - abs((f64(i) - center + 0.5) / support));
    store<f64>(weights + (usize(1 + i - first) << 3), weight);
    sum += weight;
  }
  for (let i = first; i < end; i++) {
    const entry = weights + (usize(1 + i - first) << 3);
    const part = load<f64>(entry) / sum;
    store<f64>(entry, bytes ? floor(0.5 + part * UNIT) : part);
  }
  store<i32>(weights, end - first);
  return first;
}

/** One weighted sum for each of `n` lines that lie `pitch` values apart. */
function resampleLine(
  out: usize, image: usize, weights: usize, count: i32, step: usize, n: i32, pitch: i32, outPitch: i32, bytes: i32,
): void {
  for (let line = 0; line < n; line++) {
    let sum = 0.0;
    for (let i = 0; i < count; i++) {
      sum += f64(load<f32>(image + usize(i) * step)) * load<f64>(weights + (usize(i) << 3));
    }
    // sums of whole numbers are exact
    if (bytes) sum = max(0, min(255, floor((sum + UNIT / 2) / UNIT)));
    store<f32>(out, f32(sum));
    image += usize(pitch) << 2;
    out += usize(outPitch) << 2;
  }
}
