/**
 * The weights among a trainer's tensors.
 *
 * @module
 */
import type { Graph } from "../../shared/graph/mod.ts";
import type { StateTensor } from "./trainer_port.ts";

/** Leave out the optimizer's tensors: what is no constant of the graph. */
export function pickWeights(
  { initializers }: Graph,
  tensors: ReadonlyMap<string, StateTensor>,
): Map<string, StateTensor> {
  const names = new Set(initializers.map(({ name }) => name));
  return new Map([...tensors].filter(([name]) => names.has(name)));
}
