/**
 * Correcting cells by hand.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { redoEdit, undoEdit } from "../actions/edit.ts";
import * as acts from "../actions/tools.ts";
import {
  addsBy,
  type Doc,
  doc,
  planeOf,
  prompted,
  radius,
  selected,
  type Tool,
  tool,
} from "../store.ts";
import { FilesSection, KeptSection } from "./label_files.tsx";
import { Choice, Section, Slider } from "./parts.tsx";
import { theViewer } from "./viewer_pane.tsx";

/** The tools, with the key of each. */
export const TOOLS: readonly {
  readonly tool: Tool;
  readonly title: string;
  readonly key: string;
  readonly hint: string;
}[] = [
  { tool: "pan", title: "Move", key: "h", hint: "drag to move the image" },
  {
    tool: "select",
    title: "Select",
    key: "v",
    hint: "click a cell; with Shift several",
  },
  {
    tool: "brush",
    title: "Brush",
    key: "b",
    hint: "drag to paint; starts in a cell: that cell, else a new one",
  },
  { tool: "erase", title: "Eraser", key: "e", hint: "drag to erase" },
  {
    tool: "polygon",
    title: "Polygon",
    key: "p",
    hint: "draw around a new cell",
  },
  {
    tool: "fill",
    title: "Fill holes",
    key: "f",
    hint: "click a cell whose holes are to be filled",
  },
  {
    tool: "split",
    title: "Split",
    key: "s",
    hint: "drag across a cell to split it",
  },
  {
    tool: "merge",
    title: "Merge",
    key: "m",
    hint: "click a cell, then others to join to it",
  },
  {
    tool: "delete",
    title: "Delete",
    key: "d",
    hint: "click a cell to delete it",
  },
  {
    tool: "lasso",
    title: "Lasso",
    key: "l",
    hint: "draw around cells to delete them",
  },
  {
    tool: "add",
    title: "Add",
    key: "a",
    hint: "click: the cell there, by the prompted model or by the flows",
  },
  {
    tool: "box",
    title: "Box",
    key: "x",
    hint: "drag a box around a cell: the prompted model finds it",
  },
  {
    tool: "trace",
    title: "Trace",
    key: "t",
    hint: "click: pixels there follow the flows, as the method does",
  },
];

const smallest = signal(30);

/** The panel. */
export function CorrectPanel() {
  const image = doc.value;
  if (image === undefined) return <p>Open an image first.</p>;
  const cells = planeOf(image).cells.value;
  const log = cells?.log;
  const tools = TOOLS.filter((each) =>
    each.tool !== "box" || prompted.value !== undefined
  );
  const chosen = tools.find((each) => each.tool === tool.value);
  const keys = acts.DRAGS.has(tool.value) && chosen
    ? chosen.tool === "brush" || chosen.tool === "erase"
      ? "; with keys: Space dabs at the cursor"
      : "; with keys: Space sets points, Enter the last one"
    : "";
  return (
    <>
      <Section title="Tools">
        <div class="tools" role="group" aria-label="Tools">
          {tools.map(({ tool: each, title, key }) => (
            <button
              key={each}
              type="button"
              aria-pressed={tool.value === each}
              aria-keyshortcuts={key}
              onClick={() => tool.value = each}
            >
              {title} <kbd>{key}</kbd>
            </button>
          ))}
        </div>
        <p class="hint" aria-live="polite">{chosen?.hint}{keys}</p>
        {prompted.value && (
          <Choice
            label="Add by"
            value={addsBy.value}
            choices={[
              ["model", `the prompted model, ${prompted.value.name}`],
              ["flows", "the flows"],
            ]}
            onChange={(value) => addsBy.value = value}
          />
        )}
        <Slider
          label="Radius, px"
          value={radius.value}
          min={0.5}
          max={40}
          step={0.5}
          onChange={(value) => radius.value = value}
        />
      </Section>
      <Section title="Edits">
        <div class="buttons">
          <button
            type="button"
            disabled={!log || log.done === 0}
            onClick={() => step(image, undoEdit)}
          >
            Undo
          </button>
          <button
            type="button"
            disabled={!log || log.done === log.edits.length}
            onClick={() => step(image, redoEdit)}
          >
            Redo
          </button>
        </div>
        <p class="hint" data-testid="edits">
          {log?.done ?? 0} of {log?.edits.length ?? 0} edits;{" "}
          {cells?.count ?? 0} cells
        </p>
      </Section>
      <Section title="Selected">
        <p class="hint">
          {selected.value.length === 0
            ? "No cell is selected."
            : `Cells ${selected.value.slice(0, 8).join(", ")}${
              selected.value.length > 8 ? "…" : ""
            }`}
        </p>
        <div class="buttons">
          <button
            type="button"
            disabled={selected.value.length === 0}
            onClick={() => acts.resizeSelected(image, "grow")}
          >
            Grow
          </button>
          <button
            type="button"
            disabled={selected.value.length === 0}
            onClick={() => acts.resizeSelected(image, "shrink")}
          >
            Shrink
          </button>
          <button
            type="button"
            disabled={selected.value.length < 2}
            onClick={() => acts.mergeSelected(image)}
          >
            Merge
          </button>
          <button
            type="button"
            disabled={selected.value.length === 0}
            onClick={() => acts.deleteLabels(image, selected.value)}
          >
            Delete
          </button>
        </div>
        <Slider
          label="Smaller than, px"
          value={smallest.value}
          min={1}
          max={1000}
          step={1}
          onChange={(value) => smallest.value = value}
        />
        <button
          type="button"
          onClick={() => acts.deleteSmall(image, smallest.value)}
        >
          Delete smaller cells
        </button>
      </Section>
      <FilesSection image={image} />
      <KeptSection image={image} />
    </>
  );
}

/** Undo or redo, and look where that was. */
export function step(
  image: Doc,
  go: (image: Doc) => ReturnType<typeof undoEdit>,
): void {
  const view = go(image);
  if (view) theViewer()?.setView(view);
}
