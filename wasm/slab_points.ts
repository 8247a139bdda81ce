/**
 * Points of a slab: those that start in it, and those that come and go.
 *
 * @module
 */
import type { Arena } from "./arena.ts";
import { edges } from "./flows.ts";
import type { TrackTask, Travellers } from "./slab_plan.ts";

/** Copy in, or make, the points of a task, with the steps each has to go. */
export function putPoints(
  arena: Arena,
  task: TrackTask,
  { axes, cellprob, rowPixels, length, convention }: {
    axes: number;
    cellprob: number;
    rowPixels: number;
    length: number;
    convention: number;
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
    convention,
    task.threshold,
  );
  const left = arena.reserve(count * 4);
  arena.viewI32(left, count).fill(task.niter);
  return { points, left, count };
}

/** Copy out the points that have steps to go. */
export function takeAway(
  arena: Arena,
  points: number,
  left: number,
  { count, axes, length, convention }: {
    count: number;
    axes: number;
    length: number;
    convention: number;
  },
): Travellers {
  const { kernels } = arena;
  const n = kernels.collectAway(
    0,
    0,
    0,
    0,
    points,
    left,
    count,
    axes,
    length,
    convention,
  );
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
    convention,
  );
  return {
    ids: arena.viewU32(ids, n).slice(),
    positions: arena.viewI32(positions, n * axes).slice(),
    steps: arena.viewI32(steps, n).slice(),
    rows: arena.viewI32(rows, n).slice(),
  };
}
