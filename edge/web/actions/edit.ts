/**
 * Edits of the chosen plane: done, undone, done again, and kept.
 *
 * @module
 */
import { batch } from "@preact/signals";
import { addEdit, applyRuns, redo, type Runs, undo } from "../edit/log.ts";
import {
  type Cells,
  type Doc,
  makeCells,
  planeOf,
  selected,
  shiftAreas,
} from "../store.ts";
import type { View } from "../view/geometry.ts";
import { summarize } from "../edit/packed.ts";
import { keepEdit, keepMasks, keyOf } from "./kept.ts";

/** Cells of the chosen plane; empty ones where there are none. */
export function editable(image: Doc): Cells {
  const state = planeOf(image);
  if (state.cells.value === undefined) {
    const { height, width } = image.facts.size;
    const empty = summarize(Uint32Array.of(height * width, 0));
    const cells = makeCells(empty, {
      before: undefined,
      size: { height, width },
      source: "hand",
    });
    state.cells.value = cells;
    keepMasks(keyOf(image), cells);
  }
  return state.cells.value as Cells;
}

/** Carry out an edit; one that changes nothing is none. */
export function commit(
  image: Doc,
  tool: string,
  { runs, view }: { runs: Runs; view?: View },
): boolean {
  if (runs.length === 0) return false;
  const cells = editable(image);
  const edit = { tool, runs, ...(view ? { view } : {}) };
  applyRuns(cells.masks, runs, "after");
  const log = addEdit(cells.log, edit);
  show(image, cells, { log, runs, which: "after" });
  keepEdit(keyOf(image), { ...cells, log }, edit);
  return true;
}

/** Undo the last edit; its view, where the page should go. */
export function undoEdit(image: Doc): View | undefined {
  const cells = planeOf(image).cells.value;
  const undone = cells && undo(cells.masks, cells.log);
  if (!undone) return undefined;
  const { log, edit } = undone;
  show(image, cells, { log, runs: edit.runs, which: "before" });
  keepEdit(keyOf(image), { ...cells, log });
  return edit.view;
}

/** Do an undone edit again. */
export function redoEdit(image: Doc): View | undefined {
  const cells = planeOf(image).cells.value;
  const redone = cells && redo(cells.masks, cells.log);
  if (!redone) return undefined;
  const { log, edit } = redone;
  show(image, cells, { log, runs: edit.runs, which: "after" });
  keepEdit(keyOf(image), { ...cells, log });
  return edit.view;
}

/** A number that no label has or had. */
export function freshLabel({ top }: Cells): number {
  return top + 1;
}

function show(
  image: Doc,
  cells: Cells,
  { log, runs, which }: {
    log: Cells["log"];
    runs: Runs;
    which: "before" | "after";
  },
): void {
  const { areas, count } = shiftAreas(cells, runs, which);
  let { top } = cells;
  for (let r = 3; r < runs.length; r += 4) top = Math.max(top, runs[r]);
  let { colors } = cells;
  if (top >= colors.length) {
    // new cells get colors that no other has
    const next = new Uint32Array(Math.max(top + 1, colors.length * 2));
    next.set(colors);
    let color = colors.reduce((most, each) => Math.max(most, each), 0);
    for (let l = colors.length; l < next.length; l++) next[l] = ++color;
    colors = next;
  }
  batch(() => {
    planeOf(image).cells.value = {
      ...cells,
      log,
      areas,
      count,
      top,
      colors,
      edited: { areas: cells.areas, runs },
    };
    selected.value = selected.value.filter((label) => areas[label] > 0);
  });
}
