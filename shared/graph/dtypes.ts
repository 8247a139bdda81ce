/**
 * Element types of all values of a graph, from those of its inputs and
 * constants; shapes need not be known.
 *
 * @module
 */
import { intOf } from "./attributes.ts";
import { type Dtype, DTYPES, type Graph, type Node } from "./types.ts";

const BOOLEAN = new Set(
  "Equal Greater Less GreaterOrEqual LessOrEqual And Or Not IsNaN IsInf"
    .split(" "),
);

/**
 * Tell the element types of a graph's values; those within loops are left
 * to a call for the loop's body.
 *
 * @param outer  types of the values around a loop's body
 */
export function listDtypes(
  graph: Graph,
  outer: ReadonlyMap<string, Dtype> = new Map(),
): Map<string, Dtype> {
  const types = new Map(outer);
  for (const { name, dtype } of [...graph.inputs, ...graph.initializers]) {
    types.set(name, dtype);
  }
  for (const node of graph.nodes) {
    const made = typesOf(node, types);
    node.outputs.forEach((name, i) => types.set(name, made(i)));
  }
  return types;
}

/** Element type of each output of a node. */
function typesOf(
  { op, inputs, attributes, ...node }: Node,
  types: ReadonlyMap<string, Dtype>,
): (output: number) => Dtype {
  const typeOf = (i: number) => types.get(inputs[i]) ?? "f32";
  const body = Object.values(attributes).find((a) => "graph" in a)?.graph;
  if (body) {
    const inner = listDtypes(body, types);
    return (i) => inner.get(body.outputs[i].name) ?? "f32";
  }
  if (BOOLEAN.has(op)) return () => "bool";
  if (op === "Cast") {
    const code = intOf({ op, inputs, attributes, ...node }, "to", 1);
    const found = Object.entries(DTYPES).find(([, type]) => type.code === code);
    return () => (found?.[0] ?? "f32") as Dtype;
  }
  if (op === "Shape") return () => "i64";
  if (op === "ConstantOfShape") return () => "f32";
  if (op === "Where") return () => typeOf(1);
  // the second output of MaxPool tells places
  if (op === "MaxPool") return (i) => i === 1 ? "i64" : typeOf(0);
  return () => typeOf(0);
}
