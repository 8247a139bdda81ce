/**
 * The mean of a training's weights over its last part: it lies nearer to the
 * middle of what the steps wander about in than any of them.
 *
 * Source: Izmailov et al. 2018 (averaged weights).
 * Differs: recorded statistics of norms are averaged, too, not recorded again.
 *
 * @module
 */
import { isMoment } from "./train_state.ts";
import type { StateTensor } from "./trainer_port.ts";

/** Weights and statistics, without the optimizer's means. */
export interface Average {
  /** States that it is the mean of. */
  readonly count: number;
  readonly tensors: ReadonlyMap<string, StateTensor>;
}

/** The mean with one more state. */
export function addToAverage(
  before: Average | undefined,
  state: ReadonlyMap<string, StateTensor>,
): Average {
  const count = (before?.count ?? 0) + 1;
  const kept = [...state].filter(([name]) => !isMoment(name));
  const tensors = kept.map(([name, { shape, data }]) => {
    const mean = before?.tensors.get(name)?.data;
    const moved = mean === undefined
      ? data.slice()
      : mean.map((value, i) => value + (data[i] - value) / count);
    return [name, { shape, data: moved }] as const;
  });
  return { count, tensors: new Map(tensors) };
}
