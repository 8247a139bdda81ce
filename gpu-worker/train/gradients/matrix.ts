/**
 * Gradients of matrix products.
 *
 * @module
 */
import {
  cast,
  floatOf,
  type GraphBuilder,
  intOf,
  matmul,
  multiply,
  reshape,
  transpose,
  type Value,
} from "../../../shared/graph/mod.ts";
import { sumTo } from "./broadcast.ts";
import { known, type Rules, simple } from "./rule.ts";

/** Axes of a value with the last two exchanged. */
export function flip(g: GraphBuilder, x: Value): Value {
  const { length } = x.shape;
  const order = x.shape.map((_, i) => i < length - 2 ? i : 2 * length - 3 - i);
  return transpose(g, x, order);
}

/**
 * Product of two matrices, either of them transposed.
 *
 * @param of  [a, b] and which of them to transpose
 */
export function product2(
  g: GraphBuilder,
  [a, b]: readonly [Value, Value],
  { transA = false, transB = false }: { transA?: boolean; transB?: boolean },
): Value {
  const shape = [a.shape[transA ? 1 : 0], b.shape[transB ? 0 : 1]];
  return g.node("Gemm", [a, b], { dtype: a.dtype, shape }, {
    attributes: {
      transA: { int: Number(transA) },
      transB: { int: Number(transB) },
    },
  });
}

/** Rules of this family. */
export const matrix: Rules = {
  MatMul: simple(({ g, wanted }, d, [a, b]) => {
    // one matrix for all: its gradient is one product, not a sum of many
    if (b.shape.length === 2 && a.shape.length > 2) {
      const [inner, columns] = known(b);
      const rows = (x: Value, edge: number) =>
        reshape(g, x, [known(x).reduce((n, m) => n * m, 1) / edge, edge]);
      return [
        wanted[0] ? matmul(g, d, flip(g, b)) : null,
        wanted[1]
          ? product2(g, [rows(a, inner), rows(d, columns)], { transA: true })
          : null,
      ];
    }
    return [
      wanted[0] ? sumTo(g, matmul(g, d, flip(g, b)), a) : null,
      wanted[1] ? sumTo(g, matmul(g, flip(g, a), d), b) : null,
    ];
  }),

  /** alpha · op(a) · op(b) + beta · c, where op may transpose. */
  Gemm: simple(({ g, node, wanted }, d, [a, b, c]) => {
    const transA = intOf(node, "transA", 0) === 1;
    const transB = intOf(node, "transB", 0) === 1;
    const scaled = scale(g, d, floatOf(node, "alpha", 1));
    const left = () =>
      transA
        ? product2(g, [b, scaled], { transA: transB, transB: true })
        : product2(g, [scaled, b], { transB: !transB });
    const right = () =>
      transB
        ? product2(g, [scaled, a], { transA: true, transB: transA })
        : product2(g, [a, scaled], { transA: !transA });
    return [
      wanted[0] ? left() : null,
      wanted[1] ? right() : null,
      wanted[2] ? sumTo(g, scale(g, d, floatOf(node, "beta", 1)), c) : null,
    ];
  }),
};

function scale(g: GraphBuilder, x: Value, factor: number): Value {
  if (factor === 1) return x;
  return multiply(g, x, cast(g, g.float(factor), x.dtype));
}
