/**
 * Logits of classes to the logit of being a cell, and to a first mask.
 *
 * Source: softmax and sigmoid as any semantic network's; no peer.
 */

/**
 * Logit of some classes against all others.
 *
 * out      n f32     log(Σ exp of the chosen ÷ Σ exp of the others)
 * logits   k×n f32   planes of classes; k = 1: `out` is the logit itself
 * k n      i32
 * chosen   i32       a class, or −1: all but the first
 */
export function foregroundLogit(
  out: usize, logits: usize, k: i32, n: i32, chosen: i32,
): void {
  const plane = usize(n) << 2;
  if (k == 1) {
    memory.copy(out, logits, plane);
    return;
  }
  for (let at: usize = 0; at < plane; at += 4) {
    let highIn = -Infinity;
    let highOut = -Infinity;
    for (let c = 0; c < k; c++) {
      const value = f64(load<f32>(logits + usize(c) * plane + at));
      if (isChosen(c, chosen)) highIn = max(highIn, value);
      else highOut = max(highOut, value);
    }
    let inside = 0.0;
    let outside = 0.0;
    for (let c = 0; c < k; c++) {
      const value = f64(load<f32>(logits + usize(c) * plane + at));
      if (isChosen(c, chosen)) inside += Math.exp(value - highIn);
      else outside += Math.exp(value - highOut);
    }
    const logit = highIn - highOut + Math.log(inside) - Math.log(outside);
    store<f32>(out + at, f32(logit));
  }
}

/**
 * 1 where a value is above a threshold, else 0.
 *
 * out     n u32
 * values  n f32
 * returns i32   ones
 */
export function thresholdMask(out: usize, values: usize, n: i32, threshold: f32): i32 {
  let found = 0;
  for (let at: usize = 0; at < usize(n) << 2; at += 4) {
    const inside = i32(load<f32>(values + at) > threshold);
    store<u32>(out + at, inside);
    found += inside;
  }
  return found;
}

// @ts-ignore: decorator
@inline
function isChosen(c: i32, chosen: i32): bool {
  return chosen < 0 ? c > 0 : c == chosen;
}
