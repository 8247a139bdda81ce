import { allocate, mark, release } from "./heap";

/** Weights below this share of the largest are left out. */
const SMALLEST: f64 = 1e-9;
/** Reach of a Gaussian beyond twice the image, where it is cut. */
const WIDEST = 1024;
/** Columns of a block: four vectors. */
const LANES = 16;

/**
 * Smooth and sharpen planes by Gaussians, in place.
 *
 * image    planes×h×w f32   in place
 * smooth   f64   σ in pixels, 0 = no smoothing
 * sharpen  f64   σ in pixels of the surround that is subtracted, 0 = none
 * parity   0|1   Cellpose's filter geometry
 *
 * smooth: G_s; both: G_s − G_h; sharpen: 1 − G_h. Separable sums over the
 * Gaussian's support, so memory is two planes, not a complex spectrum of f64;
 * the mean is taken out first, so rounding is relative to the contrast.
 * Returns 0 or −2. Scratch 8·h·w bytes and
 * about 50·max(h, w).
 *
 * Source: cellpose 4.2.1 `smooth_sharpen_img`, `gaussian_kernel`.
 * Differs: by default the Gaussian is centered, its step is one pixel in both
 * axes and edges are mirrored. Cellpose's (parity) has steps of (h+1)/(h−1)
 * and (h+1)/(w−1) pixels, is off center by about one pixel, wraps around the
 * edges, and sharpening sets its central weight to 1 instead of adding 1.
 */
export function smoothSharpen(
  image: usize,
  planes: i32,
  h: i32,
  w: i32,
  smooth: f64,
  sharpen: f64,
  parity: i32,
): i32 {
  const start = mark();
  const n = h * w;
  const stride = (w + LANES - 1) & ~(LANES - 1);
  const taps = 2 * (2 * max(h, w) + WIDEST) + 1; // at most
  const source = allocate(usize(n) << 2);
  const across = allocate((usize(h) * usize(stride)) << 2);
  const weights = allocate(usize(taps + 1) << 2);
  const line = allocate(usize(stride + taps) << 2);
  const rows = allocate(usize(taps) << 2);
  if (!source || !across || !weights || !line || !rows) {
    release(start);
    return -2;
  }
  for (let i = 0; i < planes; i++) {
    memory.copy(source, image, usize(n) << 2);
    const mean = meanOf(source, n);
    let own: f32 = 0; // weight of the pixel itself
    let rest: f32 = 0; // what becomes of the mean
    if (smooth > 0) {
      if (sharpen == 0) rest = mean;
    } else {
      own = 1;
      if (parity) own += f32(centerWeight(h, h, sharpen) * centerWeight(w, h, sharpen));
      rest = mean * (own - 1);
    }
    for (let p = 0; p < n; p++) {
      const at = usize(p) << 2;
      store<f32>(image + at, own == 0 ? 0 : own * (load<f32>(source + at) - mean));
    }
    if (smooth > 0) {
      addGaussian(image, source, h, w, smooth, parity, 1, mean, across, weights, line, rows);
    }
    if (sharpen > 0) {
      addGaussian(image, source, h, w, sharpen, parity, -1, mean, across, weights, line, rows);
    }
    if (rest != 0) {
      for (let p = 0; p < n; p++) {
        const at = image + (usize(p) << 2);
        store<f32>(at, load<f32>(at) + rest);
      }
    }
    image += usize(n) << 2;
  }
  release(start);
  return 0;
}

function meanOf(image: usize, n: i32): f32 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) sum += f64(load<f32>(image + (usize(i) << 2)));
  return f32(sum / f64(n));
}

