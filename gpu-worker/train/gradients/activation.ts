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
