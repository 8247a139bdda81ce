/**
 * SPINE of the scores: masks → overlap table → matching → scores.
 *
 * Every score of cells comes from one sparse overlap table, so `scoreMasks`
 * reads the pixels once. Only boundaries look at them again. Half of this
 * file's length is the documentation of the public functions.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { isVolume, type LabelArray, type Size } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import {
  type BoundaryOptions,
  type BoundaryScore,
  scoreBoundaries,
} from "./boundary.ts";
import { type ErrorKinds, errorKindsOf } from "./error_kinds.ts";
import { checkThreshold, matchTable } from "./match.ts";
import { overlapTable } from "./overlap.ts";
import {
  type Precision,
  precisionAt,
  type PrecisionOptions,
} from "./precision.ts";
import {
  type AggregatedJaccard,
  countCells,
  type JaccardKind,
  jaccardOfBest,
  jaccardOfMatched,
  meanIouOf,
  panopticOf,
  type PanopticQuality,
} from "./scores.ts";
import { recallOf, type SizeBins, type SizeRecall } from "./size_recall.ts";

/** Cellpose's thresholds. */
const THRESHOLDS: readonly number[] = [0.5, 0.75, 0.9];
/** IoU from which a cell counts as found, where one number is wanted. */
const FOUND = 0.5;
/** Least part of a cell that another must take to be a part of it. */
const MIN_FRACTION = 0.1;

/** Matched pairs of labels, one row a pair, ascending by true label. */
export interface MaskMatch {
  readonly threshold: number;
  /** Pairs with IoU ≥ threshold; `fp` and `fn` are the cells left over. */
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  /** True labels of the pairs, those below the threshold included. */
  readonly truth: Uint32Array;
  /** Predicted labels of the pairs. */
  readonly prediction: Uint32Array;
  readonly iou: Float64Array;
}

export interface ScoreOptions extends BoundaryOptions, SizeBins {
  /** IoU thresholds of `precision`, in (0, 1]; default 0.5, 0.75, 0.9. */
  readonly thresholds?: readonly number[];
}

/** All scores of one image. */
export interface MaskScores {
  /** Number of cells. */
  readonly cells: { readonly truth: number; readonly prediction: number };
  readonly precision: readonly Precision[];
  readonly meanIou: number;
  readonly aji: readonly AggregatedJaccard[];
  readonly panoptic: PanopticQuality;
  /** Empty for volumes. */
  readonly boundary: readonly BoundaryScore[];
  readonly recallBySize: readonly SizeRecall[];
  readonly errors: ErrorKinds;
}

/**
 * Scores of predicted against true masks.
 *
 * All functions take two label images of one size: H×W or D×H×W, any integer
 * labels ≥ 0, gaps allowed, 0 = background.
 */
