/**
 * Attention that keeps its shares for the backward pass.
 *
 *   O = P·V, P = softmax(scale · Q·Kᵀ), head by head
 *
 * The table P of all pairs of tokens is kept where it is small: neither it nor
 * the layouts by heads are computed again. What is known of a key beforehand
 * (marks of places, see import/attention.ts) gets no gradient computed.
 *
 * @module
 */
import {
  concat,
  floatOf,
  type GraphBuilder,
  intOf,
  multiply,
  type Node,
  reshape,
  slice,
  softmax,
  transpose,
  type Value,
} from "../../../shared/graph/mod.ts";
import { byHead, center, minusOne } from "./attention.ts";
import { sumOver } from "./broadcast.ts";
import { composite } from "./composite.ts";
import { known, simple } from "./rule.ts";

/** Elements of the largest table that is kept: 16 MiB. */
const KEPT_ELEMENTS = 2 ** 22;

/**
 * Whether to use it in place of a node: f32, query, key and value only, and a
 * small table.
 */
export function isKept(
  node: Node,
  inputs: readonly (Value | null)[],
): inputs is readonly [Value, Value, Value] {
  if (node.op !== "MultiHeadAttention" || inputs.length !== 3) return false;
  const [query, key, value] = inputs;
  if (query === null || key === null || value === null) return false;
  const [batch, rows] = known(query);
  const [, columns] = known(key);
  return query.dtype === "f32" &&
    batch * rows * columns * intOf(node, "num_heads", 1) <= KEPT_ELEMENTS;
}

/**
 * Attention in place of a node of the fused operator.
 *
 * @param parts  query B×S×(heads·d), key B×T×(heads·d), value B×T×(heads·e)
 * @returns      B×S×(heads·e)
 *
 * Source: Dao et al. 2022, FlashAttention, appendix B.2 (backward pass).
 */
export function keptAttention(
  g: GraphBuilder,
  node: Node,
  [query, key, value]: readonly [Value, Value, Value],
): Value {
  const heads = intOf(node, "num_heads", 1);
  const [q, k, v] = [query, key, value].map((x) => byHead(g, x, heads));
  const [batch, , rows, depth] = known(q);
  const [, , columns, width] = known(v);
  const scale = floatOf(node, "scale", 0) || 1 / Math.sqrt(depth);
  const free = findFree(g, key);
  const freeDepth = free === key ? depth : known(free)[3];
  let shares = q;
  let mixed = v;
  const [out] = composite(g, {
    op: "Attention",
    inputs: [query, free, value],
    build() {
      shares = softmax(
        g,
        product(g, [q, k], { transB: true, scale }, [rows, columns]),
      );
      mixed = product(g, [shares, v], {}, [rows, width]);
      return [
        reshape(g, transpose(g, mixed, [0, 2, 1, 3]), [
          batch,
          rows,
          heads * width,
        ]),
      ];
    },
    rule: simple((_, d) => {
      const dO = byHead(g, d, heads);
      // Σ dP·P of a row is Σ dO·O: subtracted within the product of dO and V
      const sum = sumOver(g, multiply(g, dO, mixed), [3]);
      const change = product(
        g,
        [concat(g, [dO, sum], 3), concat(g, [v, minusOne(g, v)], 3)],
        { transB: true },
        [rows, columns],
      );
      const dScores = multiply(g, shares, change);
      const seen = freeDepth === depth
        ? q
        : slice(g, q, { axis: 3, start: 0, end: freeDepth });
      const join = (x: Value, like: Value) =>
        reshape(g, transpose(g, x, [0, 2, 1, 3]), known(like));
      return [
        join(product(g, [dScores, k], { scale }, [rows, depth]), query),
        join(
          center(
            g,
            product(g, [dScores, seen], { transA: true, scale }, [
              columns,
              freeDepth,
            ]),
          ),
          free,
        ),
        join(
          product(g, [shares, dO], { transA: true }, [columns, width]),
          value,
        ),
      ];
    }),
  });
  return out;
}

/**
 * The part of a key that may be trained, B×T×heads×c, where the rest of each
 * head's vector is a constant; else the key.
 */
function findFree(g: GraphBuilder, key: Value): Value {
  const makerOf = (name: string) =>
    g.added.find(({ outputs }) => outputs[0] === name);
  const shaped = makerOf(key.name);
  const joined = shaped?.op === "Reshape"
    ? makerOf(shaped.inputs[0])
    : undefined;
  if (joined?.op !== "Concat" || joined.inputs.length !== 2) return key;
  const [first, second] = joined.inputs;
  const rest = makerOf(second);
  const isConstant = rest?.op === "Expand" &&
    g.findConstant(rest.inputs[0]) !== undefined;
  const free = g.find(first);
  return isConstant && free?.shape.length === 4 &&
      [3, -1].includes(intOf(joined, "axis", 0))
    ? free
    : key;
}

/** scale · op(a) · op(b) of the last two axes, where op may transpose. */
function product(
  g: GraphBuilder,
  [a, b]: readonly [Value, Value],
  { transA = false, transB = false, scale = 1 }: {
    transA?: boolean;
    transB?: boolean;
    scale?: number;
  },
  edges: readonly [number, number],
): Value {
  const shape = [...a.shape.slice(0, -2), ...edges];
  return g.node("FusedMatMul", [a, b], { dtype: a.dtype, shape }, {
    domain: "com.microsoft",
    attributes: {
      transA: { int: Number(transA) },
      transB: { int: Number(transB) },
      alpha: { float: scale },
    },
  });
}
