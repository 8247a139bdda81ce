/**
 * Outlines of cells that training scenes draw: rough ellipses, tapering tubes
 * along a spine, stars of arms that melt together.
 *
 * @module
 */
import type { Random } from "../random.ts";
import { square } from "../shapes.ts";

/** (y, x), pixels. */
export type Point = readonly [y: number, x: number];

/** A region: the union of its parts. */
export type Outline = readonly Part[];

/** Part of an outline: a test, and the box outside which it fails. */
export interface Part {
  /** Least and greatest y, least and greatest x. */
  readonly box: readonly [number, number, number, number];
  readonly covers: (y: number, x: number) => boolean;
}

/** A rough ellipse. */
export interface Blob {
  readonly center: Point;
  /** Of the circle of the same area, pixels. */
  readonly radius: number;
  /** Length over width, ≥ 1. */
  readonly aspect: number;
  /** Unit vector along the length. */
  readonly direction: Point;
  /** How far the outline strays from the ellipse, part of the radius. */
  readonly roughness: number;
}

/** An ellipse whose radius varies with the angle in 2 to 5 waves. */
export function outlineBlob(random: Random, blob: Blob): Outline {
  const { center: [cy, cx], radius, aspect, direction: [uy, ux] } = blob;
  const stretch = Math.sqrt(aspect);
  const waves = Array.from(
    { length: 8 },
    (_, k) => blob.roughness * (2 * random.uniform() - 1) / (1 + (k >> 1) / 2),
  );
  const reach = radius * stretch * (1 + 2 * blob.roughness) + 1;
  const covers = (y: number, x: number) => {
    const [dy, dx] = [y - cy, x - cx];
    const p = (dy * uy + dx * ux) / (radius * stretch);
    const q = (dx * uy - dy * ux) * stretch / radius;
    const r = Math.sqrt(p * p + q * q);
    if (r < 0.3) return true;
    const [c, s] = [p / r, q / r];
    // cosine and sine of 2 to 5 times the angle, by the addition theorem
    let [ck, sk, limit] = [c, s, 1];
    for (let k = 0; k < 8; k += 2) {
      [ck, sk] = [ck * c - sk * s, sk * c + ck * s];
      limit += waves[k] * ck + waves[k + 1] * sk;
    }
    return r <= limit;
  };
  return [{ box: [cy - reach, cy + reach, cx - reach, cx + reach], covers }];
}

/**
 * A tube along a spine, with round ends.
 *
 * @param spine   points
 * @param widths  half the width at each point, pixels
 */
export function outlineTube(
  spine: readonly Point[],
  widths: readonly number[],
): Outline {
  return spine.slice(1).map((b, k) => {
    const a = spine[k];
    const w = Math.max(widths[k], widths[k + 1]) + 1;
    return {
      box: [
        Math.min(a[0], b[0]) - w,
        Math.max(a[0], b[0]) + w,
        Math.min(a[1], b[1]) - w,
        Math.max(a[1], b[1]) + w,
      ],
      covers: (y, x) => {
        const { squared, t } = project(y, x, a, b);
        return squared <= square(widths[k] + (widths[k + 1] - widths[k]) * t);
      },
    };
  });
}

/** Arms from a center, each narrowing outward; their fields add up to webs. */
export function outlineStar(
  center: Point,
  tips: readonly Point[],
  { root, tip }: { readonly root: number; readonly tip: number },
): Outline {
  const [ys, xs] = [0, 1].map((k) => [center[k], ...tips.map((p) => p[k])]);
  const reach = 1.6 * root + 1;
  const covers = (y: number, x: number) => {
    let sum = 0;
    for (const end of tips) {
      const { squared, t } = project(y, x, center, end);
      const width = root + (tip - root) * t;
      // the center belongs to every arm: shared out, it does not swell
      const share = (1 + (tips.length - 1) * t) / tips.length;
      sum += share * square(width * width / (squared + 0.01));
      if (sum >= 1) return true;
    }
    return false;
  };
  return [{
    box: [
      Math.min(...ys) - reach,
      Math.max(...ys) + reach,
      Math.min(...xs) - reach,
      Math.max(...xs) + reach,
    ],
    covers,
  }];
}

/** Square of the distance to a segment, and where along it, 0–1. */
function project(y: number, x: number, [ay, ax]: Point, [by, bx]: Point) {
  const [dy, dx] = [by - ay, bx - ax];
  const length = dy * dy + dx * dx + 1e-9;
  const at = ((y - ay) * dy + (x - ax) * dx) / length;
  const t = at < 0 ? 0 : at > 1 ? 1 : at;
  return { squared: square(y - ay - t * dy) + square(x - ax - t * dx), t };
}
