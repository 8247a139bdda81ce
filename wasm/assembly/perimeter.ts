/**
 * Perimeters of regions from the patterns of their border pixels.
 */
import { allocate, mark, release } from "./heap";
import { groupEnd } from "./label_runs";

/**
 * Measure perimeters.
 *
 * out    K f64       pixels
 * runs   R×16 bytes  sorted, of `label_runs`
 * count  i32         R
 * masks  h×w u32
 *
 * A border pixel has a neighbor of another label across a side. With a its
 * border neighbors across sides and b those across corners, of the same label,
 * it counts 1 where 1 + 2a + 10b is 5, 7, 15, 17, 25 or 27, √2 where it is 21
 * or 33, (1 + √2)/2 where it is 13 or 23, else 0.
 *
 * returns            0, or −2 without scratch memory
 *
 * Scratch: 1 byte a pixel.
 *
 * Source: Benkrid & Crookes 2000; scikit-image 0.26 perimeter(neighborhood=4).
 * Differs: order of summation.
 */
export function measurePerimeters(
  out: usize, runs: usize, count: i32, masks: usize, h: i32, w: i32,
): i32 {
  const start = mark();
  const row = usize(w + 2);
  const flags = allocate(usize(h + 2) * row);
  if (flags == 0) return -2;
  memory.fill(flags, 0, usize(h + 2) * row);
  const end = runs + (usize(count) << 4);
  for (let at = runs; at < end; at += 16) flagBorder(flags, at, masks, h, w);

  for (let at = runs; at < end; out += 8) {
    const to = groupEnd(at, end);
    store<f64>(out, perimeterOf(at, to, flags, masks, w));
    at = to;
  }
  release(start);
  return 0;
}

/** Flag the border pixels of a run. */
function flagBorder(flags: usize, run: usize, masks: usize, h: i32, w: i32): void {
  const y = load<i32>(run);
  const label = load<u32>(run, 4);
  const from = load<i32>(run, 8);
  const to = load<i32>(run, 12);
  const stride = usize(w) << 2;
  let at = masks + usize(y) * stride + (usize(from) << 2);
  let flag = flags + usize(y + 1) * usize(w + 2) + usize(from + 1);
  for (let x = from; x < to; x++, at += 4, flag++) {
    if (
      x == from || x == to - 1 || y == 0 || y == h - 1 ||
      load<u32>(at - stride) != label || load<u32>(at + stride) != label
    ) store<u8>(flag, 1);
  }
}

function perimeterOf(
  runs: usize, end: usize, flags: usize, masks: usize, w: i32,
): f64 {
  const stride = usize(w) << 2;
  const row = usize(w + 2);
  let straight = 0, diagonal = 0, mixed = 0;
  for (let run = runs; run < end; run += 16) {
    const label = load<u32>(run, 4);
    const y = usize(load<u32>(run));
    const from = usize(load<u32>(run, 8));
    const to = usize(load<u32>(run, 12));
    let at = masks + y * stride + (from << 2);
    let flag = flags + (y + 1) * row + from + 1;
    for (let x = from; x < to; x++, at += 4, flag++) {
      if (!load<u8>(flag)) continue;
      const pattern = 1 +
        2 * (border(flag - 1, at - 4, label) + border(flag + 1, at + 4, label) +
            border(flag - row, at - stride, label) +
            border(flag + row, at + stride, label)) +
        10 * (border(flag - row - 1, at - stride - 4, label) +
            border(flag - row + 1, at - stride + 4, label) +
            border(flag + row - 1, at + stride - 4, label) +
            border(flag + row + 1, at + stride + 4, label));
      if (pattern == 21 || pattern == 33) diagonal++;
      else if (pattern == 13 || pattern == 23) mixed++;
      else if (
        pattern == 5 || pattern == 7 || pattern == 15 || pattern == 17 ||
        pattern == 25 || pattern == 27
      ) straight++;
    }
  }
  return f64(straight) + f64(diagonal) * Math.SQRT2 +
    f64(mixed) * ((1 + Math.SQRT2) / 2);
}

/** 1 for a border pixel of the label; a flag is only set within the image. */
function border(flag: usize, at: usize, label: u32): i32 {
  return load<u8>(flag) && load<u32>(at) == label ? 1 : 0;
}
