/**
 * Layer drop: while it is trained, an image skips some blocks.
 *
 * @module
 */
import {
  cast,
  type Dim,
  multiply,
  reshape,
  slice,
  type Value,
} from "../../shared/graph/mod.ts";
import { type Layers, once } from "./parameter.ts";

/**
 * What a block adds to its input: nothing for images that skip it.
 *
 * @param branch  batch×tokens×C, or rows of it
 * @param block   its number
 * @param images  shape of the branch by images, batch×tokens×C
 * @returns       the branch's shape; the branch itself where nothing is
 *                skipped
 */
export function keepBranch(
  l: Layers,
  branch: Value,
  { block, images }: { block: number; images: readonly Dim[] },
): Value {
  const { g, training } = l;
  const kept = training?.kept;
  if (!kept) return branch;
  const factor = once(l, `kept ${block}`, () =>
    reshape(
      g,
      slice(g, kept, { axis: 1, start: block, end: block + 1 }),
      [kept.shape[0], 1, 1],
    ));
  const isRows = branch.shape.length === 2;
  const apart = isRows ? reshape(g, branch, images) : branch;
  const result = multiply(g, apart, cast(g, factor, branch.dtype));
  return isRows ? reshape(g, result, branch.shape) : result;
}
