/**
 * Remove labels that are too small, too large or at the edge. Labels in are
 * 1 … count (some may be missing); labels out are 1 … N without gaps.
 *
 * Scratch: 4 bytes a label.
 */
import { allocate, mark, release } from "./heap";
import { applyTable, countLabels, NEXT } from "./relabel";
import { runEnd } from "./runs";

/**
 * Remove labels of fewer than `minSize` pixels; renumber in raster order.
 *
 * masks    n u32   in place
 * minSize  i32     pixels; ≤ 0: nothing is done, not even renumbering
 * parity   i32     1: where no pixel is background, the smallest label is
 *                  never removed, as if it were the background
 *
 * returns          labels left (`count` where minSize ≤ 0), or −2
 *
 * Source: Cellpose 4.2.1.1 utils.fill_holes_and_remove_small_masks.
 * Differs: nothing with parity 1.
 */
export function removeSmall(
  masks: usize,
  n: i32,
  count: i32,
  minSize: i32,
  parity: i32,
): i32 {
  if (minSize <= 0) return count;
  const start = mark();
  const table = allocate((usize(count) + 1) << 2);
  if (table == 0) return -2;
  countLabels(table, masks, n, u32(count));
  let isExempt = parity != 0 && load<u32>(table) == 0;
  store<u32>(table, 0);
  for (let k = 1; k <= count; k++) {
    const entry = table + (usize(k) << 2);
    const pixels = load<u32>(entry);
    if (pixels == 0) continue;
    store<u32>(entry, isExempt || pixels >= u32(minSize) ? NEXT : 0);
    isExempt = false;
  }
  const left = applyTable(masks, n, table);
  release(start);
  return left;
}

/**
 * Remove labels of more than `maxPixels` pixels; renumber in raster order.
 *
 * masks      n u32   in place
 * maxPixels  f64     fraction · n, not rounded
 *
 * returns            labels left, or −2
 *
 * Source: Cellpose 4.2.1.1 dynamics, max_size_fraction. Differs: nothing.
 */
export function removeLarge(
  masks: usize,
  n: i32,
  count: i32,
  maxPixels: f64,
): i32 {
  const start = mark();
  const table = allocate((usize(count) + 1) << 2);
  if (table == 0) return -2;
  countLabels(table, masks, n, u32(count));
  store<u32>(table, 0);
  for (let k = 1; k <= count; k++) {
    const entry = table + (usize(k) << 2);
    store<u32>(entry, f64(load<u32>(entry)) > maxPixels ? 0 : NEXT);
  }
  const left = applyTable(masks, n, table);
  release(start);
  return left;
}

/**
 * Remove labels that touch the edge of the image or volume; the order of the
 * others stays.
 *
 * masks   d×h×w u32   in place
 * zEdges  i32         1: the first and last plane are edges too
 *
 * returns             labels left, or −2
 *
 * Source: Cellpose 4.2.1.1 utils.remove_edge_masks (zEdges 1 for volumes).
 * Differs: nothing.
 */
export function removeEdge(
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  count: i32,
  zEdges: i32,
): i32 {
  const n = d * h * w;
  const start = mark();
  const table = allocate((usize(count) + 1) << 2);
  if (table == 0) return -2;
  countLabels(table, masks, n, u32(count));

  // labels at an edge lose their count
  const row = usize(w) << 2;
  for (let r = 0; r < d * h; r++) {
    const at = masks + usize(r) * row;
    const y = r % h;
    const isPlaneEdge = zEdges != 0 && (r < h || r >= (d - 1) * h);
    if (y == 0 || y == h - 1 || isPlaneEdge) {
      const end = at + row;
      for (let run = at; run < end; run = runEnd(run, end)) drop(table, run);
    } else {
      drop(table, at);
      drop(table, at + row - 4);
    }
  }

  let left: u32 = 0;
  store<u32>(table, 0);
  for (let k = 1; k <= count; k++) {
    const entry = table + (usize(k) << 2);
    if (load<u32>(entry) == 0) continue;
    store<u32>(entry, ++left);
  }
  applyTable(masks, n, table);
  release(start);
  return i32(left);
}

function drop(table: usize, pixel: usize): void {
  store<u32>(table + (usize(load<u32>(pixel)) << 2), 0);
}
