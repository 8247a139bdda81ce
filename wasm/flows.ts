/**
 * Labels to flows: training targets, and the check of predicted masks.
 *
 * @module
 */
import {
  countPixels,
  isVolume,
  type LabelArray,
  type Size,
} from "../shared/ndarray.ts";
import { ArgumentError } from "../shared/errors.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkFlows, checkLabels } from "./check.ts";

/** How labels become flows. */
export interface LabelFlowsOptions {
  /**
   * Steps of the heat diffusion; 0 (default) takes 2·(h + w + 2) of a label's
   * box (6·(d + h + w + 3) in 3-D), which reaches every pixel of a cell.
   */
  readonly diffusionSteps?: number;
  /**
   * Exactly as Cellpose 4.2.1.1: steps by the largest box of the image, and
   * flows that leak between touching cells. Default false: each cell alone.
   */
  readonly parity?: boolean;
}

/** Flow errors by label. */
export interface FlowErrors {
  /** K u32, ascending. */
  readonly labels: Uint32Array;
  /** K f64: mean over the label's pixels of the squared difference; 0..4. */
  readonly errors: Float64Array;
}

/** Functions of labels and flows over one instance of the module. */
export function flows(arena: Arena) {
  return {
    /**
     * Compute the flows of a label image: from every pixel of a cell, a unit
     * vector up the heat that diffuses from the cell's center.
     *
     * @param labels   H×W or D×H×W, 0 background; any ids, gaps allowed
     * @param size     size of the image or volume
     * @param options  steps and parity mode
     * @returns        2×H×W f32 (dY, dX) or 3×D×H×W (dZ, dY, dX); 0 on
     *                 background, at a lone pixel and where the heat is flat
     * @throws {ArgumentError} for a negative label or an empty size
     * @throws {ShapeError} if the length does not fit the size
     *
     * Source: Stringer et al. 2021; Cellpose 4.2.1.1 masks_to_flows_gpu(_3d).
     * Differs: leak-free and per-cell step count unless `parity`.
     */
    labelsToFlows(
      labels: LabelArray,
      size: Size,
      options: LabelFlowsOptions = {},
    ): Float32Array<ArrayBuffer> {
      const pixels = checkLabels("labels", labels, size);
      const { d, h, w } = edges(size);
      const planes = d === 1 ? 2 : 3;
      const steps = checkSteps(options.diffusionSteps ?? 0);
      return arena.scope((kernels) => {
        const masks = arena.putLabels(labels);
        const count = checkResult(kernels.rankLabels(masks, pixels));
        const out = arena.reserve(planes * pixels * 4);
        const parity = options.parity ? 1 : 0;
        checkResult(
          kernels.labelFlows(out, masks, d, h, w, count, steps, parity),
        );
        const flows = arena.viewF32(out, planes * pixels);
        // a volume of one plane has flows within the plane
        if (isVolume(size) && d === 1) {
          const volume = new Float32Array(3 * pixels);
          volume.set(flows, pixels);
          return volume;
        }
        return flows.slice();
      });
    },

    /**
     * Compute how far given flows are from the flows of given masks.
     *
     * @param masks    H×W or D×H×W, 0 background; any ids, gaps allowed
     * @param flows    2×H×W or 3×D×H×W f32, unit scale, finite
     * @param size     size of the image or volume
     * @param options  as in `labelsToFlows`
     * @returns        labels, ascending, with the error of each: 0 is perfect,
     *                 1 no flow at all, 4 the opposite direction
     * @throws {ArgumentError} for a negative label, an empty size or a flow
     *   that is not finite
     * @throws {ShapeError} if a length does not fit the size
     *
     * Source: Cellpose 4.2.1.1, metrics.flow_error. Differs: as `labelsToFlows`.
     */
    flowErrors(
      masks: LabelArray,
      flows: Float32Array,
      size: Size,
      options: LabelFlowsOptions = {},
    ): FlowErrors {
      const pixels = checkLabels("masks", masks, size);
      const { d, h, w } = edges(size);
      const steps = checkSteps(options.diffusionSteps ?? 0);
      return arena.scope((kernels) => {
        const labels = arena.putLabels(masks);
        const original = arena.reserve(pixels * 4);
        arena.viewU32(original, pixels).set(masks);
        const count = checkResult(kernels.rankLabels(labels, pixels));
        const at = checkFlows(arena, flows, size);
        const errors = arena.reserve(count * 8);
        const parity = options.parity ? 1 : 0;
        checkResult(
          kernels.flowErrors(errors, at, labels, d, h, w, count, steps, parity),
        );
        const ids = arena.reserve(count * 4);
        kernels.originalLabels(ids, labels, original, pixels);
        return {
          labels: arena.viewU32(ids, count).slice(),
          errors: arena.viewF64(errors, count).slice(),
        };
      });
    },
  };
}

/** Edges as the kernels take them; d = 1 for an image. */
export function edges(size: Size): { d: number; h: number; w: number } {
  countPixels(size);
  return {
    d: isVolume(size) ? size.depth : 1,
    h: size.height,
    w: size.width,
  };
}

function checkSteps(steps: number): number {
  if (!Number.isInteger(steps) || steps < 0 || steps > 2 ** 30) {
    throw new ArgumentError(
      "diffusionSteps",
      `must be an integer from 0 (chosen by box size) to 2^30, is ${steps}`,
    );
  }
  return steps;
}
