/**
 * Scores from an overlap table and a matching; pure functions.
 *
 * Divisions and sums here are IEEE 754 doubles in a fixed order, so results
 * are the same bits in every runtime.
 *
 * @module
 */
import type { IndexMatch } from "./match.ts";
import type { OverlapTable } from "./overlap.ts";

/** Which aggregated Jaccard index; they differ, so a result names its kind. */
export type JaccardKind = "cellpose" | "kumar2017";

/** An aggregated Jaccard index, 0–1. */
export interface AggregatedJaccard {
  readonly kind: JaccardKind;
  readonly aji: number;
}

/** Panoptic quality = segmentation quality × recognition quality, each 0–1. */
export interface PanopticQuality {
  readonly pq: number;
  readonly sq: number;
  readonly rq: number;
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
}

/** Number of true and of predicted cells. */
export function countCells(table: OverlapTable) {
  return {
    truth: table.trueLabels.length - 1,
    prediction: table.predLabels.length - 1,
  };
}

/**
 * Cellpose's aggregated Jaccard index: pixels shared by matched pairs over
 * the union of both foregrounds.
 *
 * @param match  at threshold 0.5; pairs below it count too
 *
 * Source: cellpose 4.2.1.1, `metrics.aggregated_jaccard_index`
 * Differs: 1, not NaN, where both images are empty
 */
export function jaccardOfMatched(
  table: OverlapTable,
  match: IndexMatch,
): AggregatedJaccard {
  let shared = 0;
  for (const pixels of match.overlapOf) shared += pixels;
  const union = table.pixels - backgroundOverlap(table);
  return { kind: "cellpose", aji: union === 0 ? 1 : shared / union };
}

/**
 * The aggregated Jaccard index: each true cell takes the predicted cell with
 * the greatest IoU (the lowest label among equals; a predicted cell may be
 * taken more than once); shared pixels over the sum of unions and of the
 * areas of predicted cells that none took.
 *
 * Source: Kumar et al. 2017, algorithm 1
 * Differs: where no predicted cell meets a true one (not said there), the true
 *          cell's area is added to the denominator; 1 where both are empty
 */
export function jaccardOfBest(table: OverlapTable): AggregatedJaccard {
  const { pairs, iou, trueAreas, predAreas } = table;
  const best = new Int32Array(trueAreas.length).fill(-1);
  for (let k = 0; k < iou.length; k++) {
    const i = pairs[3 * k];
    if (i === 0 || pairs[3 * k + 1] === 0) continue;
    if (best[i] < 0 || iou[k] > iou[best[i]]) best[i] = k;
  }
  const isTaken = new Uint8Array(predAreas.length);
  let shared = 0, union = 0;
  for (let i = 1; i < trueAreas.length; i++) {
    union += trueAreas[i];
    if (best[i] < 0) continue;
    const j = pairs[3 * best[i] + 1];
    const pixels = pairs[3 * best[i] + 2];
    shared += pixels;
    union += predAreas[j] - pixels;
    isTaken[j] = 1;
  }
  for (let j = 1; j < predAreas.length; j++) {
    if (!isTaken[j]) union += predAreas[j];
  }
  return { kind: "kumar2017", aji: union === 0 ? 1 : shared / union };
}

/**
 * Panoptic quality: SQ is the mean IoU of the pairs with IoU > 0.5, RQ is
 * TP / (TP + FP/2 + FN/2). Both images empty: all 1. No pair: all 0.
 *
 * Source: Kirillov et al. 2019, equation 2 (there, too, strictly above 0.5)
 * Differs: nothing
 */
export function panopticOf(table: OverlapTable): PanopticQuality {
  const { pairs, iou } = table;
  let tp = 0, sum = 0;
  for (let k = 0; k < iou.length; k++) {
    if (!(iou[k] > 0.5) || !pairs[3 * k] || !pairs[3 * k + 1]) continue;
    tp++;
    sum += iou[k];
  }
  const cells = countCells(table);
  const fp = cells.prediction - tp;
  const fn = cells.truth - tp;
  if (tp + fp + fn === 0) return { pq: 1, sq: 1, rq: 1, tp, fp, fn };
  const sq = tp === 0 ? 0 : sum / tp;
  const rq = tp / (tp + fp / 2 + fn / 2);
  return { pq: sq * rq, sq, rq, tp, fp, fn };
}

/**
 * Mean over true cells of the IoU with the matched predicted cell, 0 where
 * none has IoU ≥ the match's threshold (0.5). Without true cells: 1 if nothing
 * was predicted either, else 0.
 */
export function meanIouOf(table: OverlapTable, match: IndexMatch): number {
  const cells = countCells(table);
  if (cells.truth === 0) return cells.prediction === 0 ? 1 : 0;
  let sum = 0;
  for (const iou of match.iouOf) sum += iou >= match.threshold ? iou : 0;
  return sum / cells.truth;
}

/** Pixels that are background in both images. */
function backgroundOverlap(table: OverlapTable): number {
  const { pairs } = table;
  // ordered by both indices: such a pair is the first
  return pairs.length && !pairs[0] && !pairs[1] ? pairs[2] : 0;
}
