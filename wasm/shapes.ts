/**
 * Shapes of labels: outlines, contours, properties of regions, diameters.
 *
 * Labels may be any ids up to 2³²−1, with gaps; results are in ascending order
 * of the ids. Inputs are not changed.
 *
 * @module
 */
import {
  isVolume,
  type LabelArray,
  type Size,
  type Size2D,
} from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";
import {
  type ContourOptions,
  type Contours,
  traceContours,
} from "./contours.ts";
import {
  measureRegions,
  type RegionOptions,
  type Regions,
  sortRuns,
} from "./regions.ts";

/** Diameters of the cells of a label image. */
export interface Diameters {
  /** Pixels: the median cell's; 0 without cells. */
  readonly diameter: number;
  /** K ids, ascending. */
  readonly labels: Uint32Array;
  /** K f64, pixels: of the circle or sphere of the same size. */
  readonly diameters: Float64Array;
}

/** Shape functions of the core. */
export function shapes(arena: Arena) {
  return {
    /**
     * Draw the outlines of labels: all pixels on the outer border of a
     * component, inside the label; borders of holes are left out.
     *
     * @param masks  H×W labels; of a volume each plane is drawn by itself
     * @returns      H×W or D×H×W u8, 1 on an outline
     * @throws {ArgumentError | ShapeError} `masks` or `size`
     *
     * Source: Cellpose 4.2.1.1 utils.masks_to_outlines
     * Differs: nothing
     */
    outlines(masks: LabelArray, size: Size): Uint8Array {
      const pixels = checkLabels("masks", masks, size);
      const { height, width } = size;
      const plane = height * width;
      return arena.scope((kernels) => {
        const out = arena.reserve(pixels);
        const at = arena.putLabels(masks);
        for (let i = 0; i < pixels; i += plane) {
          checkResult(kernels.outlines(out + i, at + i * 4, height, width));
        }
        return arena.viewU8(out, pixels).slice();
      });
    },

    /**
     * Trace the contours of labels as polygons: exact along pixel sides, or
     * over pixel centers as OpenCV does.
     *
     * @param masks    H×W labels
     * @param options  what to trace, and how far to simplify
     * @returns        rings as flat arrays, by ascending label
     * @throws {ArgumentError | ShapeError} `masks`, `size` or an option
     *
     * Source: over centers OpenCV 5.0 findContours, as Cellpose 4.2.1.1
     *         utils.outlines_list uses it; along edges ours
     * Differs: with `longest` Cellpose empties contours of 4 points or fewer;
     *          here they are kept
     */
    traceContours(
      masks: LabelArray,
      size: Size2D,
      options: ContourOptions = {},
    ): Contours {
      return traceContours(arena, masks, size, options);
    },

    /**
     * Measure regions: place, size, shape and intensity of every label.
     *
     * @param masks    H×W or D×H×W labels
     * @param options  the image to measure intensities in
     * @returns        one row a label, ascending; no rows without labels
     * @throws {ArgumentError | ShapeError} `masks`, `size`, `image`, `channels`
     *
     * Source: scikit-image 0.26 regionprops
     * Differs: rounding; straight lines have a convex area, too
     */
    measureRegions(
      masks: LabelArray,
      size: Size,
      options: RegionOptions = {},
    ): Regions {
      return measureRegions(arena, masks, size, options);
    },

    /**
     * Estimate the diameter of cells: the median, and each one's.
     *
     * @param masks  H×W or D×H×W labels
     * @returns      2√(area/π); of a volume the sphere's, ∛(6·volume/π)
     * @throws {ArgumentError | ShapeError} `masks` or `size`
     *
     * Source: Cellpose 4.2.1.1 utils.diameters (the median)
     * Differs: a label image without background keeps its smallest label;
     *          Cellpose's per-cell values are √area, and of volumes too
     */
    estimateDiameter(masks: LabelArray, size: Size): Diameters {
      checkLabels("masks", masks, size);
      return arena.scope((kernels) => {
        const runs = sortRuns(arena, arena.putLabels(masks), size);
        const k = runs.labels;
        const labels = arena.reserve(k * 4);
        const areas = arena.reserve(k * 4);
        const out = arena.reserve(k * 8);
        const volume = isVolume(size) ? 1 : 0;
        kernels.groupAreas(labels, areas, runs.at, runs.count);
        kernels.diameters(out, areas, k, volume);
        const sorted = arena.viewU32(areas, k).slice().sort();
        const low = sorted[(k - 1) >> 1] ?? 0;
        const high = sorted[k >> 1] ?? 0;
        return {
          diameter: volume
            ? kernels.meanSphere(low, high)
            : kernels.meanDiameter(low, high),
          labels: arena.viewU32(labels, k).slice(),
          diameters: arena.viewF64(out, k).slice(),
        };
      });
    },
  };
}
