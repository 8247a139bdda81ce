/**
 * Random changes of a crop's intensities; the host decides which.
 */
import { allocate, mark, release } from "./heap";

/** Entries of the table of a gamma curve, over 0–1. */
const TABLE = 1024;

/**
 * Mix channels: out = matrix · image, at every pixel.
 *
 * out     c2×n f32
 * image   c×n f32
 * matrix  c2×c f32
 *
 * Source: none needed. Differs: nothing.
 */
export function mixChannels(
  out: usize,
  image: usize,
  matrix: usize,
  c2: i32,
  c: i32,
  n: i32,
): void {
  const plane = usize(n) << 2;
  for (let j = 0; j < c2; j++) {
    memory.fill(out, 0, plane);
    for (let k = 0; k < c; k++) {
      const weight = load<f32>(matrix);
      matrix += 4;
      if (weight != 0) addScaled(out, image + usize(k) * plane, weight, n);
    }
    out += plane;
  }
}

function addScaled(out: usize, a: usize, weight: f32, n: i32): void {
  const body = n & ~3;
  for (let i = 0; i < body; i += 4) {
    const at = usize(i) << 2;
    const more = f32x4.mul(v128.load(a + at), f32x4.splat(weight));
    v128.store(out + at, f32x4.add(v128.load(out + at), more));
  }
  for (let i = body; i < n; i++) {
    const at = usize(i) << 2;
    store<f32>(out + at, load<f32>(out + at) + load<f32>(a + at) * weight);
  }
}

/**
 * Apply a gamma curve, then a gain around one half and an offset, in place.
 *
 * image   n f32   0–1, and beyond where a percentile cut: there the curve goes on straight
 * gamma   f32     1 leaves values as they are
 * gain    f32     (x − ½)·gain + ½ + offset; negative gains invert
 *
 * Returns 0 or −2. Scratch 4 KiB.
 *
 * Source: none needed: a power law, from a table of 1024 steps.
 * Differs: nothing.
 */
export function adjustTone(image: usize, n: i32, gamma: f32, gain: f32, offset: f32): i32 {
  if (gamma == 1 && gain == 1 && offset == 0) return 0;
  const start = mark();
  const table = allocate((TABLE + 1) << 2);
  if (table == 0) return -2;
  for (let i = 0; i <= TABLE; i++) {
    const value = Math.pow(f64(i) / f64(TABLE), f64(gamma));
    store<f32>(table + (usize(i) << 2), f32(value));
  }
  const base: f32 = 0.5 - 0.5 * gain + offset;
  for (let i = 0; i < n; i++) {
    const at = image + (usize(i) << 2);
    let value = load<f32>(at);
    if (gamma != 1 && value > 0) {
      if (value < 1) {
        const place = value * f32(TABLE);
        const whole = i32(place);
        const entry = table + (usize(whole) << 2);
        const low = load<f32>(entry);
        value = low + (load<f32>(entry, 4) - low) * (place - f32(whole));
      } else {
        value = 1 + (value - 1) * gamma;
      }
    }
    store<f32>(at, value * gain + base);
  }
  release(start);
  return 0;
}

/**
 * Add noise, in place: of one deviation, and of one that grows with the root
 * of the value, as photons' does.
 *
 * image   n f32
 * sigma   f32   deviation everywhere
 * photon  f32   deviation where the value is 1
 * seed    u32   any; every seed is a field of its own
 *
 * Source: Irwin–Hall of four 16-bit numbers; mixing as in MurmurHash3.
 * Differs: nothing.
 */
export function addNoise(image: usize, n: i32, sigma: f32, photon: f32, seed: u32): void {
  // four uniform numbers in 0–65535: mean 2·65535, variance (65536² − 1)/3
  const unit = f32(1.0 / Math.sqrt((65536.0 * 65536.0 - 1.0) / 3.0));
  for (let i = 0; i < n; i++) {
    const at = image + (usize(i) << 2);
    const a = hash(seed, u32(i) << 1);
    const b = hash(seed, (u32(i) << 1) | 1);
    const sum = i32((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16)) - 131070;
    const value = load<f32>(at);
    const level = max<f32>(value, 0);
    const deviation = sqrt<f32>(sigma * sigma + photon * photon * level);
    store<f32>(at, value + f32(sum) * unit * deviation);
  }
}

function hash(seed: u32, i: u32): u32 {
  let value = seed ^ (i * 0x9e3779b1);
  value = (value ^ (value >>> 16)) * 0x85ebca6b;
  value = (value ^ (value >>> 13)) * 0xc2b2ae35;
  return value ^ (value >>> 16);
}
