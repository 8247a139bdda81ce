/**
 * The runs of every label, label by label: what regions are measured from.
 *
 * A run is 16 bytes: row u32 (z·h + y), label u32, first column u32, column
 * after the last u32.
 */
import { sortRecords } from "./radix";
import { runEnd } from "./runs";

/**
 * Count the runs of labels.
 *
 * masks   rows×w u32
 *
 * Source: ours.
 */
export function countRuns(masks: usize, rows: i32, w: i32): i32 {
  return listRuns(0, masks, rows, w);
}

/**
 * List the runs, by ascending label, each label's in raster order.
 *
 * runs    R×16 bytes  overwritten
 * spare   R×16 bytes  overwritten
 * masks   rows×w u32
 * count   R           as counted
 *
 * returns the address of the list, `runs` or `spare`; 0 without memory
 *
 * Source: ours.
 */
export function sortRuns(
  runs: usize, spare: usize, masks: usize, rows: i32, w: i32, count: i32,
): usize {
  listRuns(runs, masks, rows, w);
  // the sort is stable: rows stay in order
  return sortRecords(runs, spare, count, 4, 8);
}

/**
 * Move runs by rows: from those of a band to those of the image.
 *
 * runs    R×16 bytes  in place
 * count   R
 * by      u32         rows
 *
 * Source: ours.
 */
export function shiftRuns(runs: usize, count: i32, by: u32): void {
  const end = runs + (usize(count) << 4);
  for (let at = runs; at < end; at += 16) store<u32>(at, load<u32>(at) + by);
}

/**
 * Count the labels of a sorted list.
 *
 * runs    R×16 bytes
 * count   R
 *
 * Source: ours.
 */
export function countGroups(runs: usize, count: i32): i32 {
  let groups = 0;
  const end = runs + (usize(count) << 4);
  for (let at = runs; at < end; at = groupEnd(at, end)) groups++;
  return groups;
}

/**
 * Areas of the labels of a sorted list.
 *
 * labels  K u32       out: ascending
 * areas   K u32       out: pixels
 * runs    R×16 bytes
 * count   i32         R
 *
 * Source: ours.
 */
export function groupAreas(labels: usize, areas: usize, runs: usize, count: i32): void {
  const end = runs + (usize(count) << 4);
  for (let at = runs; at < end; labels += 4, areas += 4) {
    const to = groupEnd(at, end);
    store<u32>(labels, load<u32>(at, 4));
    let area: u32 = 0;
    for (; at < to; at += 16) area += load<u32>(at, 12) - load<u32>(at, 8);
    store<u32>(areas, area);
  }
}

/** Address after the runs of the label at `at`. */
export function groupEnd(at: usize, end: usize): usize {
  const label = load<u32>(at, 4);
  do at += 16; while (at < end && load<u32>(at, 4) == label);
  return at;
}

/** Write the runs that are not background; `out` 0: only count them. */
function listRuns(out: usize, masks: usize, rows: i32, w: i32): i32 {
  let count = 0;
  let begin = masks;
  for (let r = 0; r < rows; r++) {
    const end = begin + (usize(w) << 2);
    for (let at = begin; at < end;) {
      const to = runEnd(at, end);
      const label = load<u32>(at);
      if (label != 0) {
        count++;
        if (out != 0) {
          store<u32>(out, r);
          store<u32>(out, label, 4);
          store<u32>(out, u32((at - begin) >> 2), 8);
          store<u32>(out, u32((to - begin) >> 2), 12);
          out += 16;
        }
      }
      at = to;
    }
    begin = end;
  }
  return count;
}
