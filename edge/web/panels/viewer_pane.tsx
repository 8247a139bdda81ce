/**
 * The viewer's place: canvas, tools at hand, slider of a stack, warnings.
 *
 * @module
 */
import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { networkId } from "../actions/masks.ts";
import { restore } from "../actions/open.ts";
import { DRAGS, labelAt, useTool } from "../actions/tools.ts";
import type { Point } from "../edit/shapes.ts";
import {
  baseLayer,
  currentId,
  type Doc,
  doc,
  planeOf,
  radius,
  selected,
  showArrows,
  tell,
  tool,
} from "../store.ts";
import { createViewer, type Decorate, type Viewer } from "../view/viewer.ts";
import { cellWorker, pictures } from "../workers.ts";
import { drawLines, type Lines, loadArrows, startTrace } from "./lines.ts";
import { changeOf, overlayOf } from "./overlay_look.ts";

let viewer: Viewer | undefined;

/** The viewer, once it is there. */
export const theViewer = (): Viewer | undefined => viewer;

const hovered = signal("");
const stroke: { points: Point[]; isOn: boolean } = { points: [], isOn: false };
/** Where keys act; shown once they have moved it. */
const cursor = signal<Point | undefined>(undefined);

/** The pane. */
export function ViewerPane() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current === null) return;
    return attach(canvas.current);
  }, []);
  const image = doc.value;
  const state = image && planeOf(image);
  const warnings = state?.warnings.value ?? [];
  const empty = state?.cells.value?.emptyReason;
  return (
    <div class="viewer">
      <canvas
        ref={canvas}
        class={`tool-${tool.value}`}
        tabIndex={0}
        role="application"
        aria-roledescription="image viewer"
        aria-label={image
          ? `${image.name}, ${
            state?.cells.value?.count ?? 0
          } cells. Arrow keys move, plus and minus zoom, Shift with arrows moves the cursor, Space uses the tool there or sets a point of its line, Enter ends the line, Escape drops it.`
          : "No image is open"}
        onKeyDown={onKey}
      />
      {!image && (
        <p class="empty">
          Drop images here, paste them, or choose an example.
        </p>
      )}
      <div class="zoom" role="group" aria-label="Zoom">
        <button
          type="button"
          aria-label="Zoom in"
          onClick={() => viewer?.zoomBy(1.5)}
        >
          +
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          onClick={() => viewer?.zoomBy(1 / 1.5)}
        >
          −
        </button>
        <button type="button" onClick={() => viewer?.fit()}>Fit</button>
      </div>
      {image && image.facts.planes > 1 && <PlaneSlider image={image} />}
      {(warnings.length > 0 || empty) && (
        <ul class="warnings" aria-label="Warnings">
          {empty && <li key="empty">{empty}</li>}
          {warnings.map(({ code, message }) => (
            <li key={code + message}>{message}</li>
          ))}
        </ul>
      )}
      <output class="where" aria-hidden="true">{hovered.value}</output>
    </div>
  );
}

function PlaneSlider({ image }: { image: Doc }) {
  const { axes, planes } = image.facts;
  const name = axes.includes("T") && !axes.includes("Z") ? "Time" : "Plane";
  return (
    <label class="planes">
      {name}
      <input
        type="range"
        min={0}
        max={planes - 1}
        step={1}
        value={image.plane.value}
        onInput={(event) => {
          image.plane.value = event.currentTarget.valueAsNumber;
          selected.value = [];
          void restore(image);
        }}
      />
      <span>{image.plane.value + 1} of {planes}</span>
    </label>
  );
}

