import { allocate, mark, release } from "./heap";

const BINS: usize = 2048;

/**
 * Two percentiles of a strided block of f32, by linear interpolation.
 *
 * out    2 f32       the value at `low` and at `high`
 * image  d×h×w f32   at element strides sd, sh, sw; d·h·w ≥ 1
 * low    f64         0–100
 * high   f64         0–100
 *
 * Returns 0, 1 where a value is NaN (both results are NaN then), or −2.
 * Scratch 16 KiB. O(n): three counting passes over the ordered bits of the
 * values (11, 11 and 10 bits), both percentiles at once; a fourth where the
 * next larger value lies in no counted bin.
 *
 * Source: Hyndman & Fan 1996, method 7; numpy 2.4.6 `percentile`: the rank
 * (n−1)·q/100 in f64, the interpolation in f32 from the nearer neighbor.
 * Differs: a whole rank next to an infinite value gives its value, not NaN.
 * Some earlier numpy 2 rounded the rank to f32.
 */
export function percentiles(
  out: usize,
  image: usize,
  d: i32,
  h: i32,
  w: i32,
  sd: i32,
  sh: i32,
  sw: i32,
  low: f64,
  high: f64,
): i32 {
  const start = mark();
  const counts = allocate(BINS << 3);
  if (counts == 0) return -2;
  const highCounts = counts + (BINS << 2);
  const last = f64(d) * f64(h) * f64(w) - 1;
  const lowRank = last * (low / 100);
  const highRank = last * (high / 100);
  let lowLeft = i32(floor(lowRank));
  let highLeft = i32(floor(highRank));

  // the highest 11 bits: one histogram serves both
  memory.fill(counts, 0, BINS << 3);
  if (countAll(counts, image, d, h, w, sd, sh, sw) > 0) {
    store<f32>(out, f32.NaN);
    store<f32>(out, f32.NaN, 4);
    release(start);
    return 1;
  }
  let lowKey = findBin(counts, lowLeft);
  lowLeft -= countBefore(counts, lowKey);
  let highKey = findBin(counts, highLeft);
  highLeft -= countBefore(counts, highKey);

  // the middle 11 bits of the values that share the highest
  memory.fill(counts, 0, BINS << 3);
  countWithin(counts, image, d, h, w, sd, sh, sw, lowKey, highKey, 21, 10, 2047);
  let digit = findBin(counts, lowLeft);
  lowLeft -= countBefore(counts, digit);
  lowKey = (lowKey << 11) | digit;
  digit = findBin(highCounts, highLeft);
  highLeft -= countBefore(highCounts, digit);
  highKey = (highKey << 11) | digit;

  // the lowest 10 bits
  memory.fill(counts, 0, BINS << 3);
  countWithin(counts, image, d, h, w, sd, sh, sw, lowKey, highKey, 10, 0, 1023);
  digit = findBin(counts, lowLeft);
  lowLeft -= countBefore(counts, digit);
  const lowNext = nextDigit(counts, digit, lowLeft);
  lowKey = (lowKey << 10) | digit;
  digit = findBin(highCounts, highLeft);
  highLeft -= countBefore(highCounts, digit);
  const highNext = nextDigit(highCounts, digit, highLeft);
  highKey = (highKey << 10) | digit;

  let lowNextKey = (lowKey & ~1023) | u32(lowNext);
  let highNextKey = (highKey & ~1023) | u32(highNext);
  if (lowNext < 0) lowNextKey = keyAbove(image, d, h, w, sd, sh, sw, lowKey);
  if (highNext < 0) {
    highNextKey = keyAbove(image, d, h, w, sd, sh, sw, highKey);
  }
  store<f32>(out, interpolate(valueOf(lowKey), valueOf(lowNextKey), lowRank));
  store<f32>(out, interpolate(valueOf(highKey), valueOf(highNextKey), highRank), 4);
  release(start);
  return 0;
}

