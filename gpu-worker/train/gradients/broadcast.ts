/**
 * Undo broadcasting: a gradient summed back to the shape of its input.
 *
 * @module
 */
import {
  cast,
  type GraphBuilder,
  reshape,
  type Value,
} from "../../../shared/graph/mod.ts";
import { known } from "./rule.ts";

/**
 * Sum over the axes along which `like` was repeated.
 *
 * @param gradient  of the broadcast shape
 * @returns         of the shape of `like`
 */
export function sumTo(g: GraphBuilder, gradient: Value, like: Value): Value {
  const from = known(gradient);
  const to = known(like);
  const lead = from.length - to.length;
  const axes = from.flatMap((edge, i) =>
    edge !== (to[i - lead] ?? 1) || i < lead ? [i] : []
  );
  const summed = axes.length === 0 ? gradient : sumOver(g, gradient, axes);
  return lead === 0 ? summed : reshape(g, summed, to);
}

/**
 * Sum over axes, which stay as edges of 1 unless `drop` is set; added up in
 * f32, whatever the element type.
 */
export function sumOver(
  g: GraphBuilder,
  x: Value,
  axes: readonly number[],
  { drop = false }: { drop?: boolean } = {},
): Value {
  const shape = drop
    ? x.shape.filter((_, i) => !axes.includes(i))
    : x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  const sum = g.node("ReduceSum", [cast(g, x, "f32"), g.ints(axes)], {
    dtype: "f32",
    shape,
  }, { attributes: { keepdims: { int: drop ? 0 : 1 } } });
  return cast(g, sum, x.dtype);
}