export function metrics(arena: Arena) {
  const tabulate = (truth: LabelArray, prediction: LabelArray, size: Size) =>
    overlapTable(arena, truth, prediction, size);

  return {
    /** {@linkcode overlapTable} */
    overlapTable: tabulate,

    /**
     * Match cells one to one: as many pairs with IoU ≥ threshold as can be,
     * then the greatest sum of IoU.
     *
     * @param threshold  IoU in (0, 1]; default 0.5
     * @throws {ArgumentError}
     *
     * Source: cellpose 4.2.1.1, `metrics.mask_ious`
     * Differs: labels may have gaps; equally good matchings may differ
     */
    matchMasks(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      { threshold = FOUND }: { readonly threshold?: number } = {},
    ): MaskMatch {
      checkThreshold("threshold", threshold);
      const table = tabulate(truth, prediction, size);
      const { tp, predOf, iouOf } = matchTable(arena, table, threshold);
      const rows = [...predOf.keys()].filter((i) => predOf[i] > 0);
      const cells = countCells(table);
      return {
        threshold,
        tp,
        fp: cells.prediction - tp,
        fn: cells.truth - tp,
        truth: Uint32Array.from(rows, (i) => table.trueLabels[i]),
        prediction: Uint32Array.from(
          rows,
          (i) => table.predLabels[predOf[i]],
        ),
        iou: Float64Array.from(rows, (i) => iouOf[i]),
      };
    },

    /**
     * Average precision as this field calls it: TP / (TP + FP + FN) of an
     * optimal matching, at each IoU threshold.
     *
     * @param thresholds  in (0, 1]; default 0.5, 0.75, 0.9
     * @returns           one row a threshold; AP is 1 where neither image has
     *                    a cell, 0 where one has none
     * @throws {ArgumentError}
     *
     * Source: cellpose 4.2.1.1, `metrics.average_precision`
     * Differs: images without background or without cells, unless `parity`
     */
    averagePrecision(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      thresholds: readonly number[] = THRESHOLDS,
      options: PrecisionOptions = {},
    ): Precision[] {
      for (const t of thresholds) checkThreshold("thresholds", t);
      const table = tabulate(truth, prediction, size);
      return precisionAt(arena, table, thresholds, options);
    },

    /**
     * Aggregated Jaccard index; say which. "kumar2017" (default) is the one of
     * the literature, "cellpose" what Cellpose computes under this name.
     *
     * @returns 0–1 with its kind; 1 where neither image has a cell
     * @throws {ArgumentError}
     *
     * Source: Kumar et al. 2017, algorithm 1; cellpose 4.2.1.1,
     *         `metrics.aggregated_jaccard_index`
     * Differs: see `jaccardOfBest` and `jaccardOfMatched`
     */
    aggregatedJaccard(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      { kind = "kumar2017" }: { readonly kind?: JaccardKind } = {},
    ): AggregatedJaccard {
      if (kind !== "kumar2017" && kind !== "cellpose") {
        throw new ArgumentError(
          "kind",
          `must be "kumar2017" or "cellpose", is ${JSON.stringify(kind)}`,
        );
      }
      const table = tabulate(truth, prediction, size);
      return kind === "kumar2017"
        ? jaccardOfBest(table)
        : jaccardOfMatched(table, matchTable(arena, table, FOUND));
    },

    /**
     * Panoptic quality at IoU > 0.5, with segmentation and recognition quality.
     *
     * @throws {ArgumentError}
     *
     * Source: Kirillov et al. 2019, equation 2
     * Differs: nothing
     */
    panopticQuality(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
    ): PanopticQuality {
      return panopticOf(tabulate(truth, prediction, size));
    },

    /**
     * Mean over true cells of the IoU with the matched predicted cell, 0 where
     * none has IoU ≥ 0.5.
     *
     * @throws {ArgumentError}
     *
     * Source: the definition of the experiments' tables
     * Differs: nothing
     */
    meanIou(truth: LabelArray, prediction: LabelArray, size: Size): number {
      const table = tabulate(truth, prediction, size);
      return meanIouOf(table, matchTable(arena, table, FOUND));
    },

    /**
     * Precision, recall and F of boundaries: both images' outlines are dilated
     * by a disc of radius scale × diameter, and the dilated masks compared.
     * Images only.
     *
     * @returns one row a scale; all 1 without any cell, all 0 where one image
     *          has none
     * @throws {ArgumentError}
     *
     * Source: cellpose 4.2.1.1, `metrics.boundary_scores`
     * Differs: no pixel is lost where a multiple of 256 outline pixels is in
     *          the disc, and 0/0 is not NaN, unless `parity`
     */
    boundaryScores(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      options: BoundaryOptions = {},
    ): BoundaryScore[] {
      const table = tabulate(truth, prediction, size);
      const masks = { truth, prediction, size };
      return scoreBoundaries(arena, masks, table, options);
    },

    /**
     * Part of the true cells that were found (IoU ≥ 0.5), by their area.
     *
     * @param bins  areas in pixels, or a number of quantiles; default quartiles
     * @throws {ArgumentError}
     *
     * Source: size-stratified recall, as COCO's small/medium/large
     * Differs: bins are free; matching is one to one
     */
    recallBySize(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      bins: SizeBins = {},
    ): SizeRecall[] {
      const table = tabulate(truth, prediction, size);
      return recallOf(table, matchTable(arena, table, FOUND), bins);
    },

    /**
     * Splits, merges, misses and spurious cells, with their labels; defined at
     * the head of `error_kinds.ts` and in the user guide.
     *
     * @param threshold  IoU from which a cell counts as matched; default 0.5
     * @throws {ArgumentError}
     *
     * Source: the usual terms, made exact by overlap fractions
     * Differs: nothing
     */
    errorKinds(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      { threshold = FOUND }: { readonly threshold?: number } = {},
    ): ErrorKinds {
      checkThreshold("threshold", threshold);
      const table = tabulate(truth, prediction, size);
      const match = matchTable(arena, table, threshold);
      return errorKindsOf(table, match, MIN_FRACTION);
    },

    /**
     * Every score, from one overlap table.
     *
     * @throws {ArgumentError}
     *
     * Source: as the single functions
     * Differs: as the single functions
     */
    scoreMasks(
      truth: LabelArray,
      prediction: LabelArray,
      size: Size,
      options: ScoreOptions = {},
    ): MaskScores {
      const { thresholds = THRESHOLDS } = options;
      for (const t of thresholds) checkThreshold("thresholds", t);
      const table = tabulate(truth, prediction, size);
      const match = matchTable(arena, table, FOUND);
      const masks = { truth, prediction, size };
      return {
        cells: countCells(table),
        precision: precisionAt(arena, table, thresholds, options),
        meanIou: meanIouOf(table, match),
        aji: [jaccardOfBest(table), jaccardOfMatched(table, match)],
        panoptic: panopticOf(table),
        boundary: isVolume(size)
          ? []
          : scoreBoundaries(arena, masks, table, options),
        recallBySize: recallOf(table, match, options),
        errors: errorKindsOf(table, match, MIN_FRACTION),
      };
    },
  };
}
