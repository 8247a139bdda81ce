/**
 * Clustering by density: the report's way from end points to masks.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type Size,
} from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";

/** Settings of `clusterDbscan`. */
export interface DbscanOptions {
  /** Points at most this far apart are neighbors, pixels. Default 1.5: the middle of the report's three. */
  readonly eps?: number;
  /** Neighbors of a core point, itself among them. Default 5: scikit-learn's. */
  readonly minSamples?: number;
}

/** The functions of this file over an arena. */
export function dbscan(arena: Arena) {
  return {
    /**
     * Cluster end points by density (DBSCAN) and paint the pixels they came from.
     *
     * Exact, border points included: one in reach of several clusters joins the
     * cluster whose first core point comes first. Noise stays 0; labels are
     * numbered by their first pixel.
     *
     * @param points   P×2 f32 (y, x) or P×3 (z, y, x), pixels
     * @param indices  P, the pixel each point started from, ascending
     * @param size     of the image or volume
     * @param options  `eps` and `minSamples`
     * @returns        masks H×W or D×H×W u32, and how many there are
     * @throws {ArgumentError} for disagreeing lengths, points that are not
     *   finite, or an `eps` too small for the points' span
     *
     * Source: Ester et al. 1996; the report.
     * Differs: nothing; labels are scikit-learn's up to their order.
     */
    clusterDbscan(
      points: Float32Array,
      indices: Uint32Array,
      size: Size,
      options: DbscanOptions = {},
    ): { masks: Uint32Array; count: number } {
      const { eps = 1.5, minSamples = 5 } = options;
      const axes = isVolume(size) ? 3 : 2;
      const pixels = countPixels(size);
      checkLength("points", points, indices.length * axes);
      if (!(eps > 0 && eps < Infinity)) {
        throw new ArgumentError("eps", `must be a positive number, is ${eps}`);
      }
      if (!(Number.isInteger(minSamples) && minSamples > 0)) {
        throw new ArgumentError(
          "minSamples",
          `must be a positive integer, is ${minSamples}`,
        );
      }
      return arena.scope((kernels) => {
        const from = arena.put(points);
        const at = arena.put(indices);
        const out = arena.reserve(pixels * 4);
        const count = checkResult(kernels.dbscan(
          out,
          from,
          at,
          pixels,
          indices.length,
          axes,
          eps,
          Math.min(minSamples, 2 ** 31 - 1),
        ));
        if (count < 0) {
          throw new ArgumentError(
            "points",
            `must be finite and span at most 2^20 · eps (eps is ${eps}), and indices must ascend below ${pixels}`,
          );
        }
        return { masks: arena.viewU32(out, pixels).slice(), count };
      });
    },
  };
}
