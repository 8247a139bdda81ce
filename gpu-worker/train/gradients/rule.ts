/**
 * What a gradient rule is: one operator's way from the gradients of its
 * outputs to those of its inputs.
 *
 * A file of this folder holds one family of operators: their forward side is
 * the function of `shared/graph` (or of the file itself, where only training
 * needs it), their rules stand beside it in a table by ONNX operator, which
 * `registry.ts` joins. To add a family, write such a file and name its table
 * there. What a rule may count on:
 *
 *   - Shapes are numbers, never names (`known(value)` gives them): training
 *     graphs are built for one batch shape.
 *   - `gradients[i]` has the shape of `outputs[i]`; null means that nothing
 *     depends on that output. At least one is given.
 *   - The result has one entry an input, in order; missing ones count as
 *     null, "no gradient". An entry must have its input's shape (`sumTo` of
 *     broadcast.ts undoes broadcasting) and is only needed where `wanted[i]`.
 *   - Constants are read by `g.findConstant` (`ints` and `floats` here).
 *   - Reuse of what the forward pass made (outputs, inner nodes) costs memory
 *     until the backward pass reaches it, but no time.
 *
 * @module
 */
import { ArgumentError, ShapeError } from "../../../shared/errors.ts";
import {
  type GraphBuilder,
  type Node,
  spellShape,
  toFloat32,
  type Value,
} from "../../../shared/graph/mod.ts";

/** One node to be differentiated. */
export interface RuleCall {
  readonly g: GraphBuilder;
  readonly node: Node;
  /** Null where an optional input is left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  /** Gradients of the outputs. */
  readonly gradients: readonly (Value | null)[];
  /** Whether an input's gradient is used at all. */
  readonly wanted: readonly boolean[];
}

/** Gradients of the inputs, in order. */
export type Rule = (call: RuleCall) => readonly (Value | null)[];

/** Rules by operator: "Conv", or "com.microsoft:FusedMatMul". */
export type Rules = Readonly<Record<string, Rule>>;

/** A rule for a node of one output whose gradient is given. */
export function simple(
  rule: (
    call: RuleCall,
    gradient: Value,
    inputs: readonly Value[],
  ) => readonly (Value | null)[],
): Rule {
  return (call) => {
    const [gradient] = call.gradients;
    if (gradient === null) {
      throw new ArgumentError(call.node.op, "its first output has no gradient");
    }
    return rule(call, gradient, call.inputs.filter((x) => x !== null));
  };
}

/**
 * Edges of a value.
 *
 * @throws {ShapeError} if one is a name
 */
export function known({ name, shape }: Value): number[] {
  return shape.map((dim) => {
    if (typeof dim === "number") return dim;
    throw new ShapeError(
      "shape",
      `${name} is ${spellShape(shape)}; a training graph has numbers only`,
    );
  });
}

/** Integers of a constant input, such as the axes of a sum. */
export function ints(g: GraphBuilder, value: Value): number[] {
  const constant = readConstant(g, value);
  const bytes = constant.slice();
  return [...new BigInt64Array(bytes.buffer)].map(Number);
}

/** Numbers of a constant input, such as the scales of a resizing. */
export function floats(g: GraphBuilder, value: Value): Float32Array {
  return toFloat32(readConstant(g, value), value.dtype);
}

function readConstant(g: GraphBuilder, value: Value): Uint8Array {
  const constant = g.findConstant(value.name);
  if (constant === undefined) {
    throw new ArgumentError(
      value.name,
      "must be a constant for its node to have a gradient",
    );
  }
  return constant.read();
}
