/**
 * Lines over the image: the stroke that is drawn, flow arrows, traced pixels.
 *
 * @module
 */
import type { Point } from "../edit/shapes.ts";
import type { Tool } from "../store.ts";
import type { View } from "../view/geometry.ts";
import { cellWorker } from "../workers.ts";

/** What is drawn besides the stroke. */
export interface Lines {
  /** y, x, dY, dX of each arrow, image pixels. */
  arrows: { readonly values: Float32Array; readonly step: number } | undefined;
  traces: {
    /** Positions of all points (y, x) after more and more steps. */
    readonly frames: readonly Float32Array[];
    readonly start: number;
  } | undefined;
}

/** Window pixels between arrows. */
const SPACING = 14;
/** Milliseconds that a trace's animation takes. */
const TRACE_MS = 2500;
/** Pixels around a click that are traced. */
const TRACED = 12;

/** Load arrows for what is in view. */
export async function loadArrows(
  id: string,
  view: View,
  canvas: HTMLCanvasElement,
): Promise<Lines["arrows"]> {
  const step = Math.max(1, Math.round(SPACING / view.zoom));
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  const box = {
    x0: view.x - w / 2 / view.zoom,
    x1: view.x + w / 2 / view.zoom,
    y0: view.y - h / 2 / view.zoom,
    y1: view.y + h / 2 / view.zoom,
  };
  const values = await cellWorker.call("sampleFlows", { id, box, step });
  return { values, step };
}

/** Follow the pixels around a point, animated. */
export async function startTrace(
  id: string,
  { x, y }: Point,
  lines: Lines,
): Promise<void> {
  const points: Point[] = [];
  for (let v = -TRACED; v <= TRACED; v += 3) {
    for (let u = -TRACED; u <= TRACED; u += 3) {
      points.push({ x: x + u, y: y + v });
    }
  }
  // the clicked pixel decides the window
  points.unshift({ x, y });
  const frames = await cellWorker.call("trace", { id, points });
  lines.traces = { frames, start: performance.now() };
}

/** Draw all lines; true while an animation goes on. */
export function drawLines(
  context: CanvasRenderingContext2D,
  { place, zoom }: { place: (at: Point) => Point; zoom: number },
  { lines, stroke, tool, radius, cursor }: {
    lines: Lines;
    stroke: readonly Point[];
    tool: Tool;
    radius: number;
    cursor: Point | undefined;
  },
): boolean {
  if (lines.arrows) drawArrows(context, { place, zoom }, lines.arrows);
  if (stroke.length > 0) {
    const isWide = tool === "brush" || tool === "erase";
    context.beginPath();
    if (tool === "box") {
      const [a, b] = [place(stroke[0]), place(stroke[stroke.length - 1])];
      context.rect(a.x, a.y, b.x - a.x, b.y - a.y);
    } else {
      for (const point of stroke) {
        const at = place(point);
        context.lineTo(at.x, at.y);
      }
    }
    if (tool === "polygon" || tool === "lasso") context.closePath();
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = isWide ? Math.max(1.5, 2 * radius * zoom) : 2;
    context.strokeStyle = tool === "erase"
      ? "rgba(255,80,80,0.6)"
      : isWide
      ? "rgba(255,255,255,0.6)"
      : "#fff";
    context.stroke();
  }
  if (cursor) {
    const at = place(cursor);
    context.lineWidth = 3;
    for (const color of ["#000", "#fff"]) {
      context.strokeStyle = color;
      context.beginPath();
      context.moveTo(at.x - 9, at.y);
      context.lineTo(at.x + 9, at.y);
      context.moveTo(at.x, at.y - 9);
      context.lineTo(at.x, at.y + 9);
      context.stroke();
      context.lineWidth = 1.5;
    }
  }
  return lines.traces ? drawTraces(context, place, lines.traces) : false;
}

function drawArrows(
  context: CanvasRenderingContext2D,
  { place, zoom }: { place: (at: Point) => Point; zoom: number },
  { values, step }: NonNullable<Lines["arrows"]>,
): void {
  const length = step * 0.8;
  context.strokeStyle = "#fff";
  context.lineWidth = 1.25;
  context.beginPath();
  for (let i = 0; i < values.length; i += 4) {
    const [y, x, dy, dx] = values.subarray(i, i + 4);
    const middle = { x: x + 0.5, y: y + 0.5 };
    const from = place({
      x: middle.x - dx * length / 2,
      y: middle.y - dy * length / 2,
    });
    const to = place({
      x: middle.x + dx * length / 2,
      y: middle.y + dy * length / 2,
    });
    const [ux, uy] = [(to.x - from.x) / 4, (to.y - from.y) / 4];
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.moveTo(to.x - ux + uy, to.y - uy - ux);
    context.lineTo(to.x, to.y);
    context.lineTo(to.x - ux - uy, to.y - uy + ux);
  }
  if (zoom > 0) context.stroke();
}

/** Points on their way; where motion is unwanted, the whole paths at once. */
function drawTraces(
  context: CanvasRenderingContext2D,
  place: (at: Point) => Point,
  { frames, start }: NonNullable<Lines["traces"]>,
): boolean {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const part = isStill ? 1 : (performance.now() - start) / TRACE_MS;
  const at = Math.min(frames.length - 1, part * (frames.length - 1));
  const whole = Math.floor(at);
  const count = frames[0].length / 2;
  for (let p = 0; p < count; p++) {
    context.beginPath();
    let last: Point = { x: 0, y: 0 };
    for (let f = 0; f <= whole; f++) {
      last = place({ x: frames[f][2 * p + 1], y: frames[f][2 * p] });
      if (f === 0) context.moveTo(last.x, last.y);
      else context.lineTo(last.x, last.y);
    }
    if (whole + 1 < frames.length) {
      const next = place({
        x: frames[whole + 1][2 * p + 1],
        y: frames[whole + 1][2 * p],
      });
      const rest = at - whole;
      last = {
        x: last.x + (next.x - last.x) * rest,
        y: last.y + (next.y - last.y) * rest,
      };
      context.lineTo(last.x, last.y);
    }
    context.lineWidth = 1.5;
    context.strokeStyle = "rgba(0,255,255,0.75)";
    context.stroke();
    context.beginPath();
    context.arc(last.x, last.y, 3, 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
  }
  return part < 1;
}
