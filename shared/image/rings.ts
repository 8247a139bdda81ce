/**
 * Polygons of labels, as the core's `traceContours` gives them, and back to
 * pixels.
 *
 * @module
 */
import { checkLength, type Size2D } from "../ndarray.ts";

/**
 * Rings of all labels, flat; ring r has points offsets[r] … offsets[r + 1].
 * The core's `Contours` are such rings.
 */
export interface Rings {
  /** M×2 (y, x); a ring's last point is joined to its first. */
  readonly points: ArrayLike<number>;
  /** R+1. */
  readonly offsets: ArrayLike<number>;
  /** R. */
  readonly labels: ArrayLike<number>;
  /** R; rings with the same number are one outer ring, first, and its holes. */
  readonly polygons: ArrayLike<number>;
}

/** A ring of points (x, y). */
export type Ring = readonly (readonly [x: number, y: number])[];

/** Polygons of one label: each an outer ring and its holes. */
export interface LabelPolygons {
  readonly label: number;
  readonly polygons: readonly (readonly Ring[])[];
}

/** Gather rings by label, in their order. */
export function groupRings(rings: Rings): LabelPolygons[] {
  const groups = new Map<number, Map<number, Ring[]>>();
  for (let r = 0; r < rings.labels.length; r++) {
    const ring: [number, number][] = [];
    for (let i = rings.offsets[r]; i < rings.offsets[r + 1]; i++) {
      ring.push([rings.points[2 * i + 1], rings.points[2 * i]]);
    }
    const label = rings.labels[r];
    const polygons = groups.get(label) ?? new Map<number, Ring[]>();
    groups.set(label, polygons);
    const polygon = polygons.get(rings.polygons[r]) ?? [];
    polygons.set(rings.polygons[r], polygon);
    polygon.push(ring);
  }
  return [...groups].map(([label, polygons]) => ({
    label,
    polygons: [...polygons.values()],
  }));
}

/**
 * Paint polygons into masks: pixels whose centers are inside, by the even-odd
 * rule, so that holes are left out. Later labels lie above earlier ones.
 *
 * @param masks  H×W, painted into
 * @param rings  of one label; (0, 0) is the corner of the first pixel
 */
export function paintRings(
  masks: Uint32Array,
  { height, width }: Size2D,
  { label, rings }: { label: number; rings: readonly Ring[] },
): void {
  checkLength("masks", masks, height * width);
  // where each row's center line crosses an edge
  const crossings = new Map<number, number[]>();
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i++) {
      const [x0, y0] = ring[i];
      const [x1, y1] = ring[(i + 1) % ring.length];
      if (!(Number.isFinite(x0 + y0 + x1 + y1)) || y0 === y1) continue;
      const [top, bottom] = y0 < y1 ? [y0, y1] : [y1, y0];
      const first = Math.max(0, Math.ceil(top - 0.5));
      const last = Math.min(height - 1, Math.ceil(bottom - 0.5) - 1);
      for (let y = first; y <= last; y++) {
        const x = x0 + (y + 0.5 - y0) * (x1 - x0) / (y1 - y0);
        const row = crossings.get(y);
        if (row) row.push(x);
        else crossings.set(y, [x]);
      }
    }
  }
  for (const [y, row] of crossings) {
    row.sort((a, b) => a - b);
    for (let i = 0; i + 1 < row.length; i += 2) {
      const from = Math.max(0, Math.ceil(row[i] - 0.5));
      const to = Math.min(width, Math.ceil(row[i + 1] - 0.5));
      if (to > from) masks.fill(label, y * width + from, y * width + to);
    }
  }
}

/** The size that holds all points of rings. */
export function boundRings(rings: Iterable<Ring>): Size2D {
  let [height, width] = [1, 1];
  for (const ring of rings) {
    for (const [x, y] of ring) {
      if (x > width) width = Math.ceil(x);
      if (y > height) height = Math.ceil(y);
    }
  }
  return { height, width };
}
