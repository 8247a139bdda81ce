/** Run a graph on 64-bit floats, and differentiate it by differences. */
import { type Graph, toFloat32 } from "../../../shared/graph/mod.ts";
import { OPERATORS } from "./operators.ts";
import type { Tensor64 } from "./tensor.ts";

/** Step of central differences: its square, and 2^-52 over it, are small. */
const STEP = 1e-5;

/** All values of a graph by name. */
export function evaluate(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor64>,
): Map<string, Tensor64> {
  const values = new Map(inputs);
  for (const { name, dtype, shape, read } of graph.initializers) {
    const bytes = read().slice();
    const data = dtype === "i64"
      ? Float64Array.from(new BigInt64Array(bytes.buffer), Number)
      : Float64Array.from(toFloat32(bytes, dtype));
    values.set(name, { shape, data });
  }
  for (const node of graph.nodes) {
    const operator = OPERATORS[node.op];
    if (operator === undefined) throw new Error(`${node.op} is not written`);
    const results = operator(
      node,
      node.inputs.map((name) => name === "" ? undefined : values.get(name)),
    );
    const list = "data" in results ? [results] : results;
    node.outputs.forEach((name, i) => values.set(name, list[i]));
  }
  return values;
}

/** Central differences of a scalar output by each element of an input. */
export function differences(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor64>,
  { of, by }: { of: string; by: string },
): Tensor64 {
  const { shape, data } = inputs.get(by)!;
  const lossAt = (i: number, step: number) => {
    const moved = data.slice();
    moved[i] += step;
    return evaluate(graph, new Map([...inputs, [by, { shape, data: moved }]]))
      .get(of)!.data[0];
  };
  return {
    shape,
    data: data.map((_, i) => (lossAt(i, STEP) - lossAt(i, -STEP)) / (2 * STEP)),
  };
}
