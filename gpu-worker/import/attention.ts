/**
 * Attention of many heads, in the form a runtime is fast at.
 *
 * Fused: one operator, so that no table of all pairs of tokens is kept.
 * Plain: products and softmax, for runtimes and uses without that operator.
 *
 * @module
 */
import {
  cast,
  concat,
  type Dim,
  expand,
  matmul,
  multiHeadAttention,
  multiply,
  product,
  reshape,
  shapeOf,
  softmax,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { type Layers, once } from "./parameter.ts";
import { placeTable } from "./relative_position.ts";
import { fromValues } from "./weights.ts";

/** Heads of queries, keys and values, each B×S×heads×d. */
export interface Heads {
  readonly query: Value;
  readonly key: Value;
  readonly value: Value;
}

/**
 * Softmax(scale · query · keyᵀ) · value, head by head.
 *
 * @returns  (B·S)×(heads·e)
 */
export function attend(
  l: Layers,
  { query, key, value }: Heads,
  scale: number,
): Value {
  const { g } = l;
  const heads = Number(query.shape[2]);
  const width = heads * Number(value.shape[3]);
  const flat = (x: Value) =>
    reshape(g, x, [x.shape[0], x.shape[1], heads * Number(x.shape[3])]);
  const toRows = (x: Value) =>
    reshape(g, x, [product(query.shape.slice(0, 2)), width]);
  if (l.attention === "fused") {
    return toRows(multiHeadAttention(g, {
      query: flat(query),
      key: flat(key),
      value: flat(value),
    }, { heads, scale }));
  }
  const scores = matmul(
    g,
    transpose(g, query, [0, 2, 1, 3]),
    transpose(g, key, [0, 2, 3, 1]),
  );
  const wide = multiply(g, cast(g, scores, "f32"), g.float(scale));
  const shares = cast(g, softmax(g, wide), value.dtype);
  const mixed = matmul(g, shares, transpose(g, value, [0, 2, 1, 3]));
  return toRows(transpose(g, mixed, [0, 2, 1, 3]));
}

/** A rectangle of tokens, and the tables of their relative positions. */
export interface Positions {
  readonly height: number;
  readonly width: number;
  /** Names of the tables, (2·S−1)×d for any S. */
  readonly tables: readonly [string, string];
}

/**
 * Add decomposed relative positions to queries and keys.
 *
 * The score of tokens (h, w) and (h′, w′) gains q·Rh[h−h′] + q·Rw[w−w′]. Both
 * products are appended to the query, and to the key a one at h′ and at w′, so
 * that the scaled product of the longer vectors is the whole score and no
 * bias of all pairs is made.
 *
 * @param heads  B×(height·width)×heads×d
 * @param scale  of the scores; the tables are divided by it
 *
 * Source: Li et al. 2022, MViTv2, section 4.1.
 */
export function addPositions(
  l: Layers,
  { query, key, value }: Heads,
  { height, width, tables, scale }: Positions & { scale: number },
): Heads {
  const { g } = l;
  const [batch, count, heads, size] = query.shape;
  const [rowTable, columnTable] = tables.map((name, axis) =>
    placeTable(l, name, {
      edge: axis === 0 ? height : width,
      size: Number(size),
      scale: 1 / scale,
    })
  );
  const inRows = reshape(g, query, [
    batch,
    height,
    width * Number(heads),
    size,
  ]);
  const inColumns = reshape(g, query, [batch, height, width, heads, size]);
  const toRow = reshape(g, matmul(g, inRows, rowTable), [
    batch,
    count,
    heads,
    height,
  ]);
  const toColumn = reshape(g, matmul(g, inColumns, columnTable), [
    batch,
    count,
    heads,
    width,
  ]);
  const places = once(
    l,
    `places ${batch} ${height} ${width} ${heads}`,
    () => markPlaces(l, key, { height, width }),
  );
  return {
    query: concat(g, [query, toRow, toColumn], -1),
    key: concat(g, [key, places], -1),
    value,
  };
}

/** A one at each token's row and column, for every image and head. */
function markPlaces(
  { g, compute }: Layers,
  like: Value,
  { height, width }: { height: number; width: number },
): Value {
  const [batch, count, heads] = like.shape as [Dim, number, number];
  const edge = height + width;
  const marks = new Float32Array(count * edge);
  for (let i = 0; i < count; i++) {
    marks[i * edge + Math.floor(i / width)] = 1;
    marks[i * edge + height + i % width] = 1;
  }
  const constant = g.constant(
    `places_${batch}_${height}_${width}_${heads}`,
    fromValues(marks, [1, count, 1, edge], compute),
  );
  const edges = concat(
    g,
    [shapeOf(g, like, [0, 1]), g.ints([count, heads, edge])],
    0,
  );
  return expand(g, constant, { edges, shape: [batch, count, heads, edge] });
}
