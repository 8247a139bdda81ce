/**
 * Gradients of arithmetic on each element, with broadcasting.
 *
 * @module
 */
import {
  cast,
  divide,
  type GraphBuilder,
  multiply,
  type Value,
  where,
} from "../../../shared/graph/mod.ts";
import { sumTo } from "./broadcast.ts";
import { type Rules, simple } from "./rule.ts";

/** e to the x. */
export function exponential(g: GraphBuilder, x: Value): Value {
  return g.node("Exp", [x], x);
}

/** Natural logarithm. */
export function logarithm(g: GraphBuilder, x: Value): Value {
  return g.node("Log", [x], x);
}

/** Square root. */
export function squareRoot(g: GraphBuilder, x: Value): Value {
  return g.node("Sqrt", [x], x);
}

/** −x. */
export function negate(g: GraphBuilder, x: Value): Value {
  return g.node("Neg", [x], x);
}

/** |x|. */
export function absolute(g: GraphBuilder, x: Value): Value {
  return g.node("Abs", [x], x);
}

/** 1 / x. */
export function reciprocal(g: GraphBuilder, x: Value): Value {
  return g.node("Reciprocal", [x], x);
}

/** −1, 0 or 1. */
function sign(g: GraphBuilder, x: Value): Value {
  return g.node("Sign", [x], x);
}

/** Rules of this family. */
export const elementwise: Rules = {
  Add: simple(({ g, wanted }, d, [a, b]) => [
    wanted[0] ? sumTo(g, d, a) : null,
    wanted[1] ? sumTo(g, d, b) : null,
  ]),
  Sub: simple(({ g, wanted }, d, [a, b]) => [
    wanted[0] ? sumTo(g, d, a) : null,
    // the sum first: it is the smaller one to negate
    wanted[1] ? negate(g, sumTo(g, d, b)) : null,
  ]),
  Mul: simple(({ g, wanted }, d, [a, b]) => [
    wanted[0] ? sumTo(g, multiply(g, d, b), a) : null,
    wanted[1] ? sumTo(g, multiply(g, d, a), b) : null,
  ]),
  Div: simple(({ g, wanted, outputs: [y] }, d, [a, b]) => {
    const share = divide(g, d, b);
    return [
      wanted[0] ? sumTo(g, share, a) : null,
      wanted[1] ? negate(g, sumTo(g, multiply(g, share, y), b)) : null,
    ];
  }),
  Neg: simple(({ g }, d) => [negate(g, d)]),
  Abs: simple(({ g }, d, [x]) => [multiply(g, d, sign(g, x))]),
  Exp: simple(({ g, outputs: [y] }, d) => [multiply(g, d, y)]),
  Log: simple(({ g }, d, [x]) => [divide(g, d, x)]),
  Sqrt: simple(({ g, outputs: [y] }, d) => [
    divide(g, multiply(g, d, cast(g, g.float(0.5), d.dtype)), y),
  ]),
  Reciprocal: simple(({ g, outputs: [y] }, d) => [
    negate(g, multiply(g, d, multiply(g, y, y))),
  ]),
  Sin: simple(({ g }, d, [x]) => [multiply(g, d, g.node("Cos", [x], x))]),
  Cos: simple(({ g }, d, [x]) => [
    negate(g, multiply(g, d, g.node("Sin", [x], x))),
  ]),
  Identity: simple((_, d) => [d]),
  Cast: simple(({ g }, d, [x]) => [cast(g, d, x.dtype)]),
  Where: simple(({ g, wanted }, d, [condition, a, b]) => {
    const zero = cast(g, g.float(0), d.dtype);
    return [
      null,
      wanted[1] ? sumTo(g, where(g, condition, [d, zero]), a) : null,
      wanted[2] ? sumTo(g, where(g, condition, [zero, d]), b) : null,
    ];
  }),
};
