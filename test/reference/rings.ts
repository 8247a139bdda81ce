/**
 * Rings of `traceContours` as lists, and what they enclose.
 *
 * @module
 */
import type { Contours } from "../../wasm/mod.ts";

export interface Ring {
  readonly label: number;
  readonly polygon: number;
  readonly isHole: boolean;
  /** (y, x). */
  readonly points: [number, number][];
}

/** Take flat contours apart. */
export function listRings(contours: Contours): Ring[] {
  return Array.from(contours.labels, (label, r) => {
    const points: [number, number][] = [];
    for (let i = contours.offsets[r]; i < contours.offsets[r + 1]; i++) {
      points.push([contours.points[2 * i], contours.points[2 * i + 1]]);
    }
    return {
      label,
      polygon: contours.polygons[r],
      isHole: contours.holes[r] === 1,
      points,
    };
  });
}

/** Area a ring encloses: positive where it runs counterclockwise on screen. */
export function areaOf({ points }: Ring): number {
  let twice = 0;
  points.forEach(([y, x], i) => {
    const [v, u] = points[(i + 1) % points.length];
    twice += v * x - u * y;
  });
  return -twice / 2;
}

/** Fill rings along pixel edges: a pixel is in where they wind around it. */
export function fillRings(
  rings: readonly Ring[],
  height: number,
  width: number,
): Uint32Array {
  const out = new Uint32Array(height * width);
  const labels = new Set(rings.map(({ label }) => label));
  for (const label of labels) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let isIn = false;
        for (const { points } of rings.filter((r) => r.label === label)) {
          points.forEach(([y0, x0], i) => {
            const [y1] = points[(i + 1) % points.length];
            const isCrossed = (y0 > y + 0.5) !== (y1 > y + 0.5);
            if (isCrossed && x0 <= x) isIn = !isIn;
          });
        }
        if (isIn) out[y * width + x] = label;
      }
    }
  }
  return out;
}

/** Distance of a point from a closed path. */
export function distanceTo(
  [y, x]: readonly [number, number],
  path: readonly (readonly [number, number])[],
): number {
  return Math.min(...path.map(([y0, x0], i) => {
    const [y1, x1] = path[(i + 1) % path.length];
    const [dy, dx] = [y1 - y0, x1 - x0];
    const length2 = dy * dy + dx * dx;
    const along = ((y - y0) * dy + (x - x0) * dx) / (length2 || 1);
    const t = Math.max(0, Math.min(1, along));
    return Math.hypot(y - y0 - t * dy, x - x0 - t * dx);
  }));
}