function attach(canvas: HTMLCanvasElement): () => void {
  const lines: Lines = { arrows: undefined, traces: undefined };
  const made = createViewer(canvas, {
    isDrawing: () => doc.value !== undefined && tool.value !== "pan",
    onStart(at, { shiftKey }) {
      if (DRAGS.has(tool.value)) {
        stroke.points = [at];
        stroke.isOn = true;
      } else act([at], shiftKey);
    },
    onMove(at) {
      if (!stroke.isOn) return;
      stroke.points.push(at);
      made.redraw();
    },
    onEnd(at) {
      if (!stroke.isOn) return;
      stroke.isOn = false;
      act([...stroke.points, at], false);
      stroke.points = [];
      made.redraw();
    },
    onHover(at) {
      const image = doc.value;
      hovered.value = at && image ? describe(image, at) : "";
    },
    onView(view) {
      if (doc.value) doc.value.view = view;
      if (showArrows.value) arrowsDue();
    },
  });
  viewer = made;

  const arrowsDue = later(async () => {
    const image = doc.value;
    lines.arrows = image && showArrows.value &&
        planeOf(image).hasFlows.value
      ? await loadArrows(networkId(image), made.view, canvas)
      : undefined;
    made.redraw();
  }, 60);

  const act = (points: Point[], isMore: boolean) => {
    const image = doc.value;
    if (image === undefined) return;
    if (tool.value === "trace") {
      startTrace(networkId(image), points[0], lines)
        .then(() => made.redraw())
        .catch((err) => tell("error", err.message));
      return;
    }
    useTool(tool.value, points, { view: made.view, isMore });
  };
  keyAct = (points) => act(points, false);

  const decorate: Decorate = (context, place, zoom) =>
    drawLines(context, { place, zoom }, {
      lines,
      stroke: stroke.isOn ? stroke.points : [],
      tool: tool.value,
      radius: radius.value,
      cursor: cursor.value,
    });
  made.setDecoration(decorate);

  const stops = [
    effect(() => {
      // another image
      const image = docOf(currentId.value);
      lines.traces = undefined;
      lines.arrows = undefined;
      cursor.value = undefined;
      made.open(image?.facts.size, image?.view);
    }),
    effect(() => {
      // another plane, layer or contrast
      const image = doc.value;
      if (image === undefined) return;
      const plane = image.plane.value;
      const kind = baseLayer.value;
      const looks = image.looks.value;
      const hasFlows = planeOf(image, plane).hasFlows.value;
      made.setBase((at) =>
        kind === "image" || !hasFlows
          ? pictures.call("drawTile", { id: image.id, plane, looks, ...at })
          : cellWorker.call("drawNetworkTile", {
            id: networkId(image, plane),
            kind,
            ...at,
          })
      );
    }),
    effect(() => made.setOverlay(overlayOf(doc.value), changeOf(doc.value))),
    effect(() => {
      showArrows.value;
      doc.value && planeOf(doc.value).hasFlows.value;
      arrowsDue();
    }),
    effect(() => {
      cursor.value;
      radius.value;
      made.redraw();
    }),
    effect(() => {
      // a line of another tool is none of this one's
      tool.value;
      dropLine();
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    made.close();
    viewer = undefined;
  };
}

let keyAct: (points: Point[]) => void = () => {};

/** The tools whose lines keys can draw, a point at a time. */
const hasLine = () =>
  DRAGS.has(tool.value) && tool.value !== "brush" && tool.value !== "erase";

/** Space sets a point of a line, Enter its last one; other tools act at once. */
function useCursor(at: Point, isLast: boolean): void {
  if (!hasLine()) return keyAct([at]);
  const points = [...stroke.points, at];
  if (isLast) {
    dropLine();
    keyAct(points);
  } else {
    stroke.points = points;
    stroke.isOn = true;
    viewer?.redraw();
  }
}

function dropLine(): void {
  stroke.points = [];
  stroke.isOn = false;
  viewer?.redraw();
}

/** Keys of the canvas: move, zoom, and use the tool at the cursor. */
function onKey(event: KeyboardEvent): void {
  const image = doc.value;
  if (!viewer || !image || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1] }[
    event.key
  ] ?? (event.key === "ArrowDown" ? [0, 1] : undefined);
  if (step) {
    if (event.shiftKey) {
      const { x, y } = cursor.value ?? viewer.view;
      const by = Math.max(1, Math.round(4 / viewer.view.zoom));
      cursor.value = {
        x: Math.floor(x) + 0.5 + step[0] * by,
        y: Math.floor(y) + 0.5 + step[1] * by,
      };
      hovered.value = describe(image, cursor.value);
    } else viewer.pan(-40 * step[0], -40 * step[1]);
  } else if (event.key === "+" || event.key === "=") viewer.zoomBy(1.25);
  else if (event.key === "-") viewer.zoomBy(0.8);
  else if (event.key === "0") viewer.fit();
  else if (event.key === " " || event.key === "Enter") {
    cursor.value ??= viewer.view;
    useCursor(cursor.value, event.key === "Enter");
  } else if (event.key === "Escape" && stroke.isOn) dropLine();
  else return;
  event.preventDefault();
}

function describe(image: Doc, at: Point): string {
  const { height, width } = image.facts.size;
  const [y, x] = [Math.floor(at.y), Math.floor(at.x)];
  if (y < 0 || x < 0 || y >= height || x >= width) return "";
  const label = planeOf(image).cells.value ? labelAt(image, at) : 0;
  return `y ${y}, x ${x}${label > 0 ? `, cell ${label}` : ""}`;
}

function docOf(id: string | undefined): Doc | undefined {
  // reads the chosen id only: another list is not another image
  return id === undefined ? undefined : doc.value;
}

/** Work that is done once calls have paused. */
function later(work: () => Promise<void>, ms: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => void work().catch(() => {}), ms);
  };
}
