/**
 * What tuning leaves as it is, of a model imported before `model.json` told.
 *
 * @module
 */
import { type Graph, toFloat32 } from "../../shared/graph/mod.ts";

/**
 * Names that the importer makes up, DINO's rotary periods, scales of resizing,
 * and the embedding of patches, which Cellpose 4 applies without a gradient.
 */
const FIXED =
  /^(places_|still_(co)?sines$|encoder\.patch_embed\.)|\.periods$|\.scales$/;

/** Third parts of a bias: of queries, keys and values. */
const BIAS_PART = /\.qkv\.bias\[/;

/**
 * Tell them by name; a bias that is 0 all over beside rotary positions is one
 * that a mask holds there.
 *
 * @returns  names of constants
 */
export function findFixed({ initializers }: Graph): string[] {
  const isRotary = initializers.some(({ name }) => name.endsWith(".periods"));
  return initializers.filter(({ name, dtype, read }) =>
    FIXED.test(name) ||
    isRotary && BIAS_PART.test(name) &&
      toFloat32(read(), dtype).every((value) => value === 0)
  ).map(({ name }) => name);
}
