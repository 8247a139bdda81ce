/**
 * Follow flows from each pixel: slow and obvious, float64.
 *
 * `cellpose`: a point p on an axis of length L samples the flow at
 * p·L/(L−1) − ½, which is the peer's mixture of two conventions for pixel
 * centers. `plain`: it samples at p.
 *
 * Source: cellpose 4.2.1.1 `steps_interp`; the report's Euler integration.
 * Differs: an axis of length 1 has its point at 0 (the peer divides by 0);
 * float64, where the peer rounds each step to float32.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import { edgesOf, positionOf } from "./grid.ts";

export interface FollowOptions {
  /** Euler steps. Default 200. */
  readonly niter?: number;
  readonly convention?: "cellpose" | "plain";
}

export interface Followed {
  /** P×2 (y, x) or P×3 (z, y, x). */
  readonly points: Float64Array;
  /** P pixels of the foreground, raster order. */
  readonly indices: Uint32Array;
}

/**
 * @param flows       2×H×W or 3×D×H×W, unit scale; off the foreground they count as 0
 * @param foreground  H×W or D×H×W, not 0 where a pixel starts
 */
export function followPixels(
  flows: ArrayLike<number>,
  foreground: ArrayLike<number>,
  size: Size,
  { niter = 200, convention = "cellpose" }: FollowOptions = {},
): Followed {
  const edges = edgesOf(size);
  const axes = edges.length;
  const indices: number[] = [];
  for (let i = 0; i < foreground.length; i++) {
    if (foreground[i]) indices.push(i);
  }

  const points = new Float64Array(axes * indices.length);
  indices.forEach((start, p) => {
    const point = positionOf(start, edges);
    for (let n = 0; n < niter; n++) {
      const at = point.map((c, axis) => sampleAt(c, edges[axis], convention));
      const step = sample(flows, foreground, edges, at);
      for (let axis = 0; axis < axes; axis++) {
        const moved = point[axis] + step[axis];
        point[axis] = Math.min(Math.max(moved, 0), edges[axis] - 1);
      }
    }
    points.set(point, p * axes);
  });
  return { points, indices: Uint32Array.from(indices) };
}

/** Weighted mean of the 4 or 8 pixels around a position; outside all is 0. */
function sample(
  flows: ArrayLike<number>,
  foreground: ArrayLike<number>,
  edges: readonly number[],
  at: readonly number[],
): number[] {
  const axes = edges.length;
  const step = new Array<number>(axes).fill(0);
  for (let corner = 0; corner < 1 << axes; corner++) {
    let weight = 1;
    let index = 0;
    for (let axis = 0; axis < axes; axis++) {
      const below = Math.floor(at[axis]);
      const part = at[axis] - below;
      const isUpper = (corner >> axis) & 1;
      const pixel = below + isUpper;
      weight *= isUpper ? part : 1 - part;
      if (pixel < 0 || pixel >= edges[axis]) weight = 0;
      index = index * edges[axis] + pixel;
    }
    if (weight === 0 || !foreground[index]) continue;
    for (let axis = 0; axis < axes; axis++) {
      step[axis] += weight * flows[axis * foreground.length + index];
    }
  }
  return step;
}

function sampleAt(
  point: number,
  edge: number,
  convention: "cellpose" | "plain",
): number {
  if (convention === "plain" || edge === 1) return point;
  return point * edge / (edge - 1) - 0.5;
}
