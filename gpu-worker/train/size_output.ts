/**
 * The size estimate as part of the network: what its deepest map holds where
 * cells are, to a diameter.
 *
 *   y, deepest map  →  features n×2C  →  style n×1
 *
 * The style is the diameter in pixels of the network's input.
 *
 * Source: Stringer et al. 2021, Methods (a linear model of a style vector);
 * Huang et al. 2006 (a layer of random weights before it).
 * Differs: the map is averaged over cells, too, so that few cells on a wide
 * ground count.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import {
  fromFloat32,
  type Graph,
  type Initializer,
  type Node,
} from "../../shared/graph/mod.ts";
import type { Design } from "./networks/mod.ts";

/** Numbers of the model: a layer of fixed weights, ReLU, a line. */
export interface SizeHead {
  /** K×F f32, row-major */
  readonly hiddenWeight: Float32Array;
  /** K f32 */
  readonly hiddenBias: Float32Array;
  /** (F+K) f32, of the features and the hidden layer: log2 of the diameter. */
  readonly weight: Float32Array;
  readonly bias: number;
}

/** Less probability than this in all of a tile is taken for it. */
const LEAST_FOREGROUND = 0.1;

/**
 * Let a network tell its features: the deepest map's mean, and its mean
 * weighted by the cell probability.
 *
 * @returns the graph with an output `features` n×2C beside `y`
 * @throws {ArgumentError} if the graph is not of the design
 */
export function addSizeFeatures(graph: Graph, design: Design): Graph {
  const { deepest, channels, stride } = findDeepest(graph, design);
  const last = design.outputs.length - 1;
  const parts = startAppendix("size");
  const { constant, node } = parts;
  const prob = node("Slice", [
    "y",
    constant("first", [last]),
    constant("end", [last + 1]),
    constant("axis", [1]),
  ]);
  const pooled = node("AveragePool", [node("Sigmoid", [prob])], {
    kernel_shape: { ints: [stride, stride] },
    strides: { ints: [stride, stride] },
  });
  const inside = node("ReduceSum", [
    node("Mul", [pooled, deepest]),
    constant("edges", [2, 3]),
  ], { keepdims: { int: 0 } });
  const share = node("Max", [
    node("ReduceSum", [pooled, constant("edges", [2, 3])], {
      keepdims: { int: 0 },
    }),
    constant("least", LEAST_FOREGROUND),
  ]);
  const mean = node("Flatten", [node("GlobalAveragePool", [deepest])]);
  const features = node("Concat", [mean, node("Div", [inside, share])], {
    axis: { int: 1 },
  });
  return append(graph, parts, {
    name: "features",
    from: features,
    columns: 2 * channels,
  });
}

/**
 * Let a network tell a diameter.
 *
 * @param head  fitted on the features of `addSizeFeatures`
 * @returns     the graph with an output `style` n×1 beside `y`
 */
export function addSizeOutput(
  graph: Graph,
  design: Design,
  head: SizeHead,
): Graph {
  const whole = addSizeFeatures(graph, design);
  const features = whole.outputs.at(-1)!;
  const columns = Number(features.shape[1]);
  const count = head.hiddenBias.length;
  if (
    head.hiddenWeight.length !== count * columns ||
    head.weight.length !== columns + count
  ) {
    throw new ArgumentError(
      "head",
      `has ${head.hiddenWeight.length} and ${head.weight.length} weights for ${columns} features of ${design.name}`,
    );
  }
  const parts = startAppendix("sizeHead");
  const { node, constant, floats } = parts;
  const hidden = node("Relu", [
    node("Gemm", [
      features.name,
      floats("hiddenWeight", head.hiddenWeight, [count, columns]),
      floats("hiddenBias", head.hiddenBias, [count]),
    ], { transB: { int: 1 } }),
  ]);
  const all = node("Concat", [features.name, hidden], { axis: { int: 1 } });
  const line = node("Gemm", [
    all,
    floats("weight", head.weight, [1, columns + count]),
    floats("bias", Float32Array.of(head.bias), [1]),
  ], { transB: { int: 1 } });
  const style = node("Pow", [constant("two", 2), line]);
  return append(
    { ...whole, outputs: whole.outputs.slice(0, -1) },
    parts,
    { name: "style", from: style, columns: 1 },
  );
}

function findDeepest(graph: Graph, design: Design) {
  const name = `${design.readsDeepest}.weight`;
  const weight = graph.initializers.find((each) => each.name === name);
  const reader = graph.nodes.find(({ inputs }) => inputs[1] === name);
  if (weight === undefined || reader === undefined) {
    throw new ArgumentError("graph", `has no ${name}, so is no ${design.name}`);
  }
  const channels = weight.shape[1];
  const [deepest] = reader.inputs;
  return { deepest, channels, stride: design.deepestStride };
}

/** Nodes and constants under construction. */
function startAppendix(prefix: string) {
  const nodes: Node[] = [];
  const constants = new Map<string, Initializer>();
  const keep = (name: string, rest: Omit<Initializer, "name">) => {
    const full = `${prefix}.${name}`;
    constants.set(full, { name: full, ...rest });
    return full;
  };
  return {
    nodes,
    constants,
    floats: (name: string, values: Float32Array, shape: number[]) =>
      keep(name, {
        dtype: "f32",
        shape,
        read: () => fromFloat32(values, "f32"),
      }),
    /** A list of integers, or one f32 number. */
    constant(name: string, value: readonly number[] | number) {
      const data = typeof value === "number"
        ? Float32Array.of(value)
        : BigInt64Array.from(value, BigInt);
      return keep(name, {
        dtype: typeof value === "number" ? "f32" : "i64",
        shape: typeof value === "number" ? [] : [value.length],
        read: () => new Uint8Array(data.buffer),
      });
    },
    node(op: string, inputs: string[], attributes: Node["attributes"] = {}) {
      const output = `${prefix}.${op}_${nodes.length}`;
      nodes.push({ op, domain: "", inputs, outputs: [output], attributes });
      return output;
    },
  };
}

function append(
  graph: Graph,
  parts: ReturnType<typeof startAppendix>,
  { name, from, columns }: { name: string; from: string; columns: number },
): Graph {
  const identity: Node = {
    op: "Identity",
    domain: "",
    inputs: [from],
    outputs: [name],
    attributes: {},
  };
  const batch = graph.inputs[0].shape[0];
  return {
    ...graph,
    nodes: [...graph.nodes, ...parts.nodes, identity],
    initializers: [...graph.initializers, ...parts.constants.values()],
    outputs: [
      ...graph.outputs,
      { name, dtype: "f32", shape: [batch, columns] },
    ],
  };
}
