/**
 * From a semantic network's classes to cells: threshold, components,
 * watershed.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { checkLength, countPixels, type Size2D } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import { checkResult } from "./arena.ts";
import { checkCellprob, checkEdges, checkFloats } from "./check.ts";
import type { LabelResult, SplitOptions } from "./clean.ts";

/** Where the foreground is. */
export interface ThresholdOptions {
  /** Foreground is above it; 0, the logit of a probability of ½ */
  readonly threshold?: number;
}

/** How a watershed splits. */
export interface WatershedOptions extends ThresholdOptions {
  /** H×W f32, high within cells; default: the distance to the background */
  readonly landscape?: Float32Array;
  /**
   * A maximum of the landscape that rises less than this above its neighbor's
   * is a part of that cell; 1: a pixel of distance, or 1 of a logit
   */
  readonly rise?: number;
}

/** Functions from classes to masks. */
export function semantic(arena: Arena) {
  return {
    /**
     * Make the logit of being a cell of the logits of classes.
     *
     * @param logits   K×H×W f32; one class alone is its own logit
     * @param classes  K
     * @param chosen   the class of cells; `null`: all but the first
     * @returns        H×W f32, log(p ÷ (1 − p)) of the softmax
     * @throws {ArgumentError} if there is no such class
     */
    foregroundLogit(
      logits: Float32Array,
      classes: number,
      chosen: number | null = null,
    ): Float32Array {
      checkFloats("logits", logits);
      const pixels = logits.length / classes;
      if (!Number.isInteger(pixels) || classes < 1) {
        throw new ArgumentError(
          "classes",
          `is ${classes}, which does not divide ${logits.length} logits`,
        );
      }
      const isKnown = chosen === null ||
        Number.isInteger(chosen) && chosen >= 0 && chosen < classes;
      if (!isKnown) {
        throw new ArgumentError(
          "chosen",
          `is ${chosen}; the network has classes 0 to ${classes - 1}`,
        );
      }
      return arena.scope((kernels) => {
        const at = arena.put(logits);
        const out = arena.reserve(pixels * 4);
        kernels.foregroundLogit(out, at, classes, pixels, chosen ?? -1);
        return arena.viewF32(out, pixels).slice();
      });
    },

    /**
     * Label the connected components above a threshold, in raster order.
     *
     * @param values  H×W f32, no NaN
     * @throws {ArgumentError | ShapeError} `values` or `size`
     *
     * Source: as `splitLabels`.
     */
    labelComponents(
      values: Float32Array,
      size: Size2D,
      { threshold = 0, connectivity = "faces" }:
        & ThresholdOptions
        & Pick<SplitOptions, "connectivity"> = {},
    ): LabelResult {
      const pixels = checkImage(size);
      return arena.scope((kernels) => {
        const at = checkCellprob(arena, values, size);
        const out = arena.reserve(pixels * 4);
        kernels.thresholdMask(out, at, pixels, threshold);
        const full = connectivity === "full" ? 1 : 0;
        const count = checkResult(
          kernels.splitLabels(out, 1, size.height, size.width, 1, full, 0),
        );
        return { masks: arena.viewU32(out, pixels).slice(), count };
      });
    },

    /**
     * Measure how far every pixel is from the nearest one that is not above a
     * threshold.
     *
     * @param values  H×W f32, no NaN
     * @returns       H×W f32, pixels; 0 on background
     * @throws {ArgumentError | ShapeError} `values` or `size`
     *
     * Source: Meijster et al. 2000, exact.
     */
    distanceTransform(
      values: Float32Array,
      size: Size2D,
      { threshold = 0 }: ThresholdOptions = {},
    ): Float32Array {
      const pixels = checkImage(size);
      return arena.scope((kernels) => {
        const at = checkCellprob(arena, values, size);
        const out = arena.reserve(pixels * 4);
        checkResult(
          kernels.distanceTransform(
            out,
            at,
            size.height,
            size.width,
            threshold,
          ),
        );
        return arena.viewF32(out, pixels).slice();
      });
    },

    /**
     * Split what is above a threshold where the basins of a landscape meet.
     *
     * @param values   H×W f32, no NaN
     * @param size     of the image
     * @param options  threshold, landscape, rise
     * @returns        labels 1 … count in raster order
     * @throws {ArgumentError | ShapeError} naming what does not fit
     *
     * Source: Vincent and Soille 1991; Soille 2003 §6.3.
     * Differs: no line is left between labels.
     */
    watershed(
      values: Float32Array,
      size: Size2D,
      { threshold = 0, landscape, rise = 1 }: WatershedOptions = {},
    ): LabelResult {
      const pixels = checkImage(size);
      if (!(rise > 0 && Number.isFinite(rise))) {
        throw new ArgumentError("rise", `must be above 0, is ${rise}`);
      }
      const { height, width } = size;
      return arena.scope((kernels) => {
        const at = checkCellprob(arena, values, size);
        let heights: number;
        if (landscape === undefined) {
          heights = arena.reserve(pixels * 4);
          checkResult(
            kernels.distanceTransform(heights, at, height, width, threshold),
          );
        } else {
          checkLength("landscape", landscape, pixels);
          heights = checkCellprob(arena, landscape, size);
        }
        const out = arena.reserve(pixels * 4);
        const count = checkResult(
          kernels.watershed(out, heights, at, height, width, threshold, rise),
        );
        return { masks: arena.viewU32(out, pixels).slice(), count };
      });
    },
  };
}

function checkImage(size: Size2D): number {
  checkEdges(size);
  return countPixels(size);
}
