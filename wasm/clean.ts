/**
 * Clean a label image: renumber, fill holes, remove labels by size or place.
 *
 * Labels in may be any ids up to 2³²−1, with gaps and in any order. Labels out
 * are 1 … count without gaps, unless a function says otherwise. Inputs are not
 * changed.
 *
 * @module
 */
import type { Arena, Kernels } from "./arena.ts";
import { checkResult } from "./arena.ts";
import { checkFraction, checkInteger, checkLabels } from "./check.ts";
import { ArgumentError } from "../shared/errors.ts";
import { isVolume, type LabelArray, type Size } from "../shared/ndarray.ts";

/** A label image and how many labels it has. */
export interface LabelResult {
  /** H×W or D×H×W u32, 0 background. */
  masks: Uint32Array;
  /** Labels present. */
  count: number;
}

/** How `relabel` orders the new labels. */
export interface RelabelOptions {
  /** "raster" (Cellpose): by first pixel; "label": as the old ids are ordered. */
  order?: "raster" | "label";
}

/** What `fillHolesAndRemoveSmall` removes. */
export interface FillOptions {
  /** Pixels; smaller labels are removed; ≤ 0: none. 15: Cellpose's default. */
  minSize?: number;
  /** Cellpose's exact result; false by default. */
  parity?: boolean;
}

/** What `removeEdgeMasks` counts as edge. */
export interface EdgeOptions {
  /** Whether a volume's first and last plane are edges; true: Cellpose's. */
  zEdges?: boolean;
}

/** What `splitLabels` takes for connected, and what it keeps. */
export interface SplitOptions {
  /** "all": each component becomes a label; "largest": the others are erased. */
  keep?: "all" | "largest";
  /**
   * "full": pixels touch by corners too, so that a thin oblique cell is one;
   * "faces": they do not.
   */
  connectivity?: "full" | "faces";
}

type Step = (kernels: Kernels, at: number, n: number) => number;

