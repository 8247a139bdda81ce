/**
 * Flows to masks: follow the flows, cluster the sinks, check and clean.
 *
 * The order of the steps is in `assembly/masks.ts`, inside the module, so that
 * a program in any language gets masks with one call.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { checkLength, countPixels, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkCellprob, checkFlows } from "./check.ts";
import { edges } from "./flows.ts";

/** How positions are sampled: see `followFlows`. */
export type Convention = "cellpose" | "plain";

/** How points follow flows. */
export interface FollowOptions {
  /** Euler steps; default 200, Cellpose's for a diameter of 30 pixels. */
  readonly niter?: number;
  /**
   * "cellpose" (default) samples position p of an axis of L pixels at
   * p·L/(L−1) − ½, as Cellpose does; "plain" samples at p.
   */
  readonly convention?: Convention;
  /**
   * Finish a path that repeats with period two at once (default). The points
   * are the same with and without it.
   */
  readonly earlyStop?: boolean;
}

/** Where points end. */
export interface Points {
  /** P×2 (y, x) or P×3 (z, y, x) f32, pixels, within the image. */
  readonly points: Float32Array<ArrayBuffer>;
  /** P u32: index of the pixel where each started, ascending. */
  readonly indices: Uint32Array<ArrayBuffer>;
}

/** Parameters of `computeMasks`; the defaults are Cellpose's. */
export interface MasksOptions extends FollowOptions {
  /** Foreground is where the logit is above this; 0 is a probability of ½. */
  readonly cellprobThreshold?: number;
  /** Labels with a larger flow error go; default 0.4 in 2-D; 0 = no check, the default in 3-D. */
  readonly flowThreshold?: number;
  /** Smaller labels go, in pixels; default 15; 0 keeps all. */
  readonly minSize?: number;
  /** Larger labels go, as a fraction of the image; default 0.4. */
  readonly maxSizeFraction?: number;
  /** Fill the holes of labels; default true. */
  readonly fillHoles?: boolean;
  /**
   * Exactly as Cellpose 4.2.1.1, its flow check across touching cells and its
   * rules for nested cells included. Default false.
   */
  readonly parity?: boolean;
}

/** Masks and what became of the labels on the way. */
export interface Masks {
  /** H×W or D×H×W u32, 0 background, 1..count in raster order. */
  readonly masks: Uint32Array<ArrayBuffer>;
  readonly count: number;
  /** Pixels above the cell-probability threshold. */
  readonly foreground: number;
  /** Sinks with enough points to start a label. */
  readonly seeds: number;
  /** Labels dropped, by cause. */
  readonly dropped: {
    readonly tooLarge: number;
    readonly badFlow: number;
    readonly tooSmall: number;
  };
  /** Why there are no masks; absent when there are some. */
  readonly emptyReason?: string;
}

