/**
 * Several nodes that are differentiated as one.
 *
 * What is best computed by many nodes may have a gradient that is shorter, or
 * safer, than the sum of theirs.
 *
 * @module
 */
import type { GraphBuilder, Node, Value } from "../../../shared/graph/mod.ts";
import type { Rule } from "./rule.ts";

/** Nodes `start` to `end` (exclusive) of a builder's, as one node. */
export interface Composite {
  readonly start: number;
  readonly end: number;
  /** What the rule sees; its operator is not ONNX's. */
  readonly node: Node;
  readonly rule: Rule;
}

const composites = new WeakMap<GraphBuilder, Composite[]>();

/**
 * Add nodes that have one rule together.
 *
 * @param op     name of the whole
 * @param build  adds the nodes; they may use `inputs` and constants only
 * @param rule   gradients of `inputs` from those of what `build` returns; it
 *               may also use other values that `build` made
 * @returns      what `build` returns
 */
export function composite(
  g: GraphBuilder,
  { op, inputs, build, rule }: {
    op: string;
    inputs: readonly Value[];
    build: () => readonly Value[];
    rule: Rule;
  },
): readonly Value[] {
  const start = g.added.length;
  const outputs = build();
  const node: Node = {
    op,
    domain: "composite",
    inputs: inputs.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    attributes: {},
  };
  const known = composites.get(g) ?? [];
  composites.set(g, known);
  known.push({ start, end: g.added.length, node, rule });
  return outputs;
}

/** The composites of a graph, outer ones only, in order. */
export function listComposites(g: GraphBuilder): Composite[] {
  const known = composites.get(g) ?? [];
  return known
    .filter(({ start, end }, i) =>
      !known.some((other, j) =>
        i !== j && other.start <= start && end <= other.end &&
        // of two that span the same nodes the later is the outer one
        (other.end - other.start > end - start || j > i)
      )
    )
    .sort((a, b) => a.start - b.start);
}
