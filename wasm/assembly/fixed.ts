/**
 * Positions, as they are kept on the way, in one of three conventions.
 *
 * 0 CELLPOSE  positions run over 0..L−1 but are sampled at p·L/(L−1) − ½
 *             (grid_sample with align_corners=False), and it is this sampling
 *             position that is kept, as a fixed-point number
 * 1 PLAIN     sampled where they are; fixed-point too
 * 2 EXACT     0 for volumes, with PyTorch's own bits: f32 from −1 to 1
 *
 * Fixed-point numbers:
 *
 * A position on an axis is an i32 in units of 2^−14 pixels, counted from one
 * pixel before the first. The resolution is the same everywhere, and moving
 * the origin by whole pixels changes no bit of a path: a block of an image
 * gives the same end points as the whole. A path that repeats does so exactly.
 */

/**
 * Fraction bits: 6e-5 px, as fine as f32 at 1000 px. An axis has at most
 * 130,816 pixels, so that the longest step from its last one is still an i32.
 */
export const FRACTION_BITS: i32 = 14;
export const ONE: i32 = 1 << FRACTION_BITS;
export const FRACTION_MASK: i32 = ONE - 1;

/** Convention whose positions are f32 bits. */
export const EXACT: i32 = 2;

/** Flows are cut to what the rounding trick of a step can hold, in pixels. */
export const MAX_STEP: f32 = 255.0;

/** Position to start from: the center of pixel `p` of an axis of `length` pixels. */
export function startAt(p: i32, length: i32, convention: i32): i32 {
  if (convention == EXACT) {
    return length == 1 ? 0 : reinterpret<i32>(f32(p) / f32(length - 1) * 2 - 1);
  }
  if (convention || length == 1) return (p + 1) << FRACTION_BITS;
  const at = f64(p) * f64(length) / f64(length - 1) + 0.5;
  return i32(floor(at * f64(ONE) + 0.5));
}

/** Lowest position of an axis. */
export function lowest(length: i32, convention: i32): i32 {
  return convention || length == 1 ? ONE : ONE >> 1;
}

/** Highest position of an axis. */
export function highest(length: i32, convention: i32): i32 {
  if (convention || length == 1) return length << FRACTION_BITS;
  return (length << FRACTION_BITS) + (ONE >> 1);
}

/** How far a flow of 1 moves the kept position: in its own units. */
export function stepScale(length: i32, convention: i32): f32 {
  if (length == 1) return 0;
  if (convention == EXACT) return f32(2.0 / f64(length - 1));
  return f32((convention ? 1.0 : f64(length) / f64(length - 1)) * f64(ONE));
}

/** Position in pixels, 0..L−1. */
export function toPixels(at: i32, length: i32, convention: i32): f64 {
  if (length == 1) return 0;
  if (convention == EXACT) return f64((reinterpret<f32>(at) + 1) * 0.5 * f32(length - 1));
  if (convention) return f64(at - ONE) / f64(ONE);
  // one division of exact numbers, so that the last pixel is exactly L−1
  return f64(at - (ONE >> 1)) * f64(length - 1) / (f64(length) * f64(ONE));
}
