/**
 * Average precision at IoU thresholds, of one image or pooled over several.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { Arena } from "./arena.ts";
import { countMatches } from "./match.ts";
import type { OverlapTable } from "./overlap.ts";
import { countCells } from "./scores.ts";

/** Counts at an IoU threshold; `ap` = TP / (TP + FP + FN). */
export interface Precision {
  readonly threshold: number;
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly ap: number;
}

export interface PrecisionOptions {
  /**
   * Cellpose's counts: one label of each image is taken for background even
   * where every pixel is a cell, and AP without any cell is 0/0 = NaN, not 1.
   * Default false.
   */
  readonly parity?: boolean;
}

/** AP at each threshold, from an overlap table. */
export function precisionAt(
  arena: Arena,
  table: OverlapTable,
  thresholds: readonly number[],
  { parity = false }: PrecisionOptions,
): Precision[] {
  const cells = countCells(table);
  if (parity) {
    // one label fewer where the image has no background
    if (table.trueAreas[0] === 0) cells.truth--;
    if (table.predAreas[0] === 0) cells.prediction--;
  }
  return thresholds.map((threshold) => {
    const tp = parity && cells.prediction === 0
      ? 0
      : countMatches(arena, table, threshold);
    const fp = cells.prediction - tp;
    const fn = cells.truth - tp;
    const row = precisionOf({ threshold, tp, fp, fn });
    return parity ? { ...row, ap: tp / (tp + fp + fn) } : row;
  });
}

/** AP from the number of matches; 1 where there is no cell at all. */
function precisionOf(
  counts: { threshold: number; tp: number; fp: number; fn: number },
): Precision {
  const { threshold, tp, fp, fn } = counts;
  const all = tp + fp + fn;
  return { threshold, tp, fp, fn, ap: all === 0 ? 1 : tp / all };
}

/**
 * Pool the counts of several images, threshold by threshold.
 *
 * @param images  what `averagePrecision` returned for each image, all with the
 *                same thresholds
 * @returns       summed TP, FP and FN with their AP, and `meanAp`, the mean of
 *                the images' AP (as papers report it; NaN if one is NaN)
 * @throws {ArgumentError} if there is no image or thresholds disagree
 */
export function poolPrecision(
  images: readonly (readonly Precision[])[],
): (Precision & { readonly meanAp: number })[] {
  if (images.length === 0) {
    throw new ArgumentError("images", "must hold at least one image");
  }
  return images[0].map(({ threshold }, k) => {
    let tp = 0, fp = 0, fn = 0, sum = 0;
    for (const image of images) {
      if (
        image.length !== images[0].length || image[k].threshold !== threshold
      ) {
        throw new ArgumentError("images", "must all have the same thresholds");
      }
      tp += image[k].tp;
      fp += image[k].fp;
      fn += image[k].fn;
      sum += image[k].ap;
    }
    const meanAp = sum / images.length;
    return { ...precisionOf({ threshold, tp, fp, fn }), meanAp };
  });
}
