import { allocate, mark, release } from "./heap";

/**
 * Match true and predicted cells one to one, optimally: first as many pairs
 * with IoU ≥ threshold as can be, then the greatest sum of IoU.
 *
 * out        nTrue  u32  index of the matched predicted cell, 0 = none
 * pairs      M×3    u32  true index, predicted index, pixels, ordered by true
 *                        index; index 0 is the background and never matched
 * iou        M      f64  IoU of each pair, 0 … 1
 * nTrue, nPred           cells, the background included
 * nPairs     M
 * threshold  t           IoU that makes a match; weight of a pair is
 *                        [IoU ≥ t] + IoU / (2·min(cells, cells))
 *
 * One shortest augmenting path a true cell, by Dijkstra over the pairs that
 * exist, with the choice to leave a cell unmatched at weight 0. A search stays
 * inside its connected component, and ends at the first free cell or where
 * going on cannot pay, so real images cost O(M log M). The worst case, a chain
 * of ties through all K cells, is O(K·M log M). Equal weights: the lower index
 * of the true cell first.
 *
 * Scratch: 12·nTrue + 36·nPred + 16·M bytes.
 * returns matched pairs with IoU ≥ t, or −2 where memory is short
 *
 * Source: Jonker & Volgenant 1987 (shortest augmenting paths, sparse form);
 * the weights of cellpose 4.2.1.1 `metrics._true_positive` and `mask_ious`.
 * Differs: pairs without overlap are never listed (Cellpose lists them).
 */
