/**
 * Shapes of synthetic cells: which pixels a cell covers.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { Random } from "./random.ts";

/** Kinds of shapes; `mixed` draws one of the first three for each cell. */
export type ShapeKind = "circle" | "ellipse" | "rod" | "bent" | "mixed";

/** A cell before others cover it. */
export interface Cell {
  readonly kind: Exclude<ShapeKind, "mixed">;
  /** (y, x), pixels. */
  readonly center: readonly [number, number];
  /** Radius of the circle of the same area, pixels. */
  readonly radius: number;
  /** Length over width, ≥ 1. */
  readonly aspect: number;
  /** Unit vector (y, x) along the length. */
  readonly direction: readonly [number, number];
  /** Sag of a bent rod: how far its ends bend away, as a part of its length. */
  readonly bend: number;
}

/** Aspects drawn where the caller names none. */
export const DEFAULT_ASPECT = {
  circle: [1, 1],
  ellipse: [1.2, 2.5],
  rod: [3, 5],
  bent: [3, 5],
} as const;

/** Draw the form of a cell; `center` is set when it is placed. */
export function drawForm(
  random: Random,
  shape: ShapeKind,
  radius: readonly [number, number],
  aspect?: readonly [number, number],
): Omit<Cell, "center"> {
  const mixed = ["circle", "ellipse", "rod"] as const;
  const kind = shape === "mixed" ? mixed[random.below(3)] : shape;
  const range = kind === "circle"
    ? DEFAULT_ASPECT.circle
    : aspect ?? DEFAULT_ASPECT[kind];
  return {
    kind,
    radius: random.between(...radius),
    aspect: random.between(...range),
    direction: random.direction(),
    bend: kind === "bent" ? random.between(0.1, 0.3) : 0,
  };
}

/** Call `visit` for each pixel of the image that a cell covers. */
export function forEachPixel(
  cell: Cell,
  { height, width }: Size2D,
  visit: (pixel: number) => void,
): void {
  const [cy, cx] = cell.center;
  const covers = createTest(cell);
  // a rod of the same area is less than 1.2 times as long as an ellipse
  const reach = Math.ceil(1.3 * cell.radius * Math.sqrt(cell.aspect)) + 1;
  const top = Math.max(0, Math.floor(cy) - reach);
  const bottom = Math.min(height - 1, Math.ceil(cy) + reach);
  const left = Math.max(0, Math.floor(cx) - reach);
  const right = Math.min(width - 1, Math.ceil(cx) + reach);
  const [uy, ux] = cell.direction;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [dy, dx] = [y - cy, x - cx];
      if (covers(dy * uy + dx * ux, dx * uy - dy * ux)) visit(y * width + x);
    }
  }
}

/** Whether a cell covers a point, by its coordinates along and across it. */
function createTest(cell: Cell): (along: number, across: number) => boolean {
  const { kind, radius, aspect } = cell;
  if (kind === "circle" || kind === "ellipse") {
    const long = radius * Math.sqrt(aspect);
    const short = radius / Math.sqrt(aspect);
    return (u, v) => square(u / long) + square(v / short) <= 1;
  }
  // a band of half width w around a line of length 2·l with round ends: its
  // area 4·l·w + π·w² is that of the circle, its aspect (l + w) / w
  const half = radius * Math.sqrt(Math.PI / (4 * (aspect - 1) + Math.PI));
  const length = half * (aspect - 1);
  if (kind === "rod") {
    return (u, v) => {
      const beyond = Math.max(0, Math.abs(u) - length);
      return beyond * beyond + v * v <= half * half;
    };
  }
  const spine = bendSpine(length, cell.bend);
  return (u, v) =>
    spine.some(([y, x], k) =>
      k > 0 && squareToSegment(v, u, spine[k - 1], [y, x]) <= half * half
    );
}

/** A parabola's arc as 16 segments, about its middle: points (across, along). */
function bendSpine(length: number, bend: number): [number, number][] {
  const sag = 2 * length * bend;
  return Array.from({ length: 17 }, (_, k) => {
    const t = k / 8 - 1;
    // an arc of that sag is shorter along its chord
    return [sag * (t * t - 1 / 3), length * t * (1 - bend * bend)];
  });
}

function squareToSegment(
  y: number,
  x: number,
  [ay, ax]: [number, number],
  [by, bx]: [number, number],
): number {
  const [dy, dx] = [by - ay, bx - ax];
  const t = ((y - ay) * dy + (x - ax) * dx) / (dy * dy + dx * dx);
  const near = Math.max(0, Math.min(1, t));
  return square(y - ay - near * dy) + square(x - ax - near * dx);
}

/** Unlike `**`, which engines may round differently, a product is exact. */
export function square(value: number): number {
  return value * value;
}
