/**
 * Scores of cell boundaries, with a tolerance that follows the cells' size.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { isVolume, type LabelArray, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import type { OverlapTable } from "./overlap.ts";

/** Precision, recall and F of boundaries, each 0–1, at one scale. */
export interface BoundaryScore {
  readonly scale: number;
  /** Tolerance in pixels: scale × diameter, at least 1. */
  readonly radius: number;
  readonly precision: number;
  readonly recall: number;
  readonly f: number;
}

export interface BoundaryOptions {
  /** Tolerances in diameters; default 1 and 2. */
  readonly scales?: readonly number[];
  /** Pixels; default: the median diameter of the true cells. */
  readonly diameter?: number;
  /**
   * Cellpose's results to the bit: a pixel with 256, 512, … boundary pixels
   * in reach counts as having none, the least label of an image without
   * background does not count in the diameter, and 0/0 is NaN. Default false.
   */
  readonly parity?: boolean;
}

/** The kernels count distances in 16 bits. */
const MAX_RADIUS = 32766;

/** Score boundaries, given the overlap table of the same label images. */
export function scoreBoundaries(
  arena: Arena,
  masks: { truth: LabelArray; prediction: LabelArray; size: Size },
  table: OverlapTable,
  { scales = [1, 2], diameter, parity = false }: BoundaryOptions,
): BoundaryScore[] {
  const { truth, prediction, size } = masks;
  if (isVolume(size)) {
    throw new ArgumentError(
      "size",
      "has a depth; boundaries are scored in images, slice by slice",
    );
  }
  const { height, width } = size;
  return arena.scope((kernels) => {
    const median = diameter ?? medianDiameter(arena, table, parity);
    const radii = scales.map((scale) => checkRadius(scale, median));
    const inTruth = drawOutlines(arena, truth, size);
    const inPrediction = drawOutlines(arena, prediction, size);
    const nearTruth = arena.reserve(table.pixels);
    const nearPrediction = arena.reserve(table.pixels);
    const counts = arena.reserve(3 * 4);
    const dilate = parity ? kernels.dilateDiscWrapped : kernels.dilateDisc;

    return radii.map((radius, k) => {
      checkResult(dilate(nearTruth, inTruth, height, width, radius));
      checkResult(dilate(nearPrediction, inPrediction, height, width, radius));
      kernels.countShared(counts, nearTruth, nearPrediction, table.pixels);
      const [tp, fn, fp] = arena.viewU32(counts, 3);
      return { scale: scales[k], radius, ...ratios(tp, fp, fn, parity) };
    });
  });
}

function ratios(tp: number, fp: number, fn: number, parity: boolean) {
  if (!parity && tp === 0) {
    // no boundary anywhere is a perfect score, as for AP
    const all = fp + fn === 0 ? 1 : 0;
    return { precision: all, recall: all, f: all };
  }
  const precision = tp / (tp + fp);
  const recall = tp / (tp + fn);
  return {
    precision,
    recall,
    f: 2 * precision * recall / (precision + recall),
  };
}

/** Outlines of labels as h×w u8, left in the arena's scope. */
function drawOutlines(arena: Arena, labels: LabelArray, size: Size): number {
  const out = arena.reserve(labels.length);
  arena.scope((kernels) => {
    const at = arena.putLabels(labels);
    checkResult(kernels.outlines(out, at, size.height, size.width));
  });
  return out;
}

/**
 * Median over true cells of the diameter, 0 without cells. Cellpose leaves out
 * the least label, taking it for background, even where there is none.
 */
function medianDiameter(
  arena: Arena,
  { trueAreas }: OverlapTable,
  parity: boolean,
): number {
  const first = parity && trueAreas[0] === 0 ? 2 : 1;
  const areas = trueAreas.slice(first).sort();
  if (areas.length === 0) return 0;
  const low = areas[(areas.length - 1) >> 1];
  const high = areas[areas.length >> 1];
  return arena.kernels.meanDiameter(low, high);
}

function checkRadius(scale: number, diameter: number): number {
  if (!(scale > 0)) {
    throw new ArgumentError("scales", `must be positive, one is ${scale}`);
  }
  const radius = Math.max(1, scale * diameter);
  if (!(radius <= MAX_RADIUS)) {
    throw new ArgumentError(
      "scales",
      `scale ${scale} of diameter ${diameter} is more than ${MAX_RADIUS} pixels`,
    );
  }
  return radius;
}
