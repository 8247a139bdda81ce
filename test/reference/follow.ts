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
import { edgesOf, indexOf, positionOf } from "./grid.ts";

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
  const pixels = foreground.length;
  const indices: number[] = [];
  for (let i = 0; i < pixels; i++) if (foreground[i]) indices.push(i);

  const points = new Float64Array(axes * indices.length);
  const corners = 2 ** axes;
  indices.forEach((start, p) => {
    const point = positionOf(start, edges);
    const step = new Array<number>(axes);
    const base = new Array<number>(axes);
    const part = new Array<number>(axes);
    const corner = new Array<number>(axes);
    for (let n = 0; n < niter; n++) {
      for (let axis = 0; axis < axes; axis++) {
        const at = sampleAt(point[axis], edges[axis], convention);
        base[axis] = Math.floor(at);
        part[axis] = at - base[axis];
      }
      // weighted mean of the 4 or 8 pixels around; outside all is 0
      step.fill(0);
      for (let c = 0; c < corners; c++) {
        let weight = 1;
        for (let axis = 0; axis < axes; axis++) {
          const isUpper = (c >> axis) & 1;
          corner[axis] = base[axis] + isUpper;
          weight *= isUpper ? part[axis] : 1 - part[axis];
        }
        const at = indexOf(corner, edges);
        if (at < 0 || weight === 0 || !foreground[at]) continue;
        for (let axis = 0; axis < axes; axis++) {
          step[axis] += weight * flows[axis * pixels + at];
        }
      }
      for (let axis = 0; axis < axes; axis++) {
        const moved = point[axis] + step[axis];
        point[axis] = Math.min(Math.max(moved, 0), edges[axis] - 1);
      }
    }
    points.set(point, p * axes);
  });
  return { points, indices: Uint32Array.from(indices) };
}

function sampleAt(
  point: number,
  edge: number,
  convention: "cellpose" | "plain",
): number {
  if (convention === "plain" || edge === 1) return point;
  return point * edge / (edge - 1) - 0.5;
}
