/**
 * Numbers that a rule needs as a constant.
 *
 * @module
 */
import type { GraphBuilder, Value } from "../../../shared/graph/mod.ts";

/**
 * A constant of a name, made where the graph has none of it yet.
 *
 * @param at  element by its place in the flat array
 */
export function table(
  g: GraphBuilder,
  name: string,
  { shape, at }: { shape: readonly number[]; at: (place: number) => number },
): Value {
  const length = shape.reduce((a, b) => a * b, 1);
  return g.find(name) ?? g.constant(name, {
    dtype: "f32",
    shape,
    read: () =>
      new Uint8Array(Float32Array.from({ length }, (_, i) => at(i)).buffer),
  });
}
