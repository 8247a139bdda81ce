/**
 * Flows to masks: follow the flows, cluster the sinks, check and clean.
 *
 * The order of the steps is in `assembly/masks.ts`, inside the module, so that
 * a program in any language gets masks with one call.
 *
 * @module
 */
import { countPixels, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkCellprob, checkEdges, checkFlags, checkFlows } from "./check.ts";
import { edges } from "./flows.ts";
import {
  checkNiter,
  conventionOf,
  explainEmpty,
  type FollowOptions,
  isPlain,
  type Masks,
  type MasksOptions,
  type Points,
  putSettings,
  readFacts,
} from "./settings.ts";
import { computeMasksBySlab } from "./slab_masks.ts";
import type { SlabOptions } from "./slab_plan.ts";
import { slabTasks } from "./slab_tasks.ts";
import { tellTrust } from "./trust.ts";

/** Functions from flows to masks over one instance of the module. */
export function masks(arena: Arena) {
  return {
    /**
     * Move every foreground pixel along the flows to its sink.
     *
     * @param flows       2×H×W or 3×D×H×W f32, unit scale, finite
     * @param foreground  H×W or D×H×W u8, non-zero where a point starts
     * @param size        size of the image or volume
     * @param options     steps, convention, early stop
     * @returns           end points, and where they started
     * @throws {ArgumentError} for flows that are not finite or an empty size
     * @throws {ShapeError} if a length does not fit the size
     *
     * Source: Cellpose 4.2.1.1, dynamics.steps_interp.
     * Differs: the convention, unless "cellpose"; positions are rounded to 2⁻¹⁴ pixels at each step, flows are
     * cut to 255 pixels; an axis of one pixel stays where it is.
     */
    followFlows(
      flows: Float32Array,
      foreground: Uint8Array,
      size: Size,
      options: FollowOptions = {},
    ): Points {
      const pixels = countPixels(size);
      checkEdges(size);
      checkFlags("foreground", foreground, pixels);
      const { d, h, w } = edges(size);
      const niter = checkNiter(options.niter ?? 200);
      const convention = conventionOf(isPlain(options), d);
      const early = options.earlyStop === false ? 0 : 1;
      const axes = d === 1 ? 2 : 3;
      return arena.scope((kernels) => {
        const flowsAt = checkFlows(arena, flows, size);
        const flags = arena.put(foreground);
        const cellprob = arena.reserve(pixels * 4);
        kernels.flagsToCellprob(cellprob, flags, pixels);
        const p = kernels.countForeground(cellprob, pixels, 0);
        const points = arena.reserve(p * axes * 4);
        const packed = arena.reserve(kernels.packedBytes(d, h, w) >>> 0);
        const window = arena.reserve(64);
        const whole = d === 1 ? h : d;
        kernels.startPoints(
          points,
          cellprob,
          axes,
          d,
          h,
          w,
          0,
          whole,
          convention,
          0,
        );
        kernels.packFlows(
          packed,
          flowsAt,
          cellprob,
          d,
          h,
          w,
          d,
          h,
          w,
          convention,
          0,
        );
        kernels.wholeWindow(window, d, h, w, convention);
        checkResult(
          kernels.trackPoints(
            points,
            0,
            0,
            packed,
            window,
            p,
            d,
            h,
            w,
            niter,
            early,
            convention,
          ),
        );
        kernels.pointsToPositions(points, points, p, d, h, w, convention);
        const indices = arena.reserve(p * 4);
        kernels.foregroundPixels(indices, cellprob, pixels, 0);
        return {
          points: arena.viewF32(points, p * axes).slice(),
          indices: arena.viewU32(indices, p).slice(),
        };
      });
    },

    /**
     * Compute the masks of an image or volume from a network's output.
     *
     * @param flows     2×H×W or 3×D×H×W f32, unit scale (a network's 5×
     *                  divided), finite
     * @param cellprob  H×W or D×H×W f32, logit, no NaN
     * @param size      size of the image or volume
     * @param options   thresholds; the defaults are Cellpose's
     * @returns         masks, their number, and why labels were dropped
     * @throws {ArgumentError} for values that are not finite, an empty size or
     *   a parameter out of range
     * @throws {ShapeError} if a length does not fit the size
     * @throws {CoreMemoryError} if the image is too large for one call
     *
     * Source: Cellpose 4.2.1.1, dynamics.resize_and_compute_masks.
     * Differs: ties between seeds are in raster order; without `parity` flows
     * are sampled where the points are, the flow check is leak-free and cells
     * nested in a hole are kept.
     */
    computeMasks(
      flows: Float32Array,
      cellprob: Float32Array,
      size: Size,
      options: MasksOptions = {},
    ): Masks {
      const pixels = countPixels(size);
      checkEdges(size);
      const { d, h, w } = edges(size);
      return arena.scope((kernels) => {
        const isTold = options.confidence || options.settled;
        const settled = isTold ? arena.reserve(pixels) : 0;
        const settings = putSettings(arena, options, d, settled);
        const cellprobAt = checkCellprob(arena, cellprob, size);
        const flowsAt = checkFlows(arena, flows, size);
        const out = arena.reserve(pixels * 4);
        const count = checkResult(
          kernels.computeMasks(out, flowsAt, cellprobAt, d, h, w, settings),
        );
        const facts = readFacts(arena, settings);
        const reason = count === 0 ? explainEmpty(facts, options) : undefined;
        const told = tellTrust(arena, options, {
          masks: out,
          flows: flowsAt,
          cellprob: cellprobAt,
          settled,
          size,
          count,
        });
        return {
          masks: arena.viewU32(out, pixels).slice(),
          count,
          ...facts,
          ...told,
          ...(reason === undefined ? {} : { emptyReason: reason }),
        };
      });
    },

    /**
     * Compute masks slab by slab: for an image that one call cannot hold.
     *
     * Up to about 22,000×22,000 pixels; the input stays outside the module.
     *
     * @param flows     2×H×W or 3×D×H×W f32, unit scale, finite
     * @param cellprob  H×W or D×H×W f32, logit, no NaN
     * @param size      size of the image or volume
     * @param options   parameters of `computeMasks`; rows of a slab
     * @returns         the same masks as `computeMasks`, bit for bit
     * @throws {ArgumentError | ShapeError | CoreMemoryError} as `computeMasks`
     *
     * Source: as `computeMasks`. Differs: nothing.
     */
    computeMasksBySlab(
      flows: Float32Array,
      cellprob: Float32Array,
      size: Size,
      options: SlabOptions = {},
    ): Promise<Masks> {
      const { trackSlab, checkSlab } = slabTasks(arena);
      const runner = { track: trackSlab, check: checkSlab, concurrency: 1 };
      return computeMasksBySlab(arena, runner, {
        flows,
        cellprob,
        size,
        options,
      });
    },
  };
}
