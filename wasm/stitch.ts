/**
 * Stitch labels across the slices of a stack.
 *
 * @module
 */
import { type Arena, checkResult } from "./arena.ts";
import type { LabelResult } from "./clean.ts";
import { checkFraction, checkLabels } from "./check.ts";
import { ArgumentError } from "../shared/errors.ts";
import type { LabelArray, Size3D } from "../shared/ndarray.ts";

/** How `stitchSlices` links. */
export interface StitchOptions {
  /** IoU, 0 … 1, from which labels are linked; 0.25: Cellpose's default. */
  threshold?: number;
  /** Cellpose's exact ids, collisions included; false by default. */
  parity?: boolean;
}

/** Stitching of slices. */
export function stitch(arena: Arena) {
  return {
    /**
     * Link the labels of neighboring slices by overlap, so that a cell has one
     * label through the stack.
     *
     * Of each pair of slices, pairs below the threshold are dropped, a label
     * of the earlier slice keeps its best partners (of equals several), and a
     * label of the later one takes the best that is left (of equals the
     * smallest id) or a new id. Nothing is linked across an empty slice. Cost
     * grows with the pixels and the pairs that overlap.
     *
     * @param masks  D×H×W, each slice with labels of its own, any ids
     * @returns      labels 1 … count by slice, then by old label; with parity
     *               Cellpose's ids, which may have gaps
     * @throws {ArgumentError | ShapeError} `masks`, `size` or `threshold`
     *
     * Source: Cellpose 4.2.1.1 utils.stitch3D
     * Differs: with `parity` nothing. Else ids are never given twice (Cellpose
     *          does after a leading or an early empty slice) and have no gaps
     */
    stitchSlices(
      masks: LabelArray,
      size: Size3D,
      { threshold = 0.25, parity = false }: StitchOptions = {},
    ): LabelResult {
      checkFraction("threshold", threshold);
      const n = checkLabels("masks", masks, size);
      const plane = size.height * size.width;
      return arena.scope((kernels) => {
        const at = arena.putLabels(masks);
        let count = checkResult(
          kernels.stitchSlices(
            at,
            size.depth,
            plane,
            threshold,
            parity ? 1 : 0,
          ),
        );
        if (count === -1) {
          throw new ArgumentError(
            "masks",
            "labels are so large that new ids exceed 2³²; relabel the slices",
          );
        }
        if (parity) count = checkResult(kernels.countDistinct(at, n));
        return { masks: arena.viewU32(at, n).slice(), count };
      });
    },
  };
}
