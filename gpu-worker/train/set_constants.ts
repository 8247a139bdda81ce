/**
 * A graph with other values of its constants, such as trained weights.
 *
 * @module
 */
import { ShapeError } from "../../shared/errors.ts";
import {
  countElements,
  fromFloat32,
  type Graph,
} from "../../shared/graph/mod.ts";

/**
 * Replace f32 constants by name; the others stay.
 *
 * @param values  C order, of the constants' shapes
 * @throws {ShapeError} if a name is no f32 constant of the graph, or a count
 *   differs
 */
export function setConstants(
  graph: Graph,
  values: ReadonlyMap<string, Float32Array>,
): Graph {
  const names = new Set(graph.initializers.map(({ name }) => name));
  for (const name of values.keys()) {
    if (!names.has(name)) {
      throw new ShapeError(name, `is no constant of ${graph.name}`);
    }
  }
  const initializers = graph.initializers.map((initializer) => {
    const { name, dtype, shape } = initializer;
    const data = values.get(name);
    if (data === undefined) return initializer;
    if (dtype !== "f32" || data.length !== countElements(shape)) {
      throw new ShapeError(
        name,
        `is ${dtype} ${shape.join("×")}, ${data.length} f32 values are given`,
      );
    }
    return { ...initializer, read: () => fromFloat32(data, "f32") };
  });
  return { ...graph, initializers };
}
