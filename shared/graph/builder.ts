/**
 * Build a graph node by node; every value knows its element type and shape.
 *
 * Names are counted, so the same calls give the same graph to the byte.
 *
 * @module
 */
import { ArgumentError, ShapeError } from "../errors.ts";
import { typesOf } from "./operator_types.ts";
import {
  type Attribute,
  type Constant,
  type Dim,
  type Dtype,
  type Graph,
  type Initializer,
  isHalf,
  type Node,
  type Value,
} from "./types.ts";

/** Type and shape of an output of a node. */
export interface Result {
  readonly dtype: Dtype;
  readonly shape: readonly Dim[];
}

/** A graph under construction. */
export interface GraphBuilder {
  /** Declare an input. */
  input(name: string, dtype: Dtype, shape: readonly Dim[]): Value;
  /** Make a value an output under a name of its own. */
  output(name: string, value: Value): void;
  /** Add a constant under its name; the same name twice is an error. */
  constant(name: string, constant: Constant): Value;
  /** A constant list of 64-bit integers; equal lists are kept once. */
  ints(values: readonly number[]): Value;
  /** A constant f32 number, as a scalar; equal numbers are kept once. */
  float(value: number): Value;
  /**
   * Add a node with one output; null leaves an optional input out.
   *
   * @throws {ShapeError} if the operator does not take an input of 16 bits
   */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    result: Result,
    options?: NodeOptions,
  ): Value;
  /** Add a node with several outputs; otherwise as `node`. */
  nodes(
    op: string,
    inputs: readonly (Value | null)[],
    results: readonly Result[],
    options?: NodeOptions,
  ): Value[];
  /** The nodes so far, in order; grows with the graph. */
  readonly added: readonly Node[];
  /** Any value so far, by its name. */
  find(name: string): Value | undefined;
  /** The content of a constant, by its name; undefined for other values. */
  findConstant(name: string): Initializer | undefined;
  /**
   * The graph as it is.
   *
   * @throws {ArgumentError} if it has no output
   */
  finish(): Graph;
}

/** What else a node may say. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default "": ONNX's own operators. */
  readonly domain?: string;
}

/**
 * Start a graph.
 *
 * @param name   shown by viewers
 * @param outer  the graph within which this one is a loop's body: its values
 *               can be used; names of the body begin with `name`
 */
export function buildGraph(name: string, outer?: GraphBuilder): GraphBuilder {
  // names of a body must differ from those around it
  const prefix = outer ? `${name}/` : "";
  const inputs: Value[] = [];
  const outputs: Value[] = [];
  const graphNodes: Node[] = [];
  const initializers = new Map<string, Initializer>();
  const values = new Map<string, Value>();
  const counts = new Map<string, number>();

  /** Keep a value under its name, which must be free. */
  function take(wanted: string, { dtype, shape }: Result): Value {
    const name = prefix + wanted;
    if (values.has(name)) {
      throw new ArgumentError("name", `${name} is in the graph already`);
    }
    const value = { name, dtype, shape };
    values.set(name, value);
    return value;
  }

  function constant(wanted: string, { dtype, shape, read }: Constant): Value {
    const value = { ...take(wanted, { dtype, shape }), shape };
    initializers.set(value.name, { ...value, read });
    return value;
  }

  /** A small constant, found again by its content. */
  function shared(label: string, from: Constant): Value {
    const known = initializers.get(prefix + label);
    return known ?? constant(label, from);
  }

  function nodes(
    op: string,
    from: readonly (Value | null)[],
    results: readonly Result[],
    { attributes = {}, domain = "" }: NodeOptions = {},
  ): Value[] {
    for (const value of from) if (value) requireTaken(op, value);
    const count = counts.get(op) ?? 0;
    counts.set(op, count + 1);
    const made = results.map((result, i) =>
      take(`${op}_${count}${i === 0 ? "" : `_${i}`}`, result)
    );
    graphNodes.push({
      op,
      domain,
      inputs: from.map((value) => value?.name ?? ""),
      outputs: made.map((value) => value.name),
      attributes,
    });
    return made;
  }

  return {
    input(wanted, dtype, shape) {
      const value = take(wanted, { dtype, shape });
      inputs.push(value);
      return value;
    },
    output(wanted, { name: from, dtype, shape }) {
      const value = take(wanted, { dtype, shape });
      graphNodes.push({
        op: "Identity",
        domain: "",
        inputs: [from],
        outputs: [value.name],
        attributes: {},
      });
      outputs.push(value);
    },
    constant,
    ints(values) {
      const data = BigInt64Array.from(values, BigInt);
      return shared(`ints[${values.join(",")}]`, {
        dtype: "i64",
        shape: [values.length],
        read: () => new Uint8Array(data.buffer),
      });
    },
    float(value) {
      const data = Float32Array.of(value);
      return shared(`float[${data[0]}]`, {
        dtype: "f32",
        shape: [],
        read: () => new Uint8Array(data.buffer),
      });
    },
    node: (op, from, result, options) => nodes(op, from, [result], options)[0],
    nodes,
    added: graphNodes,
    find: (wanted) =>
      values.get(wanted) ?? values.get(prefix + wanted) ?? outer?.find(wanted),
    findConstant: (wanted) =>
      initializers.get(wanted) ?? outer?.findConstant(wanted),
    finish() {
      if (outputs.length === 0) {
        throw new ArgumentError("graph", `${name} has no output`);
      }
      return {
        name,
        inputs,
        outputs,
        nodes: graphNodes,
        initializers: [...initializers.values()],
      };
    },
  };
}

/** The runtime would refuse the whole graph, and not say why. */
function requireTaken(op: string, { name, dtype }: Value): void {
  const taken = typesOf(op);
  if (!isHalf({ dtype }) || taken.includes(dtype)) return;
  throw new ShapeError(
    "dtype",
    `${op} of ${name} (${dtype}): it takes ${taken.join(", ")}; cast it before`,
  );
}
