/**
 * Operations on each element by itself.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { broadcast } from "./shapes.ts";
import { type Dtype, DTYPES, type Value } from "./types.ts";

/** a + b. */
export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, "Add", a, b);
}

/** a − b. */
export function subtract(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, "Sub", a, b);
}

/** a · b. */
export function multiply(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, "Mul", a, b);
}

/** a / b. */
export function divide(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, "Div", a, b);
}

/** a = b, as booleans. */
export function equal(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, "Equal", a, b, "bool");
}

/** a where the condition holds, else b. */
export function where(
  g: GraphBuilder,
  condition: Value,
  [a, b]: readonly [Value, Value],
): Value {
  requireSame("Where", a, b);
  const shape = broadcast(broadcast(condition.shape, a.shape), b.shape);
  return g.node("Where", [condition, a, b], { dtype: a.dtype, shape });
}

/** max(x, 0). */
export function relu(g: GraphBuilder, x: Value): Value {
  return g.node("Relu", [x], x);
}

/** Exact GELU, by the error function. */
export function gelu(g: GraphBuilder, x: Value): Value {
  return g.node("Gelu", [x], x, {
    attributes: { approximate: { text: "none" } },
  });
}

/** Sine, radians. */
export function sine(g: GraphBuilder, x: Value): Value {
  return g.node("Sin", [x], x);
}

/** Cosine, radians. */
export function cosine(g: GraphBuilder, x: Value): Value {
  return g.node("Cos", [x], x);
}

/** Another element type; nothing where it is the same. */
export function cast(g: GraphBuilder, x: Value, dtype: Dtype): Value {
  if (x.dtype === dtype) return x;
  return g.node("Cast", [x], { dtype, shape: x.shape }, {
    attributes: { to: { int: DTYPES[dtype].code } },
  });
}

function binary(
  g: GraphBuilder,
  op: string,
  a: Value,
  b: Value,
  dtype: Dtype = a.dtype,
): Value {
  requireSame(op, a, b);
  return g.node(op, [a, b], { dtype, shape: broadcast(a.shape, b.shape) });
}

function requireSame(op: string, a: Value, b: Value): void {
  if (a.dtype === b.dtype) return;
  throw new ShapeError(
    "dtype",
    `${op} of ${a.name} (${a.dtype}) and ${b.name} (${b.dtype})`,
  );
}
