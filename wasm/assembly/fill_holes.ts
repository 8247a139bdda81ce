/**
 * Fill the holes of every label: pixels that the label separates from the
 * border of its box (in a volume: closed cavities).
 *
 * A hole's first row begins right of a pixel of its label and ends left of
 * one, with only that label above it. One pass over the runs finds the labels
 * with such a gap; only their boxes are searched, by joining runs, so the cost
 * is the pixels once and the boxes of these labels.
 */
import { allocate, mark, release } from "./heap";
import {
  fillRun,
  findLabel,
  findRoot,
  joinRows,
  joinRuns,
  RUN_BYTES,
  runEnd,
} from "./runs";
import { sortKeys } from "./sort";

/**
 * A label's record, u32: box z0 y0 x0 z1 y1 x1 (inclusive), address where its
 * last run ends (0: no run yet), 1 where a gap was found.
 */
const BOX_BYTES: usize = 32;
const LAST: usize = 24;
const GAP: usize = 28;

/**
 * Fill holes, in place.
 *
 * masks   d×h×w u32   d = 1: an image (holes are closed by faces and corners);
 *                     d > 1: cavities, reached through faces only
 * count   i32         labels are 1 … count, some may be missing
 * parity  i32         0: only background pixels are filled, innermost label
 *                     first, so nested labels keep theirs; 1: ascending labels
 *                     take everything in their holes
 *
 * returns             count (ids do not change; with parity some may vanish),
 *                     or −2
 *
 * Scratch: 32 bytes a label, and 16 bytes a run of the largest box searched.
 *
 * Source: Cellpose 4.2.1.1 utils.fill_holes_and_remove_small_masks.
 * Differs: nothing with parity 1.
 */
export function fillHoles(
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  count: i32,
  parity: i32,
): i32 {
  const start = mark();
  const boxes = allocate((usize(count) + 1) * BOX_BYTES);
  const gaps = boxes == 0 ? 0 : findGaps(boxes, masks, d, h, w, count);
  const keys = allocate(usize(gaps) << 3);
  if (boxes == 0 || keys == 0) {
    release(start);
    return -2;
  }

  // labels to search: ascending, or smallest box first
  let k: usize = 0;
  for (let label = 1; label <= count; label++) {
    const box = boxes + usize(label) * BOX_BYTES;
    if (load<u32>(box, GAP) == 0) continue;
    const rank = parity ? 0 : boxPixels(box);
    store<u64>(keys + (k++ << 3), (u64(rank) << 32) | u64(label));
  }
  sortKeys(keys, gaps);

  let result = count;
  for (let i = 0; i < gaps; i++) {
    const label = u32(load<u64>(keys + (usize(i) << 3)));
    const box = boxes + usize(label) * BOX_BYTES;
    if (!fillBox(masks, d, h, w, box, label, parity)) result = -2;
  }
  release(start);
  return result;
}

/** Boxes of all labels, and which have a gap; returns how many have. */
function findGaps(
  boxes: usize,
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  count: i32,
): i32 {
  memory.fill(boxes, 0, (usize(count) + 1) * BOX_BYTES);
  const row = usize(w) << 2;
  const plane = row * usize(h);
  let gaps = 0;
  let begin = masks;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      const end = begin + row;
      for (let at = begin; at < end;) {
        const to = runEnd(at, end);
        const label = load<u32>(at);
        if (label != 0) {
          const box = boxes + usize(label) * BOX_BYTES;
          const last = usize(load<u32>(box, LAST));
          // since the label's last run in this row, with only it above
          if (
            last > begin && last < at && y > 0 && load<u32>(box, GAP) == 0 &&
            isAll(last - row, at - row, label) &&
            (d == 1 || (z > 0 && isAll(last - plane, at - plane, label)))
          ) {
            store<u32>(box, 1, GAP);
            gaps++;
          }
          const x = u32((at - begin) >> 2);
          growBox(box, u32(z), u32(y), x, u32((to - begin) >> 2) - 1);
          store<u32>(box, u32(to), LAST);
        }
        at = to;
      }
      begin = end;
    }
  }
  return gaps;
}

function isAll(at: usize, end: usize, label: u32): bool {
  return load<u32>(at) == label && runEnd(at, end) == end;
}

function growBox(box: usize, z: u32, y: u32, x0: u32, x1: u32): void {
  if (load<u32>(box, LAST) == 0) {
    store<u32>(box, z);
    store<u32>(box, y, 4);
    store<u32>(box, x0, 8);
    store<u32>(box, x1, 20);
  }
  // planes come in order, rows and columns do not
  store<u32>(box, min(load<u32>(box, 4), y), 4);
  store<u32>(box, min(load<u32>(box, 8), x0), 8);
  store<u32>(box, z, 12);
  store<u32>(box, max(load<u32>(box, 16), y), 16);
  store<u32>(box, max(load<u32>(box, 20), x1), 20);
}

