/**
 * Norms after convolutions become part of these: the same network with fewer
 * nodes and constants.
 *
 * @module
 */
import {
  countElements,
  fromFloat32,
  type Graph,
  type Initializer,
  type Node,
  toFloat32,
} from "../../shared/graph/mod.ts";

/** What a norm's node is read for. */
interface Norm {
  /** Index of the convolution among the nodes. */
  readonly conv: number;
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

/**
 * Fold every BatchNormalization whose input is a convolution that nothing
 * else reads; its running mean and variance become constants.
 *
 *   w' = w·scale/√(variance+ε),  bias' = shift + (bias−mean)·scale/√(variance+ε)
 *
 * @returns  a graph of the same outputs, to rounding
 */
export function foldNorms(graph: Graph): Graph {
  const constants = new Map(graph.initializers.map((i) => [i.name, i]));
  const uses = countUses(graph);
  const makers = new Map(
    graph.nodes.flatMap(({ outputs }, at) => outputs.map((name) => [name, at])),
  );
  const nodes: (Node | null)[] = [...graph.nodes];
  for (const [at, node] of graph.nodes.entries()) {
    const norm = readNorm(node, { graph, constants, uses, makers });
    if (norm === null) continue;
    const conv = graph.nodes[norm.conv];
    const [weight, bias] = fold(conv, norm, constants);
    constants.set(weight.name, weight);
    constants.set(bias.name, bias);
    nodes[norm.conv] = null;
    nodes[at] = {
      ...conv,
      inputs: [conv.inputs[0], weight.name, bias.name],
      outputs: [node.outputs[0]],
    };
  }
  const kept = nodes.filter((node) => node !== null);
  const read = new Set(kept.flatMap(({ inputs }) => inputs));
  return {
    ...graph,
    nodes: kept,
    initializers: [...constants.values()].filter(({ name }) => read.has(name)),
  };
}

function countUses(graph: Graph): Map<string, number> {
  const uses = new Map<string, number>();
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}

function readNorm(
  { op, inputs, attributes }: Node,
  { graph, constants, uses, makers }: {
    graph: Graph;
    constants: ReadonlyMap<string, Initializer>;
    uses: ReadonlyMap<string, number>;
    makers: ReadonlyMap<string, number>;
  },
): Norm | null {
  if (op !== "BatchNormalization" || uses.get(inputs[0]) !== 1) return null;
  const conv = makers.get(inputs[0]);
  if (conv === undefined) return null;
  const { op: before, inputs: [, weight] } = graph.nodes[conv];
  // a transposed kernel has its output channels on another axis
  if (before !== "Conv" || !constants.has(weight)) return null;
  if (uses.get(weight) !== 1) return null;
  const values = inputs.slice(1).map((name) => constants.get(name));
  if (values.some((each) => each === undefined)) return null;
  const [scale, shift, mean, variance] = values.map((each) =>
    readFloats(each!)
  );
  const { epsilon } = attributes;
  const least = epsilon && "float" in epsilon ? epsilon.float : 1e-5;
  const factor = Float64Array.from(
    scale,
    (s, c) => s / Math.sqrt(variance[c] + least),
  );
  const offset = Float64Array.from(factor, (f, c) => shift[c] - mean[c] * f);
  return { conv, factor, offset };
}

function fold(
  { inputs: [, weightName, biasName] }: Node,
  { factor, offset }: Norm,
  constants: ReadonlyMap<string, Initializer>,
): [Initializer, Initializer] {
  const weight = constants.get(weightName)!;
  const from = readFloats(weight);
  const bias = biasName ? readFloats(constants.get(biasName)!) : undefined;
  const channels = factor.length;
  const length = countElements(weight.shape) / channels;
  const to = Float32Array.from(
    from,
    (w, i) => w * factor[Math.floor(i / length)],
  );
  const shifted = Float32Array.from(
    offset,
    (b, c) => b + (bias?.[c] ?? 0) * factor[c],
  );
  return [
    { ...weight, read: () => fromFloat32(to, "f32") },
    {
      name: weightName.replace(/(\.weight)?$/, ".folded"),
      dtype: "f32",
      shape: [channels],
      read: () => fromFloat32(shifted, "f32"),
    },
  ];
}

function readFloats(initializer: Initializer): Float32Array {
  return toFloat32(initializer.read(), initializer.dtype);
}
