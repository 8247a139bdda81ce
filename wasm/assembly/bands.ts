/**
 * Sinks of an image that is held in bands of rows: those that lie in a band
 * are counted and labeled, the others are left for their own.
 */

/**
 * First and last pixel in which points end.
 *
 * range   2 u32   out: smallest and greatest
 * sinks   P u32   pixel of the whole image
 * p       i32     P ≥ 1
 *
 * Source: ours.
 */
export function sinkRange(range: usize, sinks: usize, p: i32): void {
  let first = load<u32>(sinks);
  let last = first;
  const end = sinks + (usize(p) << 2);
  for (let at = sinks; at < end; at += 4) {
    const sink = load<u32>(at);
    first = min<u32>(first, sink);
    last = max<u32>(last, sink);
  }
  store<u32>(range, first);
  store<u32>(range, last, 4);
}

/**
 * Count the points that end in each pixel of a band.
 *
 * counts  n u32   in/out
 * sinks   P u32   pixel of the whole image
 * p       i32     P
 * begin   u32     first pixel of the band
 * n       u32     its pixels
 *
 * Source: ours; as `countSinks`.
 */
export function countSinksIn(counts: usize, sinks: usize, p: i32, begin: u32, n: u32): void {
  const end = sinks + (usize(p) << 2);
  for (let at = sinks; at < end; at += 4) {
    // pixels before the band wrap around to large ones
    const pixel = load<u32>(at) - begin;
    if (pixel >= n) continue;
    const count = counts + (usize(pixel) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/**
 * Look up the label at each sink that lies in a band.
 *
 * values  P u32   out: the label; unchanged for sinks elsewhere
 * sinks   P u32   pixel of the whole image
 * labels  n u32   the band's, of `paintSeeds`
 * p       i32     P
 * begin   u32     first pixel of the band
 * n       u32     its pixels
 *
 * Source: ours; as `labelSinks`.
 */
export function labelSinksIn(values: usize, sinks: usize, labels: usize, p: i32, begin: u32, n: u32): void {
  const bytes = usize(p) << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const pixel = load<u32>(sinks + at) - begin;
    if (pixel < n) store<u32>(values + at, load<u32>(labels + (usize(pixel) << 2)));
  }
}

/**
 * Lay labels of a few over those of all.
 *
 * masks     n u32   in/out: labels of all
 * labels    n u32   0, or 1 … K
 * table     K+1 u32 what they are among all
 * isBelow   i32     1: only where `masks` is 0
 *
 * Source: ours.
 */
export function overlayLabels(masks: usize, labels: usize, table: usize, n: i32, isBelow: i32): void {
  const bytes = usize(n) << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const label = load<u32>(labels + at);
    if (!label || (isBelow && load<u32>(masks + at))) continue;
    store<u32>(masks + at, load<u32>(table + (usize(label) << 2)));
  }
}
