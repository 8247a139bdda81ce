/**
 * The two steps of a large image that run slab by slab, here or in a worker.
 *
 * A slab is a range of rows (of planes in 3-D) with a halo on both sides.
 * Tasks and results are plain data, so they can be posted to a worker.
 *
 * @module
 */
import { type Arena, checkResult } from "./arena.ts";
import { edges } from "./flows.ts";
import { conventionOf } from "./settings.ts";
import type { CheckTask, Tracked, TrackTask } from "./slab_plan.ts";
import { putPoints, takeAway } from "./slab_points.ts";

/** Functions of slabs over one instance of the module. */
export function slabTasks(arena: Arena) {
  return {
    /**
     * Follow the flows of a slab's points until they end or leave its window.
     *
     * @param task  window, points and parameters
     * @returns     sinks, and the points that left
     *
     * Source: ours; the steps are those of `followFlows`, bit for bit, since
     * positions keep their bits from slab to slab.
     */
    trackSlab(task: TrackTask): Tracked {
      const { d, h, w } = edges(task.size);
      const whole = edges(task.whole);
      const axes = d === 1 ? 2 : 3;
      const [rows, length] = axes === 2 ? [h, whole.h] : [d, whole.d];
      const convention = conventionOf(task.isPlain, d);
      const rowPixels = d * h * w / rows;
      return arena.scope((kernels) => {
        const flows = arena.put(task.flows);
        const cellprob = arena.put(task.cellprob);
        const packed = arena.reserve(kernels.packedBytes(d, h, w) >>> 0);
        kernels.packFlows(
          packed,
          flows,
          cellprob,
          d,
          h,
          w,
          whole.d,
          whole.h,
          whole.w,
          convention,
          task.threshold,
        );
        const padded = (axes === 2 ? 1 : d + 2) * (h + 2) * (w + 2);
        const step = kernels.longestStep(
          packed,
          padded,
          axes,
          length,
          convention,
        );
        const halo = neededHalo(task, rows, length, step);
        if (halo > 0) return { ...NOTHING, neededHalo: halo };

        const { points, left, count } = putPoints(arena, task, {
          axes,
          cellprob,
          rowPixels,
          length,
          convention,
        });
        kernels.shiftPoints(points, count, axes, -task.from, convention);
        const window = arena.reserve(64);
        kernels.wholeWindow(window, d, h, w, convention);
        const stride = axes === 2 ? 2 : 4;
        kernels.slabWindow(
          window,
          stride,
          task.from,
          rows,
          length,
          step,
          convention,
        );
        const early = task.isEarly ? 1 : 0;
        checkResult(
          kernels.trackPoints(
            points,
            left,
            0,
            packed,
            window,
            count,
            d,
            h,
            w,
            0,
            early,
            convention,
          ),
        );
        kernels.shiftPoints(points, count, axes, task.from, convention);
        const away = takeAway(arena, points, left, {
          count,
          axes,
          length,
          convention,
        });
        kernels.pointsToPixels(
          points,
          points,
          count,
          whole.d,
          whole.h,
          whole.w,
          convention,
        );
        return { sinks: arena.viewU32(points, count).slice(), away };
      });
    },

    /**
     * Measure the flow errors of a slab's labels.
     *
     * @param task  window, labels and parameters
     * @returns     one error a measured label, f64
     *
     * Source: as `flowErrors`.
     */
    checkSlab(task: CheckTask): Float64Array<ArrayBuffer> {
      const { d, h, w } = edges(task.size);
      return arena.scope((kernels) => {
        const flows = arena.put(task.flows);
        const masks = arena.put(task.masks);
        const boxes = arena.put(task.boxes);
        const ids = arena.put(task.ids);
        const errors = arena.reserve(task.owned * 8);
        checkResult(
          kernels.boxFlowErrors(
            errors,
            flows,
            masks,
            boxes,
            ids,
            d,
            h,
            w,
            task.ids.length,
            task.owned,
            task.diffusionSteps,
            task.parity,
          ),
        );
        return arena.viewF64(errors, task.owned).slice();
      });
    },
  };
}

const NOTHING: Tracked = {
  sinks: new Uint32Array(0),
  away: {
    ids: new Uint32Array(0),
    positions: new Int32Array(0),
    steps: new Int32Array(0),
    rows: new Int32Array(0),
  },
};

/**
 * Halo that lets every point of the slab take two steps before it may leave;
 * 0 where the task's halo does.
 */
function neededHalo(
  task: TrackTask,
  rows: number,
  length: number,
  step: number,
): number {
  const margin = Math.ceil(step) + 2;
  const isCutAbove = task.from > 0;
  const isCutBelow = task.from + rows < length;
  const [begin, end] = task.own;
  const isWide = (!isCutAbove || begin >= margin) &&
    (!isCutBelow || rows - end >= margin);
  return isWide ? 0 : margin;
}
