/**
 * What the tools do to the chosen plane: each is one edit.
 *
 * @module
 */
import {
  brush,
  fillHoles,
  lassoed,
  polygon,
  relabel,
  resize,
  split,
} from "../edit/tools.ts";
import { applyRuns, diffRuns, toRuns } from "../edit/log.ts";
import type { Point } from "../edit/shapes.ts";
import {
  addsBy,
  type Doc,
  doc,
  prompted,
  radius,
  selected,
  tell,
  type Tool,
  withBusy,
} from "../store.ts";
import { clamp, type View } from "../view/geometry.ts";
import { cellWorker } from "../workers.ts";
import { commit, editable, freshLabel } from "./edit.ts";
import { networkId } from "./masks.ts";
import { addPrompted } from "./prompt.ts";

/** Tools that are drags; others act where they are clicked. */
export const DRAGS: ReadonlySet<Tool> = new Set<Tool>([
  "brush",
  "erase",
  "polygon",
  "lasso",
  "split",
  "box",
]);

/** The label at a point of the image. */
export function labelAt(image: Doc, { x, y }: Point): number {
  const { height, width } = image.facts.size;
  const [row, column] = [Math.floor(y), Math.floor(x)];
  if (row < 0 || column < 0 || row >= height || column >= width) return 0;
  return editable(image).masks.at(row * width + column);
}

/** Carry out what a stroke or a click with a tool means. */
export function useTool(
  used: Tool,
  stroke: readonly Point[],
  { view, isMore = false }: { view?: View; isMore?: boolean } = {},
): void {
  const image = doc.value;
  const [first] = stroke;
  if (image === undefined || first === undefined) return;
  const canvas = canvasOf(image);
  const run = (runs: ReturnType<typeof brush>) =>
    commit(image, used, { runs, ...(view ? { view } : {}) });
  const label = labelAt(image, first);
  switch (used) {
    case "select":
      return choose(label, isMore);
    case "brush": {
      const painted = label > 0 ? label : freshLabel(editable(image));
      run(brush(canvas, stroke, { label: painted, radius: radius.value }));
      return;
    }
    case "erase":
      run(brush(canvas, stroke, { label: 0, radius: radius.value }));
      return;
    case "polygon":
      run(polygon(canvas, stroke, freshLabel(editable(image))));
      return;
    case "fill":
      if (label > 0 && !run(fillHoles(canvas, label))) {
        tell("note", "This cell has no holes");
      }
      return;
    case "split":
      if (!run(split(canvas, stroke))) {
        tell("note", "The stroke splits no cell: draw it right across one");
      }
      return;
    case "merge":
      return mergeClicked(image, label);
    case "delete":
      if (label > 0) deleteLabels(image, [label]);
      return;
    case "lasso":
      deleteLabels(image, lassoed(canvas, stroke));
      return;
    case "add": {
      const isPrompt = prompted.value !== undefined && addsBy.value === "model";
      void (isPrompt
        ? addPrompted(image, { points: [toPlace(first)] })
        : addCell(image, first));
      return;
    }
    case "box":
      void addPrompted(image, { box: boxOf(stroke, image) });
      return;
  }
}

function choose(label: number, isMore: boolean): void {
  if (label === 0) selected.value = isMore ? selected.value : [];
  else if (!isMore) selected.value = [label];
  else {
    selected.value = selected.value.includes(label)
      ? selected.value.filter((each) => each !== label)
      : [...selected.value, label];
  }
}

function mergeClicked(image: Doc, label: number): void {
  if (label === 0) return;
  const [into] = selected.value;
  if (into === undefined || into === label) {
    selected.value = [label];
    tell("note", "Click the cells that belong to this one");
    return;
  }
  commit(image, "merge", { runs: relabel(canvasOf(image), [label], into) });
}

/** Make the selected cells one: the first. */
export function mergeSelected(image: Doc): void {
  const [into, ...others] = selected.value;
  if (into === undefined) return;
  commit(image, "merge", { runs: relabel(canvasOf(image), others, into) });
}

/** Delete cells, as one edit. */
export function deleteLabels(image: Doc, labels: readonly number[]): void {
  commit(image, "delete", { runs: relabel(canvasOf(image), labels, 0) });
}

/** Delete all cells below a size. */
export function deleteSmall(image: Doc, pixels: number): void {
  const small: number[] = [];
  for (const [label, area] of editable(image).areas.entries()) {
    if (area > 0 && area < pixels) small.push(label);
  }
  deleteLabels(image, small);
  tell("note", `${small.length} cells were smaller than ${pixels} pixels`);
}

/** Grow or shrink the selected cells by a pixel, as one edit. */
export function resizeSelected(image: Doc, by: "grow" | "shrink"): void {
  const { size, masks } = canvasOf(image);
  const after = masks.fork();
  for (const label of selected.value) {
    applyRuns(after, resize({ masks: after, size }, label, by), "after");
  }
  commit(image, by, { runs: diffRuns(masks, after) });
}

/** A point as the service takes it; centers of pixels are whole. */
function toPlace({ x, y }: Point): [number, number] {
  return [Math.floor(y), Math.floor(x)];
}

/** The box that a drag spans, within the image: y0, x0, y1, x1. */
function boxOf(
  stroke: readonly Point[],
  image: Doc,
): [number, number, number, number] {
  const { height, width } = image.facts.size;
  const [a, b] = [stroke[0], stroke[stroke.length - 1]];
  const y = [a.y, b.y].map((at) => clamp(at, 0, height));
  const x = [a.x, b.x].map((at) => clamp(at, 0, width));
  return [Math.min(...y), Math.min(...x), Math.max(...y), Math.max(...x)];
}

/** Add the cell whose pixels flow to where the clicked one does. */
async function addCell(image: Doc, { x, y }: Point): Promise<void> {
  await withBusy("Looking for the cell", async () => {
    const pixels = await cellWorker.call("gather", {
      id: networkId(image),
      x,
      y,
    });
    const cells = editable(image);
    const label = freshLabel(cells);
    const free = pixels.filter((i) => cells.masks.at(i) === 0);
    const runs = toRuns(cells.masks, free, () => label);
    if (!commit(image, "add", { runs })) tell("note", "No pixel flows there");
  });
}

function canvasOf(image: Doc) {
  return { masks: editable(image).masks, size: image.facts.size };
}
