/**
 * The log of edits: what each changed, so that any number can be undone, done
 * again, kept and replayed.
 *
 * @module
 */
import type { View } from "../view/geometry.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { Labels } from "./labels.ts";
import type { Packed } from "./packed.ts";

/**
 * Runs of pixels that had one label and have another: start, length, label
 * before, label after; four numbers a run.
 */
export type Runs = Uint32Array<ArrayBuffer>;

/** One edit. */
export interface Edit {
  readonly tool: string;
  readonly runs: Runs;
  /** What was looked at: undo and redo go back there. */
  readonly view?: View;
}

/** Edits over masks; those behind `done` are undone. */
export interface EditLog {
  readonly edits: readonly Edit[];
  readonly done: number;
}

/** A log without edits. */
export const EMPTY_LOG: EditLog = { edits: [], done: 0 };

/**
 * Find what a change would do: pixels and their new labels → runs.
 *
 * @param masks    H×W, as they are
 * @param pixels   ascending, each once
 * @param labelAt  new label of a pixel
 * @returns        runs of the pixels that change
 */
export function toRuns(
  masks: Labels,
  pixels: Iterable<number>,
  labelAt: (pixel: number) => number,
): Runs {
  const out: number[] = [];
  for (const pixel of pixels) {
    const before = masks.at(pixel);
    const after = labelAt(pixel);
    if (before === after) continue;
    pushRun(out, [pixel, 1, before, after]);
  }
  return Uint32Array.from(out);
}

/** Compare two label images: runs that lead from one to the other. */
export function diffRuns(before: Labels, after: Labels): Runs {
  const [a, b] = [before.pack(), after.pack()];
  const out: number[] = [];
  let [i, j, at] = [0, 0, 0];
  let [endA, endB] = [a[0], b[0]];
  while (i < a.length) {
    const end = Math.min(endA, endB);
    const [from, to] = [a[i + 1], b[j + 1]];
    if (from !== to) pushRun(out, [at, end - at, from, to]);
    at = end;
    if (endA === end) endA += a[i += 2];
    if (endB === end) endB += b[j += 2];
  }
  return Uint32Array.from(out);
}

/** Add a run; one that continues the last makes it longer. */
function pushRun(
  out: number[],
  [at, length, from, to]: readonly [number, number, number, number],
): void {
  const last = out.length - 4;
  const isNext = last >= 0 && out[last] + out[last + 1] === at &&
    out[last + 2] === from && out[last + 3] === to;
  if (isNext) out[last + 1] += length;
  else out.push(at, length, from, to);
}

/** Write an edit's labels into masks; `before` for its old ones. */
export function applyRuns(
  masks: Labels,
  runs: Runs,
  which: "before" | "after",
): void {
  const at = which === "after" ? 3 : 2;
  for (let r = 0; r < runs.length; r += 4) {
    masks.fill(runs[r + at], runs[r], runs[r] + runs[r + 1]);
  }
}

/** Add an edit that is done; what was undone is forgotten. */
export function addEdit(log: EditLog, edit: Edit): EditLog {
  const edits = [...log.edits.slice(0, log.done), edit];
  return { edits, done: edits.length };
}

/** Undo the last edit in the masks; the edit, or undefined if there is none. */
export function undo(
  masks: Labels,
  log: EditLog,
): { log: EditLog; edit: Edit } | undefined {
  const edit = log.edits[log.done - 1];
  if (edit === undefined) return undefined;
  applyRuns(masks, edit.runs, "before");
  return { log: { ...log, done: log.done - 1 }, edit };
}

/** Do the next edit again in the masks. */
export function redo(
  masks: Labels,
  log: EditLog,
): { log: EditLog; edit: Edit } | undefined {
  const edit = log.edits[log.done];
  if (edit === undefined) return undefined;
  applyRuns(masks, edit.runs, "after");
  return { log: { ...log, done: log.done + 1 }, edit };
}

/** Masks after the edits of a log that are done. */
export function replay(
  base: Packed,
  size: Size2D,
  { edits, done }: EditLog,
): Labels {
  const masks = new Labels(base, size);
  for (const { runs } of edits.slice(0, done)) applyRuns(masks, runs, "after");
  return masks;
}
