/**
 * Compute blocks again in the backward pass, so that what lies within them
 * need not be kept.
 *
 *   forward | backward   →   forward | again, backward of the last block | …
 *
 * Kept are the values between blocks only. Each block's nodes are written a
 * second time before its backward nodes. Two things must not happen: the
 * runtime must not take the second writing for the first (it merges equal
 * nodes), nor run it early (it orders nodes as it likes). Both are prevented
 * by adding to the block's input a zero that is computed from the gradients
 * of the block after it.
 *
 * Source: Chen et al. 2016, Training deep nets with sublinear memory cost.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import {
  DTYPES,
  type Graph,
  type GraphBuilder,
  isFloat,
  type Node,
  type Value,
} from "../../shared/graph/mod.ts";

/** Names of what is computed again end so. */
const AGAIN = "~again";
/** Constants that take the first element of a list. */
const FIRST = { flat: [-1], start: [0], end: [1] } as const;

/** Where a graph has blocks. */
export interface Blocks {
  /** Values between blocks, in order; the first is the first block's input. */
  readonly boundaries: readonly Value[];
  /** Nodes before the first of the backward pass. */
  readonly forward: number;
  /** Values of the graph by name. */
  readonly find: (name: string) => Value | undefined;
}

/** A block and where the backward pass needs it. */
interface Block {
  readonly input: Value;
  /** Values that nothing outside the block uses in the forward pass. */
  readonly inside: ReadonlySet<string>;
  /** Its nodes that are needed again. */
  readonly again: readonly Node[];
  /** Index of the first node that needs it. */
  readonly start: number;
}

const marked = new WeakMap<GraphBuilder, Blocks>();

/** Note where a graph under construction has blocks, for `finishBlocks`. */
export function markBlocks(g: GraphBuilder, blocks: Blocks): void {
  marked.set(g, blocks);
}

/** The graph as it is; where blocks are noted, with these computed twice. */
export function finishBlocks(g: GraphBuilder): Graph {
  const blocks = marked.get(g);
  return blocks ? recompute(g.finish(), blocks) : g.finish();
}

/**
 * Rewrite a graph so that its blocks are computed twice.
 *
 * @returns  a graph of the same inputs, outputs and results
 * @throws {ArgumentError} if a boundary is no value of the forward pass
 */
export function recompute(
  graph: Graph,
  { boundaries, forward, find }: Blocks,
): Graph {
  const blocks = findBlocks(graph.nodes, { boundaries, forward, find })
    .sort((a, b) => a.start - b.start);
  const added = new Map<number, Node[]>();
  const renamed = new Map<string, string>();
  blocks.forEach(({ input, inside, again, start }, i) => {
    // all that the blocks before it in this pass have left to be used
    const range = [i === 0 ? forward : blocks[i - 1].start, start] as const;
    const guard = makeGuard(input, {
      label: `${i}`,
      after: findCrossing(graph, range).flatMap((name) => find(name) ?? []),
    });
    for (const name of inside) renamed.set(name, name + AGAIN);
    const held = guard.at(-1)?.outputs[0] ?? input.name;
    const rename = (name: string) =>
      name === input.name ? held : renamed.get(name) ?? name;
    const copies = again.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map((name) => name && name + AGAIN),
    }));
    added.set(start, [...guard, ...copies]);
  });
  const nodes = graph.nodes.flatMap((node, at) => [
    ...added.get(at) ?? [],
    at < forward
      ? node
      : { ...node, inputs: node.inputs.map((n) => renamed.get(n) ?? n) },
  ]);
  const initializers = [
    ...graph.initializers,
    ...Object.entries(FIRST).map(([name, values]) => ({
      name: `first ${name}`,
      dtype: "i64" as const,
      shape: [1],
      read: () => new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    })),
  ];
  return { ...graph, nodes, initializers };
}

function findBlocks(
  nodes: readonly Node[],
  { boundaries, forward }: Blocks,
): Block[] {
  const first = nodes.slice(0, forward);
  const makers = new Map(
    first.flatMap(({ outputs }, i) =>
      outputs.map((name) => [name, i] as const)
    ),
  );
  const before = boundaries.map(({ name }) => {
    if (makers.has(name)) return findAncestors(first, makers, [name]);
    throw new ArgumentError("boundaries", `${name} is not in the forward pass`);
  });
  return boundaries.slice(0, -1).flatMap((input, i) => {
    const members = before[i + 1].difference(before[i]);
    const outside = new Set(
      first.flatMap(({ inputs }, at) => members.has(at) ? [] : inputs),
    );
    const inside = new Set(
      [...members].flatMap((at) => first[at].outputs)
        .filter((name) => name !== boundaries[i + 1].name)
        .filter((name) => !outside.has(name)),
    );
    const users = nodes.slice(forward).map(({ inputs }) =>
      inputs.filter((name) => inside.has(name))
    );
    const start = users.findIndex((names) => names.length > 0);
    if (start < 0) return [];
    const needed = findAncestors(first, makers, users.flat())
      .intersection(members);
    const again = first.filter((_, at) => needed.has(at));
    return [{ input, inside, again, start: forward + start }];
  });
}

/** Indices of the nodes that values are made by, directly or not. */
function findAncestors(
  nodes: readonly Node[],
  makers: ReadonlyMap<string, number>,
  names: readonly string[],
): Set<number> {
  const found = new Set<number>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const at = makers.get(name);
    if (at === undefined || found.has(at)) continue;
    found.add(at);
    open.push(...nodes[at].inputs);
  }
  return found;
}

/** Values made by a range of nodes and used after it. */
function findCrossing(
  { nodes, outputs }: Graph,
  [start, end]: readonly [number, number],
): string[] {
  const used = new Set([
    ...nodes.slice(end).flatMap(({ inputs }) => inputs),
    ...outputs.map(({ name }) => name),
  ]);
  return nodes.slice(start, end).flatMap(({ outputs }) => outputs)
    .filter((name) => used.has(name));
}

/** Nodes that give a value once others are there; none without others. */
function makeGuard(
  input: Value,
  { label, after }: { label: string; after: readonly Value[] },
): Node[] {
  const nodes: Node[] = [];
  const node = (
    op: string,
    inputs: readonly string[],
    attributes: Node["attributes"] = {},
  ) => {
    const name = `guard ${label} ${nodes.length}`;
    nodes.push({ op, domain: "", inputs, outputs: [name], attributes });
    return name;
  };
  const firsts = after.filter(isFloat).map(({ name, dtype }) => {
    const first = node("Slice", [
      node("Reshape", [name, "first flat"]),
      "first start",
      "first end",
    ]);
    const to = { to: { int: DTYPES.f32.code } };
    return dtype === "f32" ? first : node("Cast", [first], to);
  });
  if (firsts.length === 0) return [];
  const list = node("Concat", firsts, { axis: { int: 0 } });
  // no number is less than itself, and none is not one either
  const never = node("Less", [list, list]);
  const to = { to: { int: DTYPES[input.dtype].code } };
  const zeros = node("Cast", [never], to);
  const zero = node("ReduceMax", [zeros]);
  node("Add", [input.name, node("Reshape", [zero, "first end"])]);
  return nodes;
}
