/**
 * One-to-one matching of true and predicted cells.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { type Arena, checkResult } from "./arena.ts";
import type { OverlapTable } from "./overlap.ts";

/** An optimal matching of the cells of an overlap table. */
export interface IndexMatch {
  /** IoU from which a pair is a match. */
  readonly threshold: number;
  /** Matched pairs with IoU ≥ threshold. */
  readonly tp: number;
  /** K_true+1: predicted index of each true index, 0 = none. */
  readonly predOf: Uint32Array;
  /** K_true+1: IoU with it, also where it is below the threshold; else 0. */
  readonly iouOf: Float64Array;
  /** K_true+1: pixels shared with it, else 0. */
  readonly overlapOf: Uint32Array;
}

/**
 * Match cells optimally: as many pairs with IoU ≥ threshold as can be, then
 * the greatest sum of IoU; pairs below the threshold are listed too.
 *
 * Source: cellpose 4.2.1.1, `metrics.mask_ious` and `_true_positive`
 * Differs: sparse; where two matchings are equally good the choice may differ
 */
export function matchTable(
  arena: Arena,
  table: OverlapTable,
  threshold: number,
): IndexMatch {
  checkThreshold("threshold", threshold);
  const { pairs, iou } = table;
  const nTrue = table.trueLabels.length;
  const predOf = new Uint32Array(nTrue);
  const tp = arena.scope((kernels) => {
    const out = arena.reserve(nTrue * 4);
    const count = checkResult(kernels.matchCells(
      out,
      arena.put(pairs),
      arena.put(iou),
      nTrue,
      table.predLabels.length,
      iou.length,
      threshold,
    ));
    predOf.set(arena.viewU32(out, nTrue));
    return count;
  });

  const iouOf = new Float64Array(nTrue);
  const overlapOf = new Uint32Array(nTrue);
  for (let k = 0; k < iou.length; k++) {
    const i = pairs[3 * k];
    if (pairs[3 * k + 1] === 0 || pairs[3 * k + 1] !== predOf[i]) continue;
    iouOf[i] = iou[k];
    overlapOf[i] = pairs[3 * k + 2];
  }
  return { threshold, tp, predOf, iouOf, overlapOf };
}

/**
 * Number of matched pairs with IoU ≥ threshold, without the matching where
 * none is needed.
 *
 * Two predicted cells that both have IoU ≥ 0.5 with one true cell are its two
 * exact halves, and meet no other: such pairs form stars, and taking them in
 * any order is optimal.
 */
export function countMatches(
  arena: Arena,
  table: OverlapTable,
  threshold: number,
): number {
  checkThreshold("threshold", threshold);
  if (threshold < 0.5) return matchTable(arena, table, threshold).tp;
  const { pairs, iou } = table;
  const isTrueTaken = new Uint8Array(table.trueLabels.length);
  const isPredTaken = new Uint8Array(table.predLabels.length);
  isTrueTaken[0] = isPredTaken[0] = 1; // the background
  let tp = 0;
  for (let k = 0; k < iou.length; k++) {
    const i = pairs[3 * k];
    const j = pairs[3 * k + 1];
    if (iou[k] < threshold || isTrueTaken[i] || isPredTaken[j]) continue;
    isTrueTaken[i] = isPredTaken[j] = 1;
    tp++;
  }
  return tp;
}

/** @throws {ArgumentError} if an IoU threshold is not in (0, 1] */
export function checkThreshold(argument: string, threshold: number): void {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new ArgumentError(
      argument,
      `must be greater than 0 and at most 1, is ${threshold}`,
    );
  }
}
