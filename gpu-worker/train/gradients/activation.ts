/**
 * Gradients of activations.
 *
 * @module
 */
import {
  cast,
  type GraphBuilder,
  multiply,
  subtract,
  type Value,
  where,
} from "../../../shared/graph/mod.ts";
import { type Rules, simple } from "./rule.ts";

/** 1 / (1 + e^−x). */
export function sigmoid(g: GraphBuilder, x: Value): Value {
  return g.node("Sigmoid", [x], x);
}

/** x · sigmoid(x). */
export function silu(g: GraphBuilder, x: Value): Value {
  return multiply(g, x, sigmoid(g, x));
}

/** log(1 + e^x). */
export function softplus(g: GraphBuilder, x: Value): Value {
  return g.node("Softplus", [x], x);
}

/** Hyperbolic tangent. */
export function tanh(g: GraphBuilder, x: Value): Value {
  return g.node("Tanh", [x], x);
}

/** Rules of this family. */
export const activation: Rules = {
  Relu: simple(({ g, outputs: [y] }, d) => {
    if (y.dtype === "f32") return [multiply(g, d, isPositive(g, y))];
    const zero = cast(g, g.float(0), y.dtype);
    const isOn = g.node("Greater", [y, zero], {
      dtype: "bool",
      shape: y.shape,
    });
    return [where(g, isOn, [d, zero])];
  }),
  Sigmoid: simple(({ g, outputs: [y] }, d) => {
    const one = cast(g, g.float(1), y.dtype);
    return [multiply(g, d, multiply(g, y, subtract(g, one, y)))];
  }),
  Tanh: simple(({ g, outputs: [y] }, d) => {
    const one = cast(g, g.float(1), y.dtype);
    return [multiply(g, d, subtract(g, one, multiply(g, y, y)))];
  }),
  Softplus: simple(({ g }, d, [x]) => [multiply(g, d, sigmoid(g, x))]),
};

/**
 * 1 where y is above 0, else 0: y times nearly the largest number, at most 1.
 * All but f32's denormal numbers come out right. Compared, chosen by a
 * condition (Where), a gradient of 4×32×128×128 took 4.2 ms instead of 1.6 ms.
 */
function isPositive(g: GraphBuilder, y: Value): Value {
  return g.node("HardSigmoid", [y], y, {
    attributes: { alpha: { float: 3e38 }, beta: { float: 0 } },
  });
}
