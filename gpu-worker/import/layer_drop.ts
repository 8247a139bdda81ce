/**
 * Layer drop: while it is trained, an image skips some blocks.
 *
 * @module
 */
import {
  cast,
  multiply,
  reshape,
  slice,
  type Value,
} from "../../shared/graph/mod.ts";
import { type Layers, once } from "./parameter.ts";

/**
 * What a block adds to its input: nothing for images that skip it.
 *
 * @param branch  (batch·tokens)×C or batch×tokens×C
 * @param block   its number
 * @returns       the same shape; the branch itself where nothing is skipped
 */
export function keepBranch(l: Layers, branch: Value, block: number): Value {
  const { g, training } = l;
  const kept = training?.kept;
  if (!training || !kept) return branch;
  const { batch } = training;
  const factor = once(l, `kept ${block}`, () =>
    reshape(
      g,
      slice(g, kept, { axis: 1, start: block, end: block + 1 }),
      [batch, 1, 1],
    ));
  const edges = branch.shape.map(Number);
  const channels = edges[edges.length - 1];
  const count = edges.reduce((n, edge) => n * edge, 1) / batch / channels;
  const images = reshape(g, branch, [batch, count, channels]);
  const result = multiply(g, images, cast(g, factor, branch.dtype));
  return reshape(g, result, edges);
}
