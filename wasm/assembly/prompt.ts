/**
 * What a network that answers prompts is given, and what becomes of its
 * answer.
 *
 * Source: package segment_anything 1.0, `Sam.preprocess` (place); no peer for
 * painting.
 */

/**
 * Values from 0 to 1 as whole numbers from 0 to 255; others are cut off.
 *
 * values  n f32   in place
 */
export function toBytes(values: usize, n: i32): void {
  for (let at = values; at < values + (usize(n) << 2); at += 4) {
    const value = max<f32>(0, min<f32>(1, load<f32>(at)));
    store<f32>(at, f32(floor(f64(value) * 255 + 0.5)));
  }
}

/**
 * Place an image in the upper left of a larger one: (value − mean) ÷ deviation.
 *
 * out        h2×w2 f32   beyond the image: `fill`
 * image      h×w f32
 * h w h2 w2  i32         h ≤ h2, w ≤ w2
 * mean deviation fill    f32
 */
export function placeImage(
  out: usize, image: usize, h: i32, w: i32, h2: i32, w2: i32, mean: f32, deviation: f32, fill: f32,
): void {
  for (let y = 0; y < h2; y++) {
    for (let x = 0; x < w2; x++) {
      const isInside = y < h && x < w;
      const value = isInside
        ? (load<f32>(image + (usize(y * w + x) << 2)) - mean) / deviation
        : fill;
      store<f32>(out, value);
      out += 4;
    }
  }
}

/**
 * 1 where a label is, else 0.
 *
 * out    n f32
 * masks  n u32
 * label  u32
 * returns i32   pixels of the label
 */
export function selectLabel(out: usize, masks: usize, n: i32, label: u32): i32 {
  let found = 0;
  for (let at: usize = 0; at < usize(n) << 2; at += 4) {
    const isOwn = load<u32>(masks + at) == label;
    store<f32>(out + at, f32(isOwn));
    found += i32(isOwn);
  }
  return found;
}

/**
 * Paint a cell where its logit is above 0; its old pixels are erased, others'
 * pixels stay theirs.
 *
 * masks   n u32   in place
 * logits  n f32
 * label   u32     of the cell, 1 or more
 * taken   u32     out: pixels above 0 that belong to other labels
 * returns i32     pixels painted
 */
export function paintCell(masks: usize, logits: usize, n: i32, label: u32, taken: usize): i32 {
  let painted = 0;
  let others: u32 = 0;
  for (let at: usize = 0; at < usize(n) << 2; at += 4) {
    const own = load<u32>(masks + at);
    const isInside = load<f32>(logits + at) > 0;
    if (own != 0 && own != label) {
      others += u32(isInside);
      continue;
    }
    store<u32>(masks + at, isInside ? label : 0);
    painted += i32(isInside);
  }
  store<u32>(taken, others);
  return painted;
}
