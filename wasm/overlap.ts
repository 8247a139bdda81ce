/**
 * The sparse overlap table of two label images, from which every score of
 * cells is computed.
 *
 * @module
 */
import { ShapeError } from "../shared/errors.ts";
import type { LabelArray, Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";

/**
 * Pixels shared by each pair of labels that meet. Labels are replaced by
 * indices in ascending order of label; index 0 is the background, which is
 * listed even where an image has none (with area 0).
 */
export interface OverlapTable {
  /** Pixels or voxels of the image. */
  readonly pixels: number;
  /** K_true+1 labels, ascending. */
  readonly trueLabels: Uint32Array;
  /** K_true+1 areas, pixels. */
  readonly trueAreas: Uint32Array;
  /** K_pred+1 labels, ascending. */
  readonly predLabels: Uint32Array;
  /** K_pred+1 areas, pixels. */
  readonly predAreas: Uint32Array;
  /** M×3: true index, predicted index, pixels; ordered by the two indices. */
  readonly pairs: Uint32Array;
  /** M: IoU of each pair, 0–1. */
  readonly iou: Float64Array;
}

/**
 * Count the overlaps of two label images, in one pass, O(pixels).
 *
 * @param truth       H×W or D×H×W labels, any value up to 2³²−1, gaps allowed
 * @param prediction  the same size
 * @returns           the sparse table; its size depends on the number of
 *                    labels, not on the largest
 * @throws {ArgumentError} if a label is negative or the sizes disagree
 *
 * Source: cellpose 4.2.1.1, `metrics._label_overlap`
 * Differs: sparse, and labels are compacted
 */
export function overlapTable(
  arena: Arena,
  truth: LabelArray,
  prediction: LabelArray,
  size: Size,
): OverlapTable {
  const pixels = checkLabels("truth", truth, size);
  if (prediction.length !== truth.length) {
    throw new ShapeError(
      "prediction",
      `has ${prediction.length} elements, truth has ${truth.length}; both must be label images of one size`,
    );
  }
  checkLabels("prediction", prediction, size);

  return arena.scope((kernels) => {
    const out = arena.reserve(7 * 4);
    const a = arena.putLabels(truth);
    const b = arena.putLabels(prediction);
    checkResult(kernels.overlapTable(out, a, b, pixels));
    const [nTrue, nPred, nPairs, iou, pairs, trueCells, predCells] = arena
      .viewU32(out, 7);
    const trueRows = arena.viewU32(trueCells, 2 * nTrue);
    const predRows = arena.viewU32(predCells, 2 * nPred);
    return {
      pixels,
      trueLabels: everySecond(trueRows, 0),
      trueAreas: everySecond(trueRows, 1),
      predLabels: everySecond(predRows, 0),
      predAreas: everySecond(predRows, 1),
      pairs: arena.viewU32(pairs, 3 * nPairs).slice(),
      iou: arena.viewF64(iou, nPairs).slice(),
    };
  });
}

function everySecond(rows: Uint32Array, first: number): Uint32Array {
  const column = new Uint32Array(rows.length / 2);
  for (let i = 0; i < column.length; i++) column[i] = rows[2 * i + first];
  return column;
}
