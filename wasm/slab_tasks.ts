/**
 * The two steps of a large image that run slab by slab, here or in a worker.
 *
 * A slab is a range of rows (of planes in 3-D) with a halo on both sides.
 * Tasks and results are plain data, so they can be posted to a worker.
 *
 * @module
 */
import type { Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { edges } from "./flows.ts";

/** Points on their way: numbers for the caller, positions, steps to go. */
export interface Travellers {
  /** n u32. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** n×2 or n×3 i32, fixed-point positions in the whole image. */
  readonly positions: Int32Array<ArrayBuffer>;
  /** n i32. */
  readonly steps: Int32Array<ArrayBuffer>;
  /** n i32: row (plane) of the whole image where each is. */
  readonly rows: Int32Array<ArrayBuffer>;
}

/** Follow the flows of the points that start in a slab, or that came to it. */
export interface TrackTask {
  readonly kind: "track";
  /** Window: the slab with its halo. */
  readonly size: Size;
  readonly flows: Float32Array<ArrayBuffer>;
  readonly cellprob: Float32Array<ArrayBuffer>;
  readonly whole: Size;
  /** First row (plane) of the window in the whole image. */
  readonly from: number;
  /** Rows (planes) of the window whose pixels start here. */
  readonly own: readonly [number, number];
  /** Instead of the own pixels: points from other slabs. */
  readonly travellers?: Travellers;
  readonly niter: number;
  readonly isPlain: boolean;
  readonly isEarly: boolean;
  readonly threshold: number;
}

/** Where the points of a slab ended. */
export interface Tracked {
  /**
   * P u32: pixel of the whole image in which each point ended, in raster order
   * (or the order of the travellers); meaningless for a point still away.
   */
  readonly sinks: Uint32Array<ArrayBuffer>;
  /** Points that left the window; their ids count this task's points. */
  readonly away: Travellers;
  /** Set when the halo is too narrow for the flows: nothing was tracked. */
  readonly neededHalo?: number;
}

/** Measure the flow errors of the labels that start in a slab. */
export interface CheckTask {
  readonly kind: "check";
  readonly size: Size;
  readonly flows: Float32Array<ArrayBuffer>;
  readonly masks: Uint32Array<ArrayBuffer>;
  /** K×8 i32 of the kernel `findBoxes`, within the window. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** K u32. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** The first so many labels are measured, the rest are their neighbors. */
  readonly owned: number;
  readonly diffusionSteps: number;
  readonly parity: boolean;
}

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
     * positions are fixed-point.
     */
    trackSlab(task: TrackTask): Tracked {
      const { d, h, w } = edges(task.size);
      const whole = edges(task.whole);
      const axes = d === 1 ? 2 : 3;
      const [rows, length] = axes === 2 ? [h, whole.h] : [d, whole.d];
      const plain = task.isPlain ? 1 : 0;
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
          plain,
          task.threshold,
        );
        const padded = (axes === 2 ? 1 : d + 2) * (h + 2) * (w + 2);
        const step = kernels.longestStep(packed, padded, axes);
        const halo = neededHalo(task, rows, length, step);
        if (halo > 0) return { ...NOTHING, neededHalo: halo };

        const { points, left, count } = putPoints(arena, task, {
          axes,
          cellprob,
          rowPixels,
          length,
        });
        kernels.shiftPoints(points, count, axes, -task.from * ONE);
        const window = arena.reserve(64);
        kernels.wholeWindow(window, d, h, w, plain);
        const stride = axes === 2 ? 2 : 4;
        kernels.slabWindow(
          window,
          stride,
          task.from,
          rows,
          length,
          step,
          plain,
        );
        const early = task.isEarly ? 1 : 0;
        checkResult(
          axes === 2
            ? kernels.followFlows(
              points,
              left,
              0,
              packed,
              window,
              count,
              w,
              0,
              early,
            )
            : kernels.followFlows3d(
              points,
              left,
              0,
              packed,
              window,
              count,
              h,
              w,
              0,
              early,
            ),
        );
        kernels.shiftPoints(points, count, axes, task.from * ONE);
        const away = takeAway(arena, points, left, count, axes, length);
        kernels.pointsToPixels(
          points,
          points,
          count,
          whole.d,
          whole.h,
          whole.w,
          plain,
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
            task.parity ? 1 : 0,
          ),
        );
        return arena.viewF64(errors, task.owned).slice();
      });
    },
  };
}

/** One pixel in the kernels' fixed-point positions (`assembly/fixed.ts`). */
const ONE = 2 ** 14;

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
  const margin = Math.ceil(step / ONE) + 2;
  const isCutAbove = task.from > 0;
  const isCutBelow = task.from + rows < length;
  const [begin, end] = task.own;
  const isWide = (!isCutAbove || begin >= margin) &&
    (!isCutBelow || rows - end >= margin);
  return isWide ? 0 : margin;
}

function putPoints(
  arena: Arena,
  task: TrackTask,
  { axes, cellprob, rowPixels, length }: {
    axes: number;
    cellprob: number;
    rowPixels: number;
    length: number;
  },
): { points: number; left: number; count: number } {
  const { kernels } = arena;
  if (task.travellers !== undefined) {
    const { positions, steps } = task.travellers;
    const points = arena.put(positions);
    return { points, left: arena.put(steps), count: steps.length };
  }
  const [begin, end] = task.own;
  const own = cellprob + begin * rowPixels * 4;
  const pixels = (end - begin) * rowPixels;
  const count = kernels.countForeground(own, pixels, task.threshold);
  const points = arena.reserve(count * axes * 4);
  const { h, w } = edges(task.size);
  kernels.startPoints(
    points,
    own,
    axes,
    axes === 2 ? 1 : end - begin,
    axes === 2 ? end - begin : h,
    w,
    task.from + begin,
    length,
    task.isPlain ? 1 : 0,
    task.threshold,
  );
  const left = arena.reserve(count * 4);
  arena.viewI32(left, count).fill(task.niter);
  return { points, left, count };
}

function takeAway(
  arena: Arena,
  points: number,
  left: number,
  count: number,
  axes: number,
  length: number,
): Travellers {
  const { kernels } = arena;
  const n = kernels.collectAway(0, 0, 0, 0, points, left, count, axes, length);
  const ids = arena.reserve(n * 4);
  const positions = arena.reserve(n * axes * 4);
  const steps = arena.reserve(n * 4);
  const rows = arena.reserve(n * 4);
  kernels.collectAway(
    ids,
    positions,
    steps,
    rows,
    points,
    left,
    count,
    axes,
    length,
  );
  return {
    ids: arena.viewU32(ids, n).slice(),
    positions: arena.viewI32(positions, n * axes).slice(),
    steps: arena.viewI32(steps, n).slice(),
    rows: arena.viewI32(rows, n).slice(),
  };
}
