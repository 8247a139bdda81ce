/**
 * Labels to flows by heat diffusion: slow and obvious, float64.
 *
 * A cell's heat starts at its center, spreads among its own pixels and is lost
 * at its border; flows point up the heat.
 *
 * Source: cellpose 4.2.1.1 `masks_to_flows_gpu` and `masks_to_flows_gpu_3d`.
 * Differs: nothing with `parity`; without it each cell has its own number of
 * steps and the gradient does not see the heat of touching cells.
 *
 * @module
 */
import type { Size } from "../../shared/ndarray.ts";
import {
  boxOffsets,
  edgesOf,
  indexOf,
  pixelsByLabel,
  positionOf,
} from "./grid.ts";

export interface DiffusionOptions {
  /** The peer's image-wide number of steps, and its leak. Default false. */
  readonly parity?: boolean;
  /** Number of steps; by default from the size of the cell (the largest cell). */
  readonly diffusionSteps?: number;
}

export interface Diffusion {
  /** 2×H×W (dY, dX) or 3×D×H×W, unit length, 0 off the cells. */
  readonly flows: Float64Array;
  /** Length of the flow before it was scaled to 1. */
  readonly slopes: Float64Array;
  /** Heat of each pixel. */
  readonly heat: Float64Array;
}

export function diffuseFlows(
  labels: ArrayLike<number>,
  size: Size,
  { parity = false, diffusionSteps }: DiffusionOptions = {},
): Diffusion {
  const edges = edgesOf(size);
  const cells = pixelsByLabel(labels);

  // how long each cell diffuses
  const steps = new Map<number, number>();
  for (const [label, pixels] of cells) {
    steps.set(label, diffusionSteps ?? stepsOf(pixels, edges));
  }
  if (parity) {
    const most = Math.max(...steps.values());
    for (const label of steps.keys()) steps.set(label, most);
  }

  const heat = new Float64Array(labels.length);
  for (const [label, pixels] of cells) {
    diffuseCell(heat, labels, pixels, edges, steps.get(label)!);
  }
  return { ...climb(heat, labels, edges, !parity), heat };
}

/** Twice the height and width plus 2; in 3-D six times the edges plus 3. */
function stepsOf(pixels: number[], edges: number[]): number {
  const extent = edges.map((_, axis) => {
    const along = pixels.map((i) => positionOf(i, edges)[axis]);
    return along.reduce((a, b) => Math.max(a, b)) -
      along.reduce((a, b) => Math.min(a, b)) + 1;
  }).reduce((a, b) => a + b);
  return edges.length === 2 ? 2 * (extent + 2) : 6 * (extent + 3);
}

/** The pixel where a cell's heat starts. */
export function centerOf(pixels: number[], edges: number[]): number {
  // positions count from the cell's box, in 3-D from 1: whether 237.5 becomes
  // 237 or 238, and which of two voxels as near as each other is taken, depends
  // on where the box starts
  const first = edges.length === 2 ? 0 : 1;
  const all = pixels.map((i) => positionOf(i, edges));
  const low = edges.map((_, axis) =>
    all.map((position) => position[axis])
      .reduce((a, b) => Math.min(a, b)) - first
  );
  const positions = all.map((p) => p.map((at, axis) => at - low[axis]));
  const mean = edges.map((_, axis) => {
    const sum = positions.reduce((total, p) => total + p[axis], 0);
    const within = sum / positions.length;
    return edges.length === 2 ? roundHalfEven(within) : within;
  });
  // the nearest pixel of the cell, the first of equals in raster order
  let best = -1;
  let least = Infinity;
  positions.forEach((position, i) => {
    const [x, y, z = 0] = position
      .map((p, axis) => (p - mean[axis]) ** 2).reverse();
    // added in this order, whose rounding decides near ties
    const distance = z + x + y;
    if (distance < least) {
      least = distance;
      best = pixels[i];
    }
  });
  return best;
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** Heat one cell: +1 at the center, then the mean over the stencil. */
function diffuseCell(
  heat: Float64Array,
  labels: ArrayLike<number>,
  pixels: number[],
  edges: number[],
  steps: number,
): void {
  const center = centerOf(pixels, edges);
  // 3×3 in 2-D, the six faces and the pixel itself in 3-D
  const stencil = boxOffsets(edges.length, 1).filter((offset) =>
    edges.length === 2 ||
    offset.filter((step) => step !== 0).length <= 1
  );
  const neighbors = pixels.map((pixel) => {
    const position = positionOf(pixel, edges);
    return stencil
      .map((offset) => indexOf(position.map((p, a) => p + offset[a]), edges))
      .filter((at) => at >= 0 && labels[at] === labels[pixel]);
  });
  const next = new Float64Array(pixels.length);
  for (let step = 0; step < steps; step++) {
    heat[center] += 1;
    for (let i = 0; i < pixels.length; i++) {
      let sum = 0;
      for (const at of neighbors[i]) sum += heat[at];
      next[i] = sum / stencil.length;
    }
    for (let i = 0; i < pixels.length; i++) heat[pixels[i]] = next[i];
  }
}

/** Central differences of the heat, scaled to length 1. */
function climb(
  heat: Float64Array,
  labels: ArrayLike<number>,
  edges: number[],
  isOwnHeatOnly: boolean,
): { flows: Float64Array; slopes: Float64Array } {
  const flows = new Float64Array(edges.length * labels.length);
  const slopes = new Float64Array(labels.length);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    if (labels[pixel] === 0) continue;
    const position = positionOf(pixel, edges);
    const heatAt = (axis: number, step: number): number => {
      const at = indexOf(
        position.map((p, a) => a === axis ? p + step : p),
        edges,
      );
      if (at < 0) return 0;
      return isOwnHeatOnly && labels[at] !== labels[pixel] ? 0 : heat[at];
    };
    const slope = edges.map((_, axis) => heatAt(axis, 1) - heatAt(axis, -1));
    const length = Math.sqrt(slope.reduce((sum, s) => sum + s * s, 0));
    slopes[pixel] = length;
    slope.forEach((s, axis) => {
      flows[axis * labels.length + pixel] = s / (1e-60 + length);
    });
  }
  return { flows, slopes };
}
