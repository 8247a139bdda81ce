/**
 * Append a finished graph to one under construction, with every shape known.
 *
 * Named edges become numbers, and what was computed of them constants. This
 * is how a model file turns into the forward half of a training graph.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { toFloat32 } from "./floats.ts";
import { foldIntegers } from "./fold.ts";
import { type InferCall, inferShapes, type Known } from "./infer.ts";
import {
  countElements,
  type Graph,
  type Initializer,
  type Node,
  type Value,
} from "./types.ts";

/** Constants of more elements are not read for their integers. */
const FOLDED_ELEMENTS = 4096;

/** Of a node; null where an optional one is left out. */
type Inputs = readonly (Value | null)[];

/** How a graph is appended. */
export interface AppendOptions {
  /**
   * Values that stand for the graph's inputs, and for those of its constants
   * that shall be none, such as weights to be trained. Shapes in numbers.
   */
  readonly values: ReadonlyMap<string, Value>;
  /**
   * Other nodes in place of one; undefined keeps it. `keep` adds the node as it
   * is, with such inputs.
   */
  readonly rewrite?: (
    node: Node,
    inputs: Inputs,
    keep: (inputs: Inputs) => readonly Value[],
  ) => readonly Value[] | undefined;
}

/**
 * Append a graph.
 *
 * @returns  the values of its outputs, by name
 * @throws {ArgumentError} if an input has no value
 * @throws {UnsupportedFormatError} for an operator whose shapes are unknown
 */
export function appendGraph(
  g: GraphBuilder,
  graph: Graph,
  { values, rewrite }: AppendOptions,
): Map<string, Value> {
  const bound = new Map(values);
  const integers = new Map<string, number[]>();
  const initializers = new Map(graph.initializers.map((i) => [i.name, i]));

  /** A value by its name in the appended graph. */
  function bind(name: string): Value {
    const known = bound.get(name);
    if (known) return known;
    const initializer = initializers.get(name);
    const folded = integers.get(name);
    const value = initializer
      ? addConstant(g, initializer)
      : folded && g.ints(folded);
    if (value === undefined) {
      throw new ArgumentError("values", `${name} of the graph has none`);
    }
    bound.set(name, value);
    return value;
  }

  /** Type and shape, without adding a constant that may prove unneeded. */
  function look(name: string): Known {
    const folded = integers.get(name);
    const value = bound.get(name) ?? initializers.get(name) ??
      (folded ? { dtype: "i64" as const, shape: [folded.length] } : bind(name));
    return lookAt(value);
  }

  function numbersOf(name: string | undefined): number[] | undefined {
    if (!name) return undefined;
    const folded = integers.get(name);
    if (folded) return folded;
    const value = bound.get(name);
    const constant = value
      ? g.findConstant(value.name)
      : initializers.get(name);
    return constant && readNumbers(constant);
  }

  for (const node of graph.nodes) {
    const call: InferCall = {
      node,
      inputs: node.inputs.map((name) => name === "" ? null : look(name)),
      numbers: (i) => numbersOf(node.inputs[i]),
    };
    const results = inferShapes(call);
    const folded = results[0].dtype === "i64" && results[0].shape.length < 2
      ? foldIntegers(call)
      : undefined;
    if (folded) {
      integers.set(node.outputs[0], folded);
      if (results[0].shape.length === 0) {
        bound.set(node.outputs[0], addScalar(g, folded[0]));
      }
      continue;
    }
    const inputs = node.inputs.map((name) => name === "" ? null : bind(name));
    const keep = (given: Inputs) =>
      g.nodes(
        node.op,
        given,
        inferShapes({ ...call, inputs: given.map((x) => x && lookAt(x)) }),
        { attributes: node.attributes, domain: node.domain },
      );
    const made = rewrite?.(node, inputs, keep) ?? keep(inputs);
    node.outputs.forEach((name, i) => {
      if (made[i]) bound.set(name, made[i]);
    });
  }
  return new Map(graph.outputs.map(({ name }) => [name, bind(name)]));
}

function lookAt({ dtype, shape }: Pick<Value, "dtype" | "shape">): Known {
  return { dtype, shape: shape.map(Number) };
}

function readNumbers(constant: Initializer): number[] | undefined {
  if (countElements(constant.shape) > FOLDED_ELEMENTS) return undefined;
  return [...toFloat64(constant)];
}

function toFloat64(constant: Initializer): Float64Array {
  const bytes = constant.read();
  if (constant.dtype !== "i64") {
    return Float64Array.from(toFloat32(bytes, constant.dtype));
  }
  return Float64Array.from(
    new BigInt64Array(bytes.slice().buffer),
    Number,
  );
}

function addConstant(g: GraphBuilder, initializer: Initializer): Value {
  const { name, dtype, shape } = initializer;
  // lists and numbers are shared with what the builder adds itself
  if (dtype === "i64" && shape.length === 1) {
    return g.ints([...toFloat64(initializer)]);
  }
  if (dtype === "f32" && shape.length === 0) {
    return g.float(toFloat64(initializer)[0]);
  }
  return g.constant(name, initializer);
}

function addScalar(g: GraphBuilder, value: number): Value {
  const name = `int[${value}]`;
  const data = BigInt64Array.of(BigInt(value));
  return g.find(name) ?? g.constant(name, {
    dtype: "i64",
    shape: [],
    read: () => new Uint8Array(data.buffer),
  });
}