/** Bits of a float as an integer of the same order. */
function orderedKey(at: usize): u32 {
  const bits = load<u32>(at);
  return bits ^ (u32(i32(bits) >> 31) | 0x8000_0000);
}

function valueOf(key: u32): f32 {
  return reinterpret<f32>(key & 0x8000_0000 ? key ^ 0x8000_0000 : ~key);
}

/** Histogram of the highest 11 bits; returns the number of NaN. */
function countAll(
  counts: usize,
  image: usize,
  d: i32,
  h: i32,
  w: i32,
  sd: i32,
  sh: i32,
  sw: i32,
): i32 {
  let nans = 0;
  const step = usize(sw) << 2;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      let at = image + ((usize(z) * usize(sd) + usize(y) * usize(sh)) << 2);
      for (let x = 0; x < w; x++, at += step) {
        const value = load<f32>(at);
        nans += i32(value != value);
        const bin = counts + (usize(orderedKey(at) >> 21) << 2);
        store<u32>(bin, load<u32>(bin) + 1);
      }
    }
  }
  return nans;
}

/** Histograms of the next bits of the values below either prefix. */
function countWithin(
  counts: usize,
  image: usize,
  d: i32,
  h: i32,
  w: i32,
  sd: i32,
  sh: i32,
  sw: i32,
  lowPrefix: u32,
  highPrefix: u32,
  prefixShift: u32,
  shift: u32,
  mask: u32,
): void {
  const step = usize(sw) << 2;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      let at = image + ((usize(z) * usize(sd) + usize(y) * usize(sh)) << 2);
      for (let x = 0; x < w; x++, at += step) {
        const key = orderedKey(at);
        const prefix = key >> prefixShift;
        const bin = counts + (usize((key >> shift) & mask) << 2);
        if (prefix == lowPrefix) store<u32>(bin, load<u32>(bin) + 1);
        if (prefix == highPrefix) {
          store<u32>(bin, load<u32>(bin, BINS << 2) + 1, BINS << 2);
        }
      }
    }
  }
}

/** The bin that holds the value of this rank. */
function findBin(counts: usize, rank: i32): u32 {
  let bin: u32 = 0;
  let before = load<u32>(counts);
  while (before <= u32(rank)) {
    bin++;
    before += load<u32>(counts + (usize(bin) << 2));
  }
  return bin;
}

function countBefore(counts: usize, bin: u32): i32 {
  let before = 0;
  for (let i: u32 = 0; i < bin; i++) before += load<i32>(counts + (usize(i) << 2));
  return before;
}

/**
 * Last digit of the value one rank up, or −1 where it has another prefix.
 * `left` counts the equal values before.
 */
function nextDigit(counts: usize, digit: u32, left: i32): i32 {
  if (left + 1 < load<i32>(counts + (usize(digit) << 2))) return i32(digit);
  for (let i = digit + 1; i < 1024; i++) {
    if (load<u32>(counts + (usize(i) << 2)) > 0) return i32(i);
  }
  return -1;
}

/** The smallest key above one, or that one where none is. */
function keyAbove(
  image: usize,
  d: i32,
  h: i32,
  w: i32,
  sd: i32,
  sh: i32,
  sw: i32,
  key: u32,
): u32 {
  let best: u32 = 0xffff_ffff;
  const step = usize(sw) << 2;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      let at = image + ((usize(z) * usize(sd) + usize(y) * usize(sh)) << 2);
      for (let x = 0; x < w; x++, at += step) {
        const other = orderedKey(at);
        if (other > key && other < best) best = other;
      }
    }
  }
  return best == 0xffff_ffff ? key : best;
}

/** The value at a rank between a and b, that of the next whole rank. */
export function interpolate(a: f32, b: f32, rank: f64): f32 {
  const t = rank - floor(rank);
  if (a == b || t == 0) return a;
  const difference = b - a;
  return t >= 0.5 ? b - difference * f32(1 - t) : a + difference * f32(t);
}
