/**
 * Gradients of sums and means over axes.
 *
 * @module
 */
import {
  cast,
  divide,
  expand,
  type GraphBuilder,
  multiply,
  reshape,
  type Value,
} from "../../../shared/graph/mod.ts";
import { ints, known, type RuleCall, type Rules, simple } from "./rule.ts";

/** Mean over axes, which stay as edges of 1; added up in f32. */
export function meanOver(
  g: GraphBuilder,
  x: Value,
  axes: readonly number[],
): Value {
  const shape = x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  const mean = g.node("ReduceMean", [cast(g, x, "f32"), g.ints(axes)], {
    dtype: "f32",
    shape,
  });
  return cast(g, mean, x.dtype);
}

/** Rules of this family. */
export const reduce: Rules = {
  ReduceSum: simple((call, d, [x]) => [
    repeat(call.g, keepEdges(call, d, x), x),
  ]),
  ReduceMean: simple((call, d, [x]) => {
    const { g } = call;
    const edges = keepEdges(call, d, x);
    return [repeat(g, scale(g, edges, count(edges) / count(x)), x)];
  }),
  ReduceL2: simple((call, d, [x]) => {
    const { g, outputs: [y] } = call;
    const share = keepEdges(call, divide(g, d, y), x);
    return [multiply(g, x, share)];
  }),
  ReduceSumSquare: simple((call, d, [x]) => {
    const { g } = call;
    return [multiply(g, x, scale(g, keepEdges(call, d, x), 2))];
  }),
  GlobalAveragePool: simple(({ g }, d, [x]) => [
    repeat(g, scale(g, d, count(d) / count(x)), x),
  ]),
};

/** The gradient with summed axes as edges of 1. */
function keepEdges({ g, node }: RuleCall, d: Value, x: Value): Value {
  const { length } = x.shape;
  const name = node.inputs[1];
  const axes = name
    ? ints(g, g.find(name)!).map((axis) => axis < 0 ? axis + length : axis)
    : [...x.shape.keys()];
  const shape = x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  return d.shape.length === length ? d : reshape(g, d, shape);
}

function repeat(g: GraphBuilder, d: Value, x: Value): Value {
  return expand(g, d, { edges: g.ints(known(x)), shape: x.shape });
}

function scale(g: GraphBuilder, x: Value, by: number): Value {
  return multiply(g, x, cast(g, g.float(by), x.dtype));
}

function count(x: Value): number {
  return known(x).reduce((a, b) => a * b, 1);
}