function boxPixels(box: usize): u32 {
  return (load<u32>(box, 12) - load<u32>(box) + 1) *
    (load<u32>(box, 16) - load<u32>(box, 4) + 1) *
    (load<u32>(box, 20) - load<u32>(box, 8) + 1);
}

/**
 * Fill the holes of one label: the runs of all else in its box are joined by
 * faces; those not joined to the box's border are holes.
 *
 * returns  false without scratch memory
 */
function fillBox(
  masks: usize,
  d: i32,
  h: i32,
  w: i32,
  box: usize,
  label: u32,
  parity: i32,
): bool {
  const z0 = load<u32>(box);
  const y0 = load<u32>(box, 4);
  const x0 = load<u32>(box, 8);
  const depth = load<u32>(box, 12) - z0 + 1;
  const height = load<u32>(box, 16) - y0 + 1;
  const width = usize(load<u32>(box, 20) - x0 + 1) << 2;
  const rows = depth * height;
  const start = mark();
  const starts = allocate((usize(rows) + 1) << 2);
  if (starts == 0) return false;

  // record 0 is the outside; the runs of row r are starts[r] … starts[r + 1]
  let runs: usize = 0;
  let used: u32 = 1;
  for (let pass = 0; pass < 2; pass++) {
    if (pass == 1) {
      runs = allocate(usize(used) * RUN_BYTES);
      if (runs == 0) {
        release(start);
        return false;
      }
      store<u32>(runs, 0, 12);
      used = 1;
    }
    for (let r: u32 = 0; r < rows; r++) {
      store<u32>(starts + (usize(r) << 2), used);
      const z = r / height;
      const y = r % height;
      const begin = rowOf(masks, h, w, z0 + z, y0 + y) + (usize(x0) << 2);
      const isBorder = y == 0 || y == height - 1 ||
        (d > 1 && (z == 0 || z == depth - 1));
      used = cutRow(runs, used, begin, width, label, isBorder);
      if (pass == 0) continue;
      const i = load<u32>(starts + (usize(r) << 2));
      if (y > 0) {
        const j = load<u32>(starts + (usize(r - 1) << 2));
        joinRows(runs, i, used, j, i, 0);
      }
      if (z > 0) {
        const above = starts + (usize(r - height) << 2);
        joinRows(runs, i, used, load<u32>(above), load<u32>(above, 4), 0);
      }
    }
    store<u32>(starts + (usize(rows) << 2), used);
  }

  for (let r: u32 = 0; r < rows; r++) {
    const begin = rowOf(masks, h, w, z0 + r / height, y0 + r % height) +
      (usize(x0) << 2);
    const last = load<u32>(starts + (usize(r) << 2), 4);
    for (let i = load<u32>(starts + (usize(r) << 2)); i < last; i++) {
      if (findRoot(runs, i) == 0) continue;
      const run = runs + usize(i) * RUN_BYTES;
      const from = begin + (usize(load<u32>(run)) << 2);
      const to = begin + (usize(load<u32>(run, 4)) << 2);
      if (parity) fillRun(from, to, label);
      else fillBackground(from, to, label);
    }
  }
  release(start);
  return true;
}

/**
 * Record the runs of a row that are not `label`; `runs` 0: only count them.
 *
 * returns  records used after it
 */
function cutRow(
  runs: usize,
  used: u32,
  begin: usize,
  width: usize,
  label: u32,
  isBorder: bool,
): u32 {
  const end = begin + width;
  for (let at = begin; at < end;) {
    if (load<u32>(at) == label) {
      at = runEnd(at, end);
      continue;
    }
    const to = findLabel(at, end, label);
    if (runs != 0) {
      const run = runs + usize(used) * RUN_BYTES;
      store<u32>(run, u32((at - begin) >> 2));
      store<u32>(run, u32((to - begin) >> 2), 4);
      store<u32>(run, 0, 8);
      const isOutside = isBorder || at == begin || to == end;
      store<u32>(run, isOutside ? 0 : used, 12);
    }
    used++;
    at = to;
  }
  return used;
}

function fillBackground(from: usize, to: usize, label: u32): void {
  while (from < to) {
    const end = runEnd(from, to);
    if (load<u32>(from) == 0) fillRun(from, end, label);
    from = end;
  }
}

function rowOf(masks: usize, h: i32, w: i32, z: u32, y: u32): usize {
  return masks + (((usize(z) * usize(h)) + usize(y)) * usize(w) << 2);
}
