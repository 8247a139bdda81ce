/**
 * Check gradients of a piece of a graph: the runtime's in f32 against central
 * differences of the 64-bit reference.
 */
import { differentiate } from "../../gpu-worker/train/differentiate.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  buildGraph,
  encodeModel,
  type Graph,
  type GraphBuilder,
  multiply,
  reshape,
  type Value,
} from "../../shared/graph/mod.ts";
import { differences, evaluate } from "../reference/graph/evaluate.ts";
import {
  expectClose,
  fill,
  size,
  type Tensor64,
} from "../reference/graph/tensor.ts";

/** The bound. */
const TOLERANCE = 1e-3;

/** Adds what is differentiated. */
export type Build = (g: GraphBuilder, inputs: readonly Value[]) => Value;

/** A graph as one piece of bytes. */
export function toBytes(graph: Graph): Uint8Array<ArrayBuffer> {
  const pieces = [...encodeModel(graph).model];
  const bytes = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Numbers within ±1 that are no pattern, none near 0; the same every time. */
export function scattered(shape: readonly number[], seed: number): Tensor64 {
  let state = seed * 2654435761 + 12345;
  return fill(shape, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const u = state / 2 ** 32 * 2 - 1;
    // f32 holds it exactly
    return Math.fround(Math.sign(u) * (0.05 + 0.95 * Math.abs(u)));
  });
}

/**
 * Check the gradients of Σ y·r by every input, r scattered.
 *
 * @param build      what is differentiated
 * @param inputs     shapes, or tensors where the numbers matter
 * @param reference  the same of operators that the reference knows; default
 *                   `build`
 */
export async function expectGradients(
  build: Build,
  inputs: readonly (readonly number[] | Tensor64)[],
  reference: Build = build,
): Promise<void> {
  const tensors = inputs.map((input, i) =>
    "data" in input ? input : scattered(input, i + 1)
  );
  const make = (hasGradients: boolean) => {
    const g = buildGraph("gradients");
    const values = tensors.map(({ shape }, i) =>
      g.input(`x${i}`, "f32", shape)
    );
    const y = (hasGradients ? build : reference)(g, values);
    const r = g.input("r", "f32", y.shape);
    const flat = reshape(g, multiply(g, y, r), [size(y.shape.map(Number))]);
    const loss = g.node("ReduceSum", [flat, g.ints([0])], {
      dtype: "f32",
      shape: [1],
    });
    g.output("y", y);
    g.output("loss", loss);
    if (hasGradients) {
      differentiate(g, loss, values).forEach((d, i) => {
        if (d === null) throw new Error(`x${i} has no gradient`);
        g.output(`d${i}`, d);
      });
    }
    return { graph: g.finish(), shape: y.shape.map(Number) };
  };
  const { graph, shape } = make(false);
  const given = new Map<string, Tensor64>(
    tensors.map((x, i) => [`x${i}`, x]),
  );
  given.set("r", scattered(shape, 99));

  const network = await loadGraph(toBytes(make(true).graph));
  const found = await network.run(
    Object.fromEntries(
      [...given].map(([name, { shape, data }]) =>
        [name, { shape, data: Float32Array.from(data) }] as const
      ),
    ),
  );
  await network.close();
  const wide = (name: string): Tensor64 => ({
    shape: found[name].shape,
    data: Float64Array.from(found[name].data),
  });
  expectClose("y", wide("y"), evaluate(graph, given).get("y")!, TOLERANCE);
  tensors.forEach((_, i) => {
    const wanted = differences(graph, given, { of: "loss", by: `x${i}` });
    expectClose(`d${i}`, wide(`d${i}`), wanted, TOLERANCE);
  });
}
