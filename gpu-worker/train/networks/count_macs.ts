/**
 * Multiplications of a network's convolutions: what its budget counts.
 *
 * @module
 */
import type { Graph, Node } from "../../../shared/graph/mod.ts";
import { ShapeError } from "../../../shared/errors.ts";

/**
 * Count multiply-accumulates of a graph's convolutions for one input image.
 * A FLOP count is twice this; norms, activations, sums are not counted (they
 * are folded, or one operation an element).
 *
 * @param graph   convolutions, poolings by 2, resizes by 2 and what keeps sizes
 * @param pixels  of the input image
 * @throws {ShapeError} for a node whose size is not known
 */
export function countMacs(graph: Graph, pixels: number): number {
  const shapes = new Map(
    graph.initializers.map(({ name, shape }) => [name, shape] as const),
  );
  const areas = new Map(graph.inputs.map(({ name }) => [name, pixels]));
  let macs = 0;
  for (const node of graph.nodes) {
    const before = areaOf(areas, node);
    const after = before * growth(node);
    for (const name of node.outputs) areas.set(name, after);
    const weight = shapes.get(node.inputs[1])?.reduce((a, b) => a * b, 1) ?? 0;
    if (node.op === "Conv") macs += weight * after;
    if (node.op === "ConvTranspose") macs += weight * before;
  }
  return macs;
}

function areaOf(areas: ReadonlyMap<string, number>, node: Node): number {
  for (const name of node.inputs) {
    const area = areas.get(name);
    if (area !== undefined) return area;
  }
  throw new ShapeError(node.op, `${node.outputs[0]} has an unknown size`);
}

/** Pixels of a node's output for one of its input. */
function growth({ op, attributes: { strides } }: Node): number {
  const stride = strides && "ints" in strides ? strides.ints[0] : 1;
  switch (op) {
    case "Conv":
    case "MaxPool":
      return 1 / stride ** 2;
    case "ConvTranspose":
      return stride ** 2;
    case "Resize":
      return 4;
    default:
      return 1;
  }
}
