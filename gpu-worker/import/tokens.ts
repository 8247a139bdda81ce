/**
 * Tokens as rows, as sequences, as heads; edges that vary are read where the
 * graph runs.
 *
 * @module
 */
import {
  concat,
  type GraphBuilder,
  reshape,
  reshapeTo,
  shapeOf,
  type Value,
} from "../../shared/graph/mod.ts";

/** N×L×C as (N·L)×C. */
export function toRows(g: GraphBuilder, x: Value): Value {
  const [n, count, channels] = x.shape;
  return reshape(g, x, [`${n}*${count}`, channels]);
}

/** Rows as N×L×C, with the N and L of another value. */
export function toTokens(g: GraphBuilder, x: Value, like: Value): Value {
  const [n, count] = like.shape;
  const channels = Number(x.shape[1]);
  const edges = concat(g, [shapeOf(g, like, [0, 2]), g.ints([channels])], 0);
  return reshapeTo(g, x, { edges, shape: [n, count, channels] });
}

/** Rows as N×L×heads×d, with the N and L of another value. */
export function toHeads(
  g: GraphBuilder,
  x: Value,
  { like, heads }: { like: Value; heads: number },
): Value {
  const [n, count] = like.shape;
  const size = Number(x.shape[1]) / heads;
  const edges = concat(g, [shapeOf(g, like, [0, 2]), g.ints([heads, size])], 0);
  return reshapeTo(g, x, { edges, shape: [n, count, heads, size] });
}