/** out += sign · (Gaussian of (source − mean)). */
function addGaussian(
  out: usize,
  source: usize,
  h: i32,
  w: i32,
  sigma: f64,
  parity: i32,
  sign: f32,
  mean: f32,
  across: usize,
  weights: usize,
  line: usize,
  rows: usize,
): void {
  const stride = (w + LANES - 1) & ~(LANES - 1);

  // along each row, from a line that is continued past both edges
  let first = gaussianWeights(weights, w, h, sigma, parity);
  let taps = load<i32>(weights);
  for (let y = 0; y < h; y++) {
    const from = source + ((usize(y) * usize(w)) << 2);
    for (let x = 0; x < stride + taps; x++) {
      const column = usize(inside(x + first, w, parity)) << 2;
      store<f32>(line + (usize(x) << 2), load<f32>(from + column) - mean);
    }
    for (let x = 0; x < stride; x += LANES) {
      const base = line + (usize(x) << 2);
      const to = across + ((usize(y) * usize(stride) + usize(x)) << 2);
      let a = f32x4.splat(0), b = a, c = a, d = a;
      for (let k = 0; k < taps; k++) {
        const weight = v128.load32_splat(weights + (usize(k) << 2), 4);
        const at = base + (usize(k) << 2);
        a = f32x4.add(a, f32x4.mul(weight, v128.load(at)));
        b = f32x4.add(b, f32x4.mul(weight, v128.load(at, 16)));
        c = f32x4.add(c, f32x4.mul(weight, v128.load(at, 32)));
        d = f32x4.add(d, f32x4.mul(weight, v128.load(at, 48)));
      }
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
      v128.store(to, d, 48);
    }
  }

  // along the columns, sixteen at a time
  first = gaussianWeights(weights, h, h, sigma, parity);
  taps = load<i32>(weights);
  for (let y = 0; y < h; y++) {
    for (let k = 0; k < taps; k++) {
      const row = usize(inside(y + k + first, h, parity));
      store<usize>(rows + (usize(k) << 2), across + ((row * usize(stride)) << 2));
    }
    for (let x = 0; x < stride; x += LANES) {
      let a = f32x4.splat(0), b = a, c = a, d = a;
      for (let k = 0; k < taps; k++) {
        const weight = v128.load32_splat(weights + (usize(k) << 2), 4);
        const at = load<usize>(rows + (usize(k) << 2)) + (usize(x) << 2);
        a = f32x4.add(a, f32x4.mul(weight, v128.load(at)));
        b = f32x4.add(b, f32x4.mul(weight, v128.load(at, 16)));
        c = f32x4.add(c, f32x4.mul(weight, v128.load(at, 32)));
        d = f32x4.add(d, f32x4.mul(weight, v128.load(at, 48)));
      }
      const to = line + (usize(x) << 2);
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
      v128.store(to, d, 48);
    }
    const to = out + ((usize(y) * usize(w)) << 2);
    for (let x = 0; x < w; x++) {
      const at = usize(x) << 2;
      store<f32>(to + at, load<f32>(to + at) + sign * load<f32>(line + at));
    }
  }
}

/** Position of an index past an edge: wrapped (parity) or mirrored. */
function inside(i: i32, length: i32, wraps: i32): i32 {
  const period = wraps ? length : 2 * length;
  i %= period;
  if (i < 0) i += period;
  return i < length ? i : period - 1 - i;
}

/**
 * Write the number of weights and, 4 bytes on, the normalized weights.
 * Returns the offset of the first from a pixel.
 */
function gaussianWeights(
  out: usize,
  length: i32,
  h: i32,
  sigma: f64,
  parity: i32,
): i32 {
  // positions of the samples: offset + k·step, k < count
  let count = length;
  let offset = -f64(h) / 2;
  let step = gridStep(length, h);
  if (!parity) {
    const reach = i32(min(ceil(5 * sigma), f64(2 * length + WIDEST)));
    count = 2 * reach + 1;
    offset = -f64(reach);
    step = 1;
  }
  const least = leastSquare(offset, step, count);
  let sum: f64 = 0;
  let from = count;
  let to = 0;
  for (let k = 0; k < count; k++) {
    const weight = gaussianAt(offset + f64(k) * step, sigma, least);
    sum += weight;
    if (weight >= SMALLEST) {
      from = min(from, k);
      to = k + 1;
    }
  }
  for (let k = from; k < to; k++) {
    const weight = gaussianAt(offset + f64(k) * step, sigma, least) / sum;
    store<f32>(out + (usize(k - from) << 2), f32(weight), 4);
  }
  store<i32>(out, to - from);
  return from - (parity ? length / 2 : (count - 1) / 2);
}

/** Parity's normalized weight of the sample at length/2. */
function centerWeight(length: i32, h: i32, sigma: f64): f64 {
  const offset = -f64(h) / 2;
  const step = gridStep(length, h);
  const least = leastSquare(offset, step, length);
  let sum: f64 = 0;
  for (let k = 0; k < length; k++) {
    sum += gaussianAt(offset + f64(k) * step, sigma, least);
  }
  return gaussianAt(offset + f64(length / 2) * step, sigma, least) / sum;
}

/** Step of Cellpose's grid: from −h/2 to h/2 + 1 in both axes. */
function gridStep(length: i32, h: i32): f64 {
  return length > 1 ? f64(h + 1) / f64(length - 1) : 0;
}

/** The largest weight becomes 1, so that no small σ makes all of them 0. */
function leastSquare(offset: f64, step: f64, count: i32): f64 {
  let least = f64.MAX_VALUE;
  for (let k = 0; k < count; k++) {
    const u = offset + f64(k) * step;
    least = min(least, u * u);
  }
  return least;
}

function gaussianAt(u: f64, sigma: f64, least: f64): f64 {
  return Math.exp(-(u * u - least) / (2 * sigma * sigma));
}
