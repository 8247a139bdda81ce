/**
 * Gradient of the norm over last axes.
 *
 * @module
 */
import {
  floatOf,
  type GraphBuilder,
  intOf,
  multiply,
  subtract,
  type Value,
} from "../../../shared/graph/mod.ts";
import { sumOver, sumTo } from "./broadcast.ts";
import { known, type Rules, simple } from "./rule.ts";

/** Rules of this family. */
export const layerNorms: Rules = {
  LayerNormalization: simple(({ g, node, wanted }, d, [x, scale, shift]) => {
    const axis = intOf(node, "axis", -1);
    const first = axis < 0 ? axis + x.shape.length : axis;
    const axes = x.shape.flatMap((_, i) => i >= first ? [i] : []);
    // 1/σ is not kept by the forward pass; both come again in one node
    const [normed, , inverse] = g.nodes(
      "LayerNormalization",
      [x, ones(g, scale)],
      [x, flat(x, axes), flat(x, axes)],
      {
        attributes: {
          axis: { int: first },
          epsilon: { float: floatOf(node, "epsilon", 1e-5) },
        },
      },
    );
    return [
      wanted[0]
        ? project(g, multiply(g, d, scale), { normed, inverse, axes })
        : null,
      wanted[1] ? sumTo(g, multiply(g, d, normed), scale) : null,
      wanted[2] ? sumTo(g, d, shift) : null,
    ];
  }),
};

/** (d − mean(d) − n · mean(d · n)) / σ, n the normed input. */
function project(
  g: GraphBuilder,
  d: Value,
  { normed, inverse, axes }: {
    normed: Value;
    inverse: Value;
    axes: readonly number[];
  },
): Value {
  const count = axes.reduce((n, axis) => n * known(d)[axis], 1);
  const share = g.float(1 / count);
  const mean = multiply(g, sumOver(g, d, axes), share);
  const slope = multiply(g, sumOver(g, multiply(g, d, normed), axes), share);
  const tangent = subtract(
    g,
    subtract(g, d, mean),
    multiply(g, normed, slope),
  );
  return multiply(g, tangent, inverse);
}

function flat(x: Value, axes: readonly number[]): Value {
  const shape = x.shape.map((dim, i) => axes.includes(i) ? 1 : dim);
  return { ...x, shape };
}

/** A constant of ones; equal shapes share it. */
function ones(g: GraphBuilder, like: Value): Value {
  const shape = known(like);
  const name = `ones[${shape}]`;
  const found = g.find(name);
  if (found) return found;
  const values = new Float32Array(shape.reduce((n, m) => n * m, 1)).fill(1);
  return g.constant(name, {
    dtype: "f32",
    shape,
    read: () => new Uint8Array(values.buffer),
  });
}
