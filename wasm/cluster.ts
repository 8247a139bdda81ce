/**
 * Cluster end points by the peaks of their histogram.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { checkLength, countPixels, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkFloats, checkFraction, checkIndices } from "./check.ts";
import { edges } from "./flows.ts";

/** How `clusterPoints` clusters. */
export interface ClusterOptions {
  /** Larger labels go, as a fraction of the image; default 0.4, Cellpose's. */
  readonly maxSizeFraction?: number;
}

/** Functions of end points over one instance of the module. */
export function cluster(arena: Arena) {
  return {
    /**
     * Group points that end near one another, as `computeMasks` does: pixels
     * in which more than 10 points end, and that are the most within 5×5, start
     * a label, which grows over pixels of more than 2 within 11×11.
     *
     * @param points   P×2 f32 (y, x) or P×3 (z, y, x), pixels, of `followFlows`
     * @param indices  P u32, the pixel each point started from
     * @param size     of the image or volume
     * @param options  largest size
     * @returns        masks H×W or D×H×W u32, 1..count in raster order
     * @throws {ArgumentError} for a point or index outside the image
     * @throws {ShapeError} if the lengths disagree
     *
     * Source: Cellpose 4.2.1.1, dynamics.get_masks_torch.
     * Differs: ties between seeds are in raster order.
     */
    clusterPoints(
      points: Float32Array,
      indices: Uint32Array,
      size: Size,
      options: ClusterOptions = {},
    ): { masks: Uint32Array<ArrayBuffer>; count: number } {
      const pixels = countPixels(size);
      const { d, h, w } = edges(size);
      checkFloats("points", points);
      checkIndices("indices", indices);
      checkLength("points", points, indices.length * (d === 1 ? 2 : 3));
      const fraction = options.maxSizeFraction ?? 0.4;
      checkFraction("maxSizeFraction", fraction);
      return arena.scope((kernels) => {
        const out = arena.reserve(pixels * 4);
        const count = checkResult(
          kernels.clusterPeaks(
            out,
            arena.put(points),
            arena.put(indices),
            indices.length,
            d,
            h,
            w,
            fraction * pixels,
          ),
        );
        if (count < 0) {
          throw new ArgumentError(
            "points",
            `and indices must lie within the image of ${pixels} pixels`,
          );
        }
        return { masks: arena.viewU32(out, pixels).slice(), count };
      });
    },
  };
}
