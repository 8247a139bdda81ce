/**
 * Gradients of GELU, the error function and softmax.
 *
 * @module
 */
import {
  add,
  cast,
  type GraphBuilder,
  intOf,
  multiply,
  subtract,
  textOf,
  type Value,
} from "../../../shared/graph/mod.ts";
import { ArgumentError } from "../../../shared/errors.ts";
import { sumOver } from "./broadcast.ts";
import { type Rules, simple } from "./rule.ts";

/** Error function. */
export function erf(g: GraphBuilder, x: Value): Value {
  return g.node("Erf", [x], x);
}

/** Rules of this family. */
export const smooth: Rules = {
  /** Φ(x) + x · φ(x), with the normal distribution and its density. */
  Gelu: simple(({ g, node }, d, [x]) => {
    const form = textOf(node, "approximate", "none");
    if (form !== "none") {
      throw new ArgumentError("Gelu", `has no gradient rule for ${form}`);
    }
    const number = (value: number) => cast(g, g.float(value), x.dtype);
    const error = erf(g, multiply(g, x, number(Math.SQRT1_2)));
    const share = add(g, multiply(g, error, number(0.5)), number(0.5));
    const slope = multiply(
      g,
      multiply(g, x, number(1 / Math.sqrt(2 * Math.PI))),
      bell(g, x, number(-0.5)),
    );
    return [multiply(g, d, add(g, share, slope))];
  }),

  Erf: simple(({ g }, d, [x]) => {
    const number = (value: number) => cast(g, g.float(value), x.dtype);
    const slope = multiply(
      g,
      bell(g, x, number(-1)),
      number(2 / Math.sqrt(Math.PI)),
    );
    return [multiply(g, d, slope)];
  }),

  Softmax: simple(({ g, node, outputs: [y] }, d) => {
    const axis = intOf(node, "axis", -1);
    const at = axis < 0 ? axis + y.shape.length : axis;
    const mixed = sumOver(g, multiply(g, d, y), [at]);
    return [multiply(g, y, subtract(g, d, mixed))];
  }),
};

/** e^(factor · x²). */
function bell(g: GraphBuilder, x: Value, factor: Value): Value {
  return g.node("Exp", [multiply(g, multiply(g, x, x), factor)], x);
}
