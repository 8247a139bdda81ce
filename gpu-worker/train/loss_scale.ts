/**
 * The loss scale of training in f16, whose smallest numbers end at 6e-8: the
 * loss is multiplied before it is differentiated, its gradients divided after.
 *
 * The scale is a state of the training graph. Where a gradient is no number or
 * infinite the step changes nothing and the scale is halved; after 2000 steps
 * without that it is doubled.
 *
 * Source: PyTorch 2, torch.amp.GradScaler (first scale, factors, interval).
 * Differs: a skipped step counts for the optimizer's correction of its first
 * steps.
 *
 * @module
 */
import {
  add,
  concat,
  type GraphBuilder,
  multiply,
  slice,
  type Value,
  where,
} from "../../shared/graph/mod.ts";
import { sumOver } from "./gradients/broadcast.ts";
import { absolute, reciprocal } from "./gradients/elementwise.ts";

/** Name of the state: the scale, steps since it changed, steps skipped. */
export const LOSS_SCALE = "loss:scale";
/** The state before the first step. */
export const FIRST_SCALE: readonly number[] = [65536, 0, 0];

const GROWTH = 2;
const BACKOFF = 0.5;
const INTERVAL = 2000;
/** Sums above are no number of f32. */
const LARGEST = 3e38;

/** A loss scale as it is. */
export interface LossScale {
  readonly scale: number;
  /** Steps that changed nothing, since the training began. */
  readonly skipped: number;
}

/** Read the state. */
export function readScale(
  [scale, , skipped]: ArrayLike<number> & Iterable<number>,
): LossScale {
  return { scale, skipped };
}

/** The scale itself, one element. */
export function scaleOf(g: GraphBuilder, state: Value): Value {
  return slice(g, state, { axis: 0, start: 0, end: 1 });
}

/** Gradients of the loss itself, in f32. */
export function unscale(
  g: GraphBuilder,
  gradients: ReadonlyMap<string, Value>,
  lossScale: Value,
): Map<string, Value> {
  const share = reciprocal(g, lossScale);
  return new Map(
    [...gradients].map(([name, d]) => [name, multiply(g, d, share)]),
  );
}

/**
 * Leave states as they were where a gradient overflowed, but for the scale.
 *
 * @param next  states after the step by name; changed, the scale added
 */
export function skipOverflown(
  g: GraphBuilder,
  next: Map<string, Value>,
  { gradients, before }: {
    gradients: ReadonlyMap<string, Value>;
    before: ReadonlyMap<string, Value>;
  },
): void {
  const isFinite = areFinite(g, [...gradients.values()]);
  for (const [name, value] of next) {
    next.set(name, where(g, isFinite, [value, before.get(name)!]));
  }
  next.set(LOSS_SCALE, nextScale(g, before.get(LOSS_SCALE)!, isFinite));
}

/** Whether all elements of all tensors are finite: one boolean. */
function areFinite(
  g: GraphBuilder,
  tensors: readonly Value[],
): Value {
  const sums = tensors.map((x) =>
    sumOver(g, absolute(g, x), [...x.shape.keys()], { drop: true })
  );
  const sum = g.node("Sum", sums, sums[0]);
  // false for what is no number, too
  return g.node("Less", [sum, g.float(LARGEST)], { dtype: "bool", shape: [] });
}

/** The state after a step. */
function nextScale(
  g: GraphBuilder,
  state: Value,
  isFinite: Value,
): Value {
  const part = (i: number) =>
    slice(g, state, { axis: 0, start: i, end: i + 1 });
  const [scale, clean, skipped] = [part(0), part(1), part(2)];
  const one = g.float(1);
  const more = add(g, clean, one);
  const isDue = g.node("GreaterOrEqual", [more, g.float(INTERVAL)], {
    dtype: "bool",
    shape: more.shape,
  });
  const none = multiply(g, clean, g.float(0));
  const grown = where(g, isDue, [multiply(g, scale, g.float(GROWTH)), scale]);
  const shrunk = multiply(g, scale, g.float(BACKOFF));
  return concat(g, [
    where(g, isFinite, [grown, shrunk]),
    where(g, isFinite, [where(g, isDue, [none, more]), none]),
    where(g, isFinite, [skipped, add(g, skipped, one)]),
  ], 0);
}
