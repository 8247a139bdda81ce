/**
 * Split the foreground where basins of a landscape meet.
 *
 * masks      h×w u32   out: 0 background, 1 … N in raster order
 * landscape  h×w f32   high within cells: a distance, a probability; no NaN
 * values     h×w f32   foreground is above the threshold
 * threshold  f32
 * rise       f32       of two basins that meet, one whose top is less than
 *                      this above the meeting point joins the higher one; > 0
 * returns    i32       N, or −2 where memory is short
 *
 * Pixels come from the highest to the lowest, equal ones in raster order. One
 * that touches no basin (8 neighbors) starts one; one that touches some goes
 * to its highest neighbor's.
 * Scratch: 40 bytes a foreground pixel.
 *
 * Source: Vincent and Soille 1991 (flooding); Soille 2003 §6.3 (maxima of at
 * least a given height); Grimaud 1992 (their dynamics).
 * Differs: no line is left between basins.
 */
import { allocate, mark, release } from "./heap";
import { sortRecords } from "./radix";
import { relabel } from "./relabel";

export function watershed(
  masks: usize, landscape: usize, values: usize, h: i32, w: i32, threshold: f32, rise: f32,
): i32 {
  const start = mark();
  const n = h * w;
  let p = 0;
  for (let i: usize = 0; i < usize(n); i++) {
    p += i32(load<f32>(values + (i << 2)) > threshold);
  }
  const records = allocate(usize(p) << 4);
  const spare = allocate(usize(p) << 4);
  // a basin's parent and top; there are at most as many as pixels
  const basins = allocate((usize(p) + 1) << 3);
  if (!records || !spare || !basins) {
    release(start);
    return -2;
  }
  orderPixels(records, landscape, values, n, threshold);
  const sorted = sortRecords(records, spare, p, 0, 4);
  if (!sorted) {
    release(start);
    return -2;
  }

  memory.fill(masks, 0, usize(n) << 2);
  let count: u32 = 0;
  for (let k = 0; k < p; k++) {
    const i = load<u32>(sorted + (usize(k) << 4), 8);
    const own = load<f32>(landscape + (usize(i) << 2));
    const basin = flood(masks, landscape, basins, i32(i), h, w, own, rise);
    if (basin != 0) {
      store<u32>(masks + (usize(i) << 2), basin);
      continue;
    }
    count++;
    const entry = basins + (usize(count) << 3);
    store<u32>(entry, count);
    store<f32>(entry, own, 4);
    store<u32>(masks + (usize(i) << 2), count);
  }

  for (let at = masks, end = masks + (usize(n) << 2); at < end; at += 4) {
    const basin = load<u32>(at);
    if (basin) store<u32>(at, findBasin(basins, basin));
  }
  release(start);
  return relabel(masks, n);
}

/** Records of the foreground: a key that falls as the landscape rises, pixel. */
function orderPixels(
  records: usize, landscape: usize, values: usize, n: i32, threshold: f32,
): void {
  let to = records;
  for (let i: usize = 0; i < usize(n); i++) {
    if (!(load<f32>(values + (i << 2)) > threshold)) continue;
    const bits = load<u32>(landscape + (i << 2));
    // negative floats are ordered backwards, and below positive ones
    const rising = bits & 0x8000_0000 ? ~bits : bits | 0x8000_0000;
    store<u64>(to, u64(~rising));
    store<u64>(to, u64(i), 8);
    to += 16;
  }
}

/**
 * Basin of a pixel that has basins around it, which are joined where one does
 * not rise enough; 0 where there is none.
 */
function flood(
  masks: usize, landscape: usize, basins: usize, i: i32, h: i32, w: i32, own: f32, rise: f32,
): u32 {
  const y = i / w;
  const x = i % w;
  let chosen: u32 = 0;
  let highest: f32 = 0;
  let leading: u32 = 0;
  for (let v = max(0, y - 1); v <= min(h - 1, y + 1); v++) {
    for (let u = max(0, x - 1); u <= min(w - 1, x + 1); u++) {
      const at = usize(v * w + u) << 2;
      const label = load<u32>(masks + at);
      if (label == 0) continue;
      const basin = findBasin(basins, label);
      const value = load<f32>(landscape + at);
      if (chosen == 0 || value > highest) {
        chosen = basin;
        highest = value;
      }
      leading = leading == 0 ? basin : join(basins, leading, basin, own, rise);
    }
  }
  return chosen == 0 ? 0 : findBasin(basins, chosen);
}

/** Join the lower of two basins to the higher if it rises too little. */
function join(basins: usize, a: u32, b: u32, pass: f32, rise: f32): u32 {
  if (a == b) return a;
  const topA = load<f32>(basins + (usize(a) << 3), 4);
  const topB = load<f32>(basins + (usize(b) << 3), 4);
  // of equal tops the earlier basin leads
  const isFirst = topA > topB || (topA == topB && a < b);
  const high = isFirst ? a : b;
  const low = isFirst ? b : a;
  const top = isFirst ? topB : topA;
  if (top - pass < rise) store<u32>(basins + (usize(low) << 3), high);
  return high;
}

/** Root of a basin; paths are halved. */
function findBasin(basins: usize, basin: u32): u32 {
  let parent = load<u32>(basins + (usize(basin) << 3));
  while (parent != basin) {
    const above = load<u32>(basins + (usize(parent) << 3));
    store<u32>(basins + (usize(basin) << 3), above);
    basin = above;
    parent = load<u32>(basins + (usize(basin) << 3));
  }
  return basin;
}