/** Bits of the kernel's flags. */
const PARITY = 1;
const NO_EARLY_STOP = 2;
const PLAIN = 4;
const KEEP_HOLES = 8;
const WITH_SETTLED = 16;

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
     * Differs: positions are rounded to 2⁻¹⁴ pixels at each step, flows are
     * cut to 255 pixels; an axis of one pixel stays where it is.
     */
    followFlows(
      flows: Float32Array,
      foreground: Uint8Array,
      size: Size,
      options: FollowOptions = {},
    ): Points {
      const pixels = countPixels(size);
      checkLength("foreground", foreground, pixels);
      const { d, h, w } = edges(size);
      const niter = checkNiter(options.niter ?? 200);
      const plain = options.convention === "plain" ? 1 : 0;
      const early = options.earlyStop === false ? 0 : 1;
      const axes = d === 1 ? 2 : 3;
      return arena.scope((kernels) => {
        const flowsAt = checkFlows(arena, flows, size);
        const flags = arena.put(foreground);
        const cellprob = arena.reserve(pixels * 4);
        kernels.flagsToCellprob(cellprob, flags, pixels);
        const p = kernels.countForeground(cellprob, pixels, 0);
        const points = arena.reserve(p * axes * 4 + 4);
        const packed = arena.reserve(kernels.packedBytes(d, h, w) >>> 0);
        const window = arena.reserve(64);
        const whole = d === 1 ? h : d;
        kernels.startPoints(points, cellprob, d, h, w, 0, whole, plain, 0);
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
          plain,
          0,
        );
        kernels.wholeWindow(window, d, h, w, plain);
        checkResult(
          d === 1
            ? kernels.followFlows(
              points,
              0,
              0,
              packed,
              window,
              p,
              w,
              niter,
              early,
            )
            : kernels.followFlows3d(
              points,
              0,
              0,
              packed,
              window,
              p,
              h,
              w,
              niter,
              early,
            ),
        );
        kernels.pointsToPositions(points, points, p, d, h, w, plain);
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
     * Differs: ties between seeds are in raster order; without `parity` the
     * flow check is leak-free and cells nested in a hole are kept.
     */
    computeMasks(
      flows: Float32Array,
      cellprob: Float32Array,
      size: Size,
      options: MasksOptions = {},
    ): Masks {
      const pixels = countPixels(size);
      const { d, h, w } = edges(size);
      return arena.scope((kernels) => {
        const settings = putSettings(arena, options, d);
        const cellprobAt = checkCellprob(arena, cellprob, size);
        const flowsAt = checkFlows(arena, flows, size);
        const out = arena.reserve(pixels * 4);
        const count = checkResult(
          kernels.computeMasks(out, flowsAt, cellprobAt, d, h, w, settings),
        );
        const facts = readFacts(arena, settings);
        const reason = count === 0 ? explainEmpty(facts, options) : undefined;
        return {
          masks: arena.viewU32(out, pixels).slice(),
          count,
          ...facts,
          ...(reason === undefined ? {} : { emptyReason: reason }),
        };
      });
    },
  };
}

type Facts = Pick<Masks, "foreground" | "seeds" | "dropped">;

function putSettings(
  arena: Arena,
  options: MasksOptions,
  d: number,
  settled = 0,
): number {
  const settings = arena.reserve(48);
  const view = new DataView(arena.kernels.memory.buffer, settings, 48);
  const flowThreshold = options.flowThreshold ?? (d === 1 ? 0.4 : 0);
  view.setInt32(0, checkNiter(options.niter ?? 200), true);
  view.setFloat32(
    4,
    checkNumber("cellprobThreshold", options.cellprobThreshold ?? 0),
    true,
  );
  view.setFloat32(8, checkNumber("flowThreshold", flowThreshold), true);
  view.setInt32(12, checkNumber("minSize", options.minSize ?? 15), true);
  view.setFloat32(
    16,
    checkNumber("maxSizeFraction", options.maxSizeFraction ?? 0.4),
    true,
  );
  view.setInt32(
    20,
    (options.parity ? PARITY : 0) |
      (options.earlyStop === false ? NO_EARLY_STOP : 0) |
      (options.convention === "plain" ? PLAIN : 0) |
      (options.fillHoles === false ? KEEP_HOLES : 0) |
      (settled ? WITH_SETTLED : 0),
    true,
  );
  view.setUint32(44, settled, true);
  return settings;
}

function readFacts(arena: Arena, settings: number): Facts {
  const [foreground, seeds, tooLarge, badFlow, tooSmall] = arena.viewI32(
    settings + 24,
    5,
  );
  return { foreground, seeds, dropped: { tooLarge, badFlow, tooSmall } };
}

/** Say why there are no masks, and what a user would change. */
function explainEmpty(facts: Facts, options: MasksOptions): string {
  const { foreground, seeds, dropped } = facts;
  if (foreground === 0) {
    return `No pixel has a cell probability above ${
      options.cellprobThreshold ?? 0
    }; lower cellprobThreshold if there are cells`;
  }
  if (seeds === 0) {
    return `The flows of ${foreground} foreground pixels gather more than 10 of them nowhere; raise niter or check the diameter`;
  }
  return `All labels were dropped: ${dropped.tooLarge} larger than maxSizeFraction, ${dropped.badFlow} above flowThreshold, ${dropped.tooSmall} smaller than minSize`;
}

function checkNiter(niter: number): number {
  if (!Number.isInteger(niter) || niter < 0 || niter > 2 ** 30) {
    throw new ArgumentError(
      "niter",
      `must be an integer from 0 to 2^30, is ${niter}`,
    );
  }
  return niter;
}

function checkNumber(argument: string, value: number): number {
  if (!Number.isFinite(value)) {
    throw new ArgumentError(argument, `must be a finite number, is ${value}`);
  }
  return value;
}
