/**
 * Split labels into connected components, or keep each label's largest one.
 *
 * masks    d×h×w u32   in place; labels 1 … count, some may be missing
 * full     i32         1: pixels touch by corners and edges too; 0: by faces
 * largest  i32         1: the largest component of each label stays (of equals
 *                      the first in raster order); 0: all stay, each a label
 *
 * returns              labels out, 1 … N in raster order, or −2
 *
 * Runs are joined row by row, so the cost is the pixels twice and the runs.
 * Scratch: 20 bytes a run, 4 bytes a row and a label.
 *
 * Source: run-based two-pass labelling (He, Chao & Suzuki 2008).
 * Differs: joins run by union-find over all rows, so volumes need nothing more.
 */
import { allocate, mark, release } from "./heap";
import { fillRun, findRoot, joinRows, RUN_BYTES, runEnd } from "./runs";

export function splitLabels(
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  count: i32,
  full: i32,
  largest: i32,
): i32 {
  const start = mark();
  const row = usize(w) << 2;
  const end = masks + usize(d * h) * row;
  let n: u32 = 0;
  for (let begin = masks; begin < end; begin += row) {
    for (let at = begin; at < begin + row; at = runEnd(at, begin + row)) n++;
  }
  const runs = allocate(usize(n) * RUN_BYTES);
  const starts = allocate((usize(d * h) + 1) << 2);
  const areas = allocate(usize(n) << 2);
  const best = allocate((usize(count) + 1) << 2);
  if (runs == 0 || starts == 0 || areas == 0 || best == 0) {
    release(start);
    return -2;
  }

  n = recordRuns(runs, starts, masks, d, h, w, full);
  memory.fill(areas, 0, usize(n) << 2);
  for (let i: u32 = 0; i < n; i++) {
    const run = runs + usize(i) * RUN_BYTES;
    const area = areas + (usize(findRoot(runs, i)) << 2);
    store<u32>(area, load<u32>(area) + load<u32>(run, 4) - load<u32>(run));
  }

  if (largest) {
    // best: 1 + the root of each label's largest component
    memory.fill(best, 0, (usize(count) + 1) << 2);
    for (let i: u32 = 0; i < n; i++) {
      const area = load<u32>(areas + (usize(i) << 2));
      const entry = best + (usize(labelOf(runs, i)) << 2);
      const found = usize(load<u32>(entry));
      if (found == 0 || area > load<u32>(areas + ((found - 1) << 2))) {
        store<u32>(entry, i + 1);
      }
    }
  }

  // roots come before their runs; their area becomes their label
  let left: u32 = 0;
  for (let r = 0; r < d * h; r++) {
    const begin = masks + usize(r) * row;
    const last = load<u32>(starts + (usize(r) << 2), 4);
    for (let i = load<u32>(starts + (usize(r) << 2)); i < last; i++) {
      const root = findRoot(runs, i);
      const area = areas + (usize(root) << 2);
      if (root == i) {
        const kept = load<u32>(best + (usize(labelOf(runs, i)) << 2));
        store<u32>(area, largest && kept != i + 1 ? 0 : ++left);
      }
      const run = runs + usize(i) * RUN_BYTES;
      const from = begin + (usize(load<u32>(run)) << 2);
      fillRun(from, begin + (usize(load<u32>(run, 4)) << 2), load<u32>(area));
    }
  }
  release(start);
  return i32(left);
}

/** Record and join all runs that are not background; returns their number. */
function recordRuns(
  runs: usize,
  starts: usize,
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  full: i32,
): u32 {
  let n: u32 = 0;
  let begin = masks;
  const slack = u32(full);
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      const r = z * h + y;
      const first = n;
      const end = begin + (usize(w) << 2);
      store<u32>(starts + (usize(r) << 2), n);
      for (let at = begin; at < end;) {
        const to = runEnd(at, end);
        if (load<u32>(at) != 0) {
          const run = runs + usize(n) * RUN_BYTES;
          store<u32>(run, u32((at - begin) >> 2));
          store<u32>(run, u32((to - begin) >> 2), 4);
          store<u32>(run, load<u32>(at), 8);
          store<u32>(run, n, 12);
          n++;
        }
        at = to;
      }
      begin = end;

      // the row before, and one or three rows of the plane before
      if (y > 0) joinRow(runs, starts, first, n, r - 1, slack);
      if (z > 0) {
        if (full && y > 0) joinRow(runs, starts, first, n, r - h - 1, slack);
        joinRow(runs, starts, first, n, r - h, slack);
        if (full && y + 1 < h) joinRow(runs, starts, first, n, r - h + 1, slack);
      }
    }
  }
  store<u32>(starts + (usize(d * h) << 2), n);
  return n;
}

function joinRow(
  runs: usize,
  starts: usize,
  first: u32,
  n: u32,
  r: i32,
  slack: u32,
): void {
  const at = starts + (usize(r) << 2);
  // the row after r may be the one being recorded: its start is stored already
  joinRows(runs, first, n, load<u32>(at), load<u32>(at, 4), slack);
}

function labelOf(runs: usize, i: u32): u32 {
  return load<u32>(runs + usize(i) * RUN_BYTES, 8);
}
