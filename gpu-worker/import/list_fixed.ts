/**
 * What tuning leaves as it is: constants of a network that are no parameters
 * of the peer's.
 *
 * @module
 */
import { type Graph, isFloat } from "../../shared/graph/mod.ts";
import type { Family } from "./families/family.ts";
import type { Weights } from "./weights.ts";

/**
 * List the floating constants of a graph that the peer does not train: tables
 * of rotary positions, marks of places, weights applied without a gradient,
 * biases that a mask holds at 0. Numbers without an axis and recorded
 * statistics are not among them.
 *
 * @returns  names; undefined for a family that has no training form
 */
export function listFixed(
  { nodes, initializers }: Graph,
  weights: Weights,
  family: Family,
): string[] | undefined {
  if (family.train === undefined) return undefined;
  const parameters = new Set(family.train(weights).parameters);
  const statistics = new Set(
    nodes.filter(({ op }) => op === "BatchNormalization")
      .flatMap(({ inputs }) => inputs.slice(3, 5)),
  );
  return initializers.filter((each) =>
    isFloat(each) && each.shape.length > 0 && !statistics.has(each.name)
  ).map(({ name }) => name).filter((name) => {
    const [whole, start, end] = splitPart(name);
    return !parameters.has(whole) || isMasked(weights, whole, [start, end]);
  });
}

/** Name of a tensor, and the rows of which a constant is made. */
function splitPart(name: string): [string, number, number] {
  const [, whole, start, end] = /^(.*)\[(\d+):(\d+)\]$/.exec(name) ?? [];
  return whole === undefined
    ? [name, 0, Infinity]
    : [whole, Number(start), Number(end)];
}

/** Whether a factor of 0 belongs to a part: it has no gradient there. */
function isMasked(
  weights: Weights,
  name: string,
  [start, end]: readonly [number, number],
): boolean {
  const mask = `${name}_mask`;
  if (!weights.has(mask)) return false;
  return weights.floats(mask, [null]).slice(start, end).some((v) => v === 0);
}
