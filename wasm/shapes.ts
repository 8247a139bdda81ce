/**
 * Shapes of labels: outlines, contours, properties of regions, diameters.
 *
 * Labels may be any ids up to 2³²−1, with gaps; results are in ascending order
 * of the ids. Inputs are not changed.
 *
 * @module
 */
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";
import type { LabelArray, Size } from "../shared/ndarray.ts";

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
  };
}