export function matchCells(
  out: usize, pairs: usize, iou: usize, nTrue: i32, nPred: i32, nPairs: i32,
  threshold: f64,
): i32 {
  const start = mark();
  memory.fill(out, 0, usize(nTrue) << 2);
  const rows = allocate(usize(nTrue + 1) << 2); // first pair of each true cell
  const u = allocate(usize(nTrue) << 3); // duals of true cells
  const v = allocate(usize(nPred) << 3); // duals of predicted cells
  const owner = allocate(usize(nPred) << 2); // matched true cell, 0 = free
  const distance = allocate(usize(nPred) << 3);
  const from = allocate(usize(nPred) << 2); // true cell it was reached from
  const seen = allocate(usize(nPred) << 2); // search that reached it
  const done = allocate(usize(nPred) << 2); // search that settled it
  const settled = allocate(usize(nPred) << 2);
  // entries (distance f64, predicted cell u32), deleted lazily
  const heap = allocate(usize(nPairs + 1) << 4);
  if (!rows || !u || !v || !owner || !distance || !from || !seen || !done || !settled || !heap) {
    release(start);
    return -2;
  }
  memory.fill(v, 0, usize(nPred) << 3);
  memory.fill(owner, 0, usize(nPred) << 2);
  memory.fill(seen, 0, usize(nPred) << 2);
  memory.fill(done, 0, usize(nPred) << 2);

  // pairs are ordered by true cell: find where each begins
  for (let i = 0, k = 0; i <= nTrue; i++) {
    while (k < nPairs && load<u32>(pairs + usize(k) * 12) < u32(i)) k++;
    store<u32>(rows + (usize(i) << 2), k);
  }

  const scale = 0.5 / f64(max(1, min(nTrue, nPred) - 1));
  for (let s = 1; s < nTrue; s++) {
    // the dual of the new cell: no reduced cost may be negative
    let least: f64 = 0;
    const sEnd = load<i32>(rows + (usize(s) << 2), 4);
    for (let k = load<i32>(rows + (usize(s) << 2)); k < sEnd; k++) {
      const j = load<u32>(pairs + usize(k) * 12, 4);
      if (j) least = min(least, cost(iou, k, threshold, scale) - load<f64>(v + (usize(j) << 3)));
    }
    store<f64>(u + (usize(s) << 3), least);

    // grow the tree of shortest paths from it
    let heaped = 0;
    let nSettled = 0;
    let best: f64 = Infinity;
    let lastRow = s; // the path ends by freeing this true cell …
    let lastColumn: u32 = 0; // … or at this free predicted cell
    let i = s;
    let d: f64 = 0;
    while (true) {
      const ui = load<f64>(u + (usize(i) << 3));
      if (d - ui < best) {
        best = d - ui;
        lastRow = i;
        lastColumn = 0;
      }
      const end = load<i32>(rows + (usize(i) << 2), 4);
      for (let k = load<i32>(rows + (usize(i) << 2)); k < end; k++) {
        const j = load<u32>(pairs + usize(k) * 12, 4);
        const j4 = usize(j) << 2;
        if (!j || load<i32>(done + j4) == s) continue;
        const to = d + cost(iou, k, threshold, scale) - ui - load<f64>(v + (usize(j) << 3));
        if (to >= best) continue;
        const at = distance + (usize(j) << 3);
        if (load<i32>(seen + j4) == s && to >= load<f64>(at)) continue;
        store<i32>(seen + j4, s);
        store<f64>(at, to);
        store<u32>(from + j4, i);
        if (load<u32>(owner + j4)) {
          push(heap, heaped++, to, j);
        } else {
          best = to;
          lastColumn = j;
        }
      }

      // the nearest cell not yet settled
      let next: u32 = 0;
      while (heaped && !next) {
        d = load<f64>(heap);
        const j = load<u32>(heap, 8);
        pop(heap, --heaped);
        if (load<i32>(done + (usize(j) << 2)) != s) next = j;
      }
      if (!next || d >= best) break;
      store<i32>(done + (usize(next) << 2), s);
      store<u32>(settled + (usize(nSettled++) << 2), next);
      i = load<i32>(owner + (usize(next) << 2));
    }

    // new duals along the tree
    store<f64>(u + (usize(s) << 3), least + best);
    for (let k = 0; k < nSettled; k++) {
      const j = usize(load<u32>(settled + (usize(k) << 2)));
      const by = best - load<f64>(distance + (j << 3));
      const row = u + (usize(load<u32>(owner + (j << 2))) << 3);
      store<f64>(v + (j << 3), load<f64>(v + (j << 3)) - by);
      store<f64>(row, load<f64>(row) + by);
    }

    // move the matches along the path, back to s
    let j = lastColumn;
    if (!j) {
      if (lastRow == s) continue;
      j = load<u32>(out + (usize(lastRow) << 2));
      store<u32>(out + (usize(lastRow) << 2), 0);
    }
    while (true) {
      const row = load<u32>(from + (usize(j) << 2));
      const before = load<u32>(out + (usize(row) << 2));
      store<u32>(out + (usize(row) << 2), j);
      store<u32>(owner + (usize(j) << 2), row);
      if (row == u32(s)) break;
      j = before;
    }
  }

  let matched = 0;
  for (let k = 0; k < nPairs; k++) {
    const pair = pairs + usize(k) * 12;
    const j = load<u32>(pair, 4);
    if (!j || load<u32>(out + (usize(load<u32>(pair)) << 2)) != j) continue;
    if (load<u32>(pair) && load<f64>(iou + (usize(k) << 3)) >= threshold) matched++;
  }
  release(start);
  return matched;
}

function cost(iou: usize, pair: i32, threshold: f64, scale: f64): f64 {
  const x = load<f64>(iou + (usize(pair) << 3));
  return -(f64(i32(x >= threshold)) + x * scale);
}

/** Add an entry to a heap of n. */
function push(heap: usize, n: usize, d: f64, column: u32): void {
  let at = n;
  while (at) {
    const parent = (at - 1) >> 1;
    if (load<f64>(heap + (parent << 4)) <= d) break;
    v128.store(heap + (at << 4), v128.load(heap + (parent << 4)));
    at = parent;
  }
  store<f64>(heap + (at << 4), d);
  store<u32>(heap + (at << 4), column, 8);
}

/** Remove the least entry of a heap, leaving n. */
function pop(heap: usize, n: usize): void {
  const last = v128.load(heap + (n << 4));
  const d = load<f64>(heap + (n << 4));
  let at: usize = 0;
  while (true) {
    let child = (at << 1) + 1;
    if (child >= n) break;
    const right = heap + (child << 4) + 16;
    if (child + 1 < n && load<f64>(right) < load<f64>(right - 16)) child++;
    if (load<f64>(heap + (child << 4)) >= d) break;
    v128.store(heap + (at << 4), v128.load(heap + (child << 4)));
    at = child;
  }
  v128.store(heap + (at << 4), last);
}