/** Cleaning functions of the core. */
export function clean(arena: Arena) {
  /** Copy labels in, run the steps on them in place, copy them out. */
  function onLabels(
    masks: LabelArray,
    size: Size,
    steps: Step,
  ): LabelResult {
    const n = checkLabels("masks", masks, size);
    return arena.scope((kernels) => {
      const at = arena.putLabels(masks);
      const count = steps(kernels, at, n);
      return { masks: arena.viewU32(at, n).slice(), count };
    });
  }

  return {
    /**
     * Renumber labels 1 … count without gaps.
     *
     * @param masks  H×W or D×H×W labels, any ids
     * @throws {ArgumentError | ShapeError} `masks` or `size`
     *
     * Source: fastremap.renumber as Cellpose 4.2.1.1 uses it ("raster"),
     *         the inverse of numpy.unique ("label")
     * Differs: a label image without background keeps its smallest label in
     *          order "label"
     */
    relabel(
      masks: LabelArray,
      size: Size,
      { order = "raster" }: RelabelOptions = {},
    ): LabelResult {
      return onLabels(
        masks,
        size,
        (kernels, at, n) =>
          checkResult(
            order === "raster"
              ? kernels.relabel(at, n)
              : kernels.rankLabels(at, n),
          ),
      );
    },

    /**
     * Remove labels of fewer than `minSize` pixels; renumber in raster order.
     *
     * @param masks    H×W or D×H×W labels
     * @param minSize  pixels; ≤ 0 only renumbers
     * @throws {ArgumentError | ShapeError} `masks`, `size` or `minSize`
     *
     * Source: Cellpose 4.2.1.1 utils.fill_holes_and_remove_small_masks
     * Differs: where no pixel is background Cellpose never removes the
     *          smallest label; here every label is treated alike
     */
    removeSmall(
      masks: LabelArray,
      size: Size,
      { minSize = 15 }: { minSize?: number } = {},
    ): LabelResult {
      checkInteger("minSize", minSize);
      return onLabels(masks, size, (kernels, at, n) => {
        const count = checkResult(kernels.relabel(at, n));
        return checkResult(kernels.removeSmall(at, n, count, minSize, 0));
      });
    },

    /**
     * Remove labels of more than a fraction of all pixels; renumber in raster
     * order.
     *
     * @param masks            H×W or D×H×W labels
     * @param maxSizeFraction  0 … 1, of all pixels; 0.4: Cellpose's default
     * @throws {ArgumentError | ShapeError} `masks`, `size`, `maxSizeFraction`
     *
     * Source: Cellpose 4.2.1.1 dynamics, max_size_fraction
     * Differs: nothing
     */
    removeLarge(
      masks: LabelArray,
      size: Size,
      { maxSizeFraction = 0.4 }: { maxSizeFraction?: number } = {},
    ): LabelResult {
      checkFraction("maxSizeFraction", maxSizeFraction);
      return onLabels(masks, size, (kernels, at, n) => {
        const count = checkResult(kernels.relabel(at, n));
        return checkResult(
          kernels.removeLarge(at, n, count, maxSizeFraction * n),
        );
      });
    },

    /**
     * Remove labels that touch the edge of the image or volume; the others
     * keep their order.
     *
     * @param masks  H×W or D×H×W labels
     * @throws {ArgumentError | ShapeError} `masks` or `size`
     *
     * Source: Cellpose 4.2.1.1 utils.remove_edge_masks
     * Differs: labels are always renumbered; `zEdges: false` is an addition
     */
    removeEdgeMasks(
      masks: LabelArray,
      size: Size,
      { zEdges = true }: EdgeOptions = {},
    ): LabelResult {
      const { height, width } = size;
      const depth = isVolume(size) ? size.depth : 1;
      const hasZEdges = isVolume(size) && zEdges ? 1 : 0;
      return onLabels(masks, size, (kernels, at, n) => {
        const count = checkResult(kernels.rankLabels(at, n));
        return checkResult(
          kernels.removeEdge(at, depth, height, width, count, hasZEdges),
        );
      });
    },

    /**
     * Fill the holes of every label and remove small labels, before and after.
     *
     * A hole is what a label separates from the border of its box: in an image
     * a region of 4-connected pixels, in a volume a closed cavity (6-connected
     * voxels). A cell within another's hole keeps its pixels, each pixel goes
     * to the innermost label around it, and the order of the labels is raster.
     *
     * With `parity`, as Cellpose: a cell within another's hole is erased; where
     * no pixel is background the smallest label is never removed; with
     * minSize ≤ 0 labels are numbered by their old order and an erased one
     * leaves a gap; a volume of one plane has no holes.
     *
     * @param masks  H×W or D×H×W labels
     * @throws {ArgumentError | ShapeError} `masks`, `size` or `minSize`
     *
     * Source: Cellpose 4.2.1.1 utils.fill_holes_and_remove_small_masks
     * Differs: nothing with `parity`
     */
    fillHolesAndRemoveSmall(
      masks: LabelArray,
      size: Size,
      { minSize = 15, parity = false }: FillOptions = {},
    ): LabelResult {
      checkInteger("minSize", minSize);
      const isFilled = !(parity && isVolume(size) && size.depth === 1);
      const { height, width } = size;
      const depth = isVolume(size) ? size.depth : 1;
      const odd = parity ? 1 : 0;
      return onLabels(masks, size, (kernels, at, n) => {
        let count = checkResult(
          parity ? kernels.rankLabels(at, n) : kernels.relabel(at, n),
        );
        const removeSmall = () => {
          count = checkResult(
            kernels.removeSmall(at, n, count, minSize, odd),
          );
        };
        removeSmall();
        if (isFilled) {
          checkResult(kernels.fillHoles(at, depth, height, width, count, odd));
        }
        if (!parity) return count;
        removeSmall();
        // a label erased by another's filling is not counted
        const counts = arena.reserve((count + 1) * 4);
        kernels.countLabels(counts, at, n, count);
        return arena.viewU32(counts, count + 1).subarray(1)
          .reduce((present, pixels) => present + Number(pixels > 0), 0);
      });
    },

    /**
     * Split labels that are not connected; renumber in raster order.
     *
     * @param masks  H×W or D×H×W labels
     * @throws {ArgumentError | ShapeError} `masks` or `size`
     *
     * Source: connected components of each label; no counterpart in Cellpose
     */
    splitLabels(
      masks: LabelArray,
      size: Size,
      { keep = "all", connectivity = "full" }: SplitOptions = {},
    ): LabelResult {
      const { height, width } = size;
      const depth = isVolume(size) ? size.depth : 1;
      const full = connectivity === "full" ? 1 : 0;
      const largest = keep === "largest" ? 1 : 0;
      return onLabels(masks, size, (kernels, at, n) => {
        const count = checkResult(kernels.relabel(at, n));
        return checkResult(
          kernels.splitLabels(at, depth, height, width, count, full, largest),
        );
      });
    },

    /**
     * Replace every label by its entry in a table, as `stitchBlocks` makes one
     * for each block.
     *
     * @param masks  H×W or D×H×W labels, each less than the table's length
     * @param table  new label of each label; entry 0 is 0
     * @returns      H×W or D×H×W labels
     * @throws {ArgumentError | ShapeError} `masks`, `size` or `table`
     *
     * Source: a look-up table
     */
    mapLabels(masks: LabelArray, size: Size, table: Uint32Array): Uint32Array {
      if (table[0] !== 0) {
        throw new ArgumentError("table", "entry 0, the background, must be 0");
      }
      // 2³²−1 has a meaning of its own in the kernel
      if (table.includes(0xffffffff)) {
        throw new ArgumentError("table", "labels go up to 4294967294");
      }
      return onLabels(masks, size, (kernels, at, n) => {
        const largest = kernels.maxLabel(at, n) >>> 0;
        if (largest >= table.length) {
          throw new ArgumentError(
            "masks",
            `label ${largest} has no entry in a table of ${table.length}`,
          );
        }
        return kernels.applyTable(at, n, arena.put(table));
      }).masks;
    },
  };
}
