/**
 * Gradient of the runtime's fused attention.
 *
 * The forward operator keeps no table of all pairs of tokens, and none is kept
 * for the backward pass: the shares are computed again, block by block. Where
 * the table is small it is kept, see kept_attention.ts.
 *
 * @module
 */
import {
  cast,
  concat,
  floatOf,
  type GraphBuilder,
  intOf,
  matmul,
  multiply,
  reshape,
  softmax,
  subtract,
  transpose,
  type Value,
} from "../../../shared/graph/mod.ts";
import { ArgumentError } from "../../../shared/errors.ts";
import { sumOver } from "./broadcast.ts";
import { flip } from "./matrix.ts";
import { meanOver } from "./reduce.ts";
import { known, type Rules, simple } from "./rule.ts";

/** Rules of this family. */
export const attention: Rules = {
  /**
   * O = P·V, P = softmax(scale · Q·Kᵀ), head by head.
   *
   * Source: Dao et al. 2022, FlashAttention, appendix B.2 (backward pass).
   */
  "com.microsoft:MultiHeadAttention": simple((call, d, parts) => {
    const { g, node, outputs: [out] } = call;
    const [query, key, value] = parts;
    if (parts.length !== 3 || node.inputs.length !== 3) {
      throw new ArgumentError(
        "MultiHeadAttention",
        "has a gradient rule for query, key and value only",
      );
    }
    const heads = intOf(node, "num_heads", 1);
    const split = (x: Value) => byHead(g, x, heads);
    const [q, k, v, o, dO] = [query, key, value, out, d].map(split);
    const scale = floatOf(node, "scale", 0) || 1 / Math.sqrt(known(q)[3]);
    const scaled = multiply(g, q, cast(g, g.float(scale), q.dtype));

    const scores = cast(g, matmul(g, scaled, flip(g, k)), "f32");
    const shares = cast(g, softmax(g, scores), v.dtype);
    // Σ dP·P of a row is Σ dO·O: subtracted within the product of dO and V
    const mixed = sumOver(g, multiply(g, dO, o), [3]);
    const change = matmul(
      g,
      concat(g, [dO, mixed], 3),
      flip(g, concat(g, [v, minusOne(g, v)], 3)),
    );
    const dScores = multiply(g, shares, change);
    const join = (x: Value, like: Value) => fromHeads(g, x, like);
    const scaledKey = multiply(g, k, cast(g, g.float(scale), k.dtype));
    return [
      join(matmul(g, dScores, scaledKey), query),
      join(center(g, matmul(g, flip(g, dScores), scaled)), key),
      join(matmul(g, flip(g, shares), dO), value),
    ];
  }),
};

/**
 * Gradients of keys, less their mean over tokens.
 *
 * What is added to all keys changes no share, so the mean is zero but for
 * rounding. A bias of keys sees nothing but that mean, and AdamW, which looks
 * at a gradient's sign before its size, would follow the rounding.
 */
export function center(g: GraphBuilder, x: Value): Value {
  return subtract(g, x, meanOver(g, x, [2]));
}

/** B×S×(heads·d) as B×heads×S×d. */
export function byHead(g: GraphBuilder, x: Value, heads: number): Value {
  const [batch, count, width] = known(x);
  const apart = reshape(g, x, [batch, count, heads, width / heads]);
  return transpose(g, apart, [0, 2, 1, 3]);
}

function fromHeads(g: GraphBuilder, x: Value, like: Value): Value {
  return reshape(g, transpose(g, x, [0, 2, 1, 3]), known(like));
}

/** A column of −1 beside each row of a value. */
export function minusOne(g: GraphBuilder, like: Value): Value {
  const shape = [...known(like).slice(0, -1), 1];
  const name = `minus_one[${shape}]`;
  const found = g.find(name);
  const column = found ?? g.constant(name, {
    dtype: "f32",
    shape,
    read() {
      const count = shape.reduce((n, m) => n * m, 1);
      return new Uint8Array(new Float32Array(count).fill(-1).buffer);
    },
  });
  return cast(g, column, like.dtype);
}
