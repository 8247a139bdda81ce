/**
 * A loop within the graph: values that each turn changes, and sequences of
 * which each turn reads one part.
 *
 * @module
 */
import {
  buildGraph,
  type Graph,
  type GraphBuilder,
  type Value,
} from "../../shared/graph/mod.ts";
import { known } from "./gradients/rule.ts";
import { finishBlocks } from "./recompute.ts";

/** What a turn gives. */
export interface Turn {
  /** The states for the next turn, in order. */
  readonly states: readonly Value[];
  /** Kept of every turn. */
  readonly results: readonly Value[];
}

/** What a loop runs over. */
export interface ScanOptions {
  /** Name of the body, no other loop's. */
  readonly name: string;
  /** Values before the first turn. */
  readonly states: readonly Value[];
  /** Their first axis counts the turns; it may be a name. */
  readonly sequences: readonly Value[];
  /** One turn; may use values of `g`, too. */
  readonly body: (
    inner: GraphBuilder,
    states: readonly Value[],
    parts: readonly Value[],
  ) => Turn;
}

/**
 * Add a loop.
 *
 * @returns  states after the last turn; results with the turns as first axis
 *
 * Source: ONNX operator set 20, Scan
 */
export function scan(
  g: GraphBuilder,
  { name, states, sequences, body }: ScanOptions,
): Turn {
  const inner = buildGraph(name, g);
  const given = states.map((state, i) =>
    inner.input(`state_${i}`, state.dtype, known(state))
  );
  const parts = sequences.map(({ dtype, shape }, i) =>
    inner.input(`part_${i}`, dtype, shape.slice(1))
  );
  const turn = body(inner, given, parts);
  turn.states.forEach((state, i) => inner.output(`next_${i}`, state));
  turn.results.forEach((result, i) => inner.output(`result_${i}`, result));
  const turns = sequences[0].shape[0];
  const made = g.nodes("Scan", [...states, ...sequences], [
    ...states,
    ...turn.results.map(({ dtype, shape }) => ({
      dtype,
      shape: [turns, ...shape],
    })),
  ], {
    attributes: {
      body: { graph: withoutCopies(finishBlocks(inner)) },
      num_scan_inputs: { int: sequences.length },
    },
  });
  return {
    states: made.slice(0, states.length),
    results: made.slice(states.length),
  };
}

/**
 * A body whose outputs are what its nodes make, not copies of it: a copy of
 * every state would be made in each turn.
 *
 * Outputs that are inputs, constants or one value twice stay copies, and all
 * do where a loop within may use the values by their names.
 */
function withoutCopies(graph: Graph): Graph {
  const { nodes } = graph;
  const hasInner = nodes.some(({ attributes }) =>
    Object.values(attributes).some((attribute) => "graph" in attribute)
  );
  if (hasInner) return graph;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const left = nodes.filter(({ op, inputs: [from], outputs: [to] }) => {
    const isCopy = op === "Identity" && outputs.has(to) && made.has(from) &&
      !outputs.has(from) && !renamed.has(from);
    if (isCopy) renamed.set(from, to);
    return !isCopy;
  });
  const rename = (name: string) => renamed.get(name) ?? name;
  return {
    ...graph,
    nodes: left.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
  };
}
