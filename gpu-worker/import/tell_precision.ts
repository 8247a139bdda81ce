/**
 * What became of the precision that an import was asked for.
 *
 * @module
 */
import {
  type Dtype,
  type Graph,
  isHalf,
  listDtypes,
  typesOf,
} from "../../shared/graph/mod.ts";
import type { ModelJson } from "./model_json.ts";

/**
 * Tell the precision of a model's products.
 *
 * @param graphs   as they are written
 * @param wanted   name of the precision asked for
 * @param compute  its element type
 */
export function tellPrecision(
  graphs: readonly Graph[],
  wanted: string,
  compute: Dtype,
): Pick<ModelJson, "precision" | "inFp32"> {
  if (!isHalf({ dtype: compute })) return { precision: wanted };
  const inFp32: Record<string, number> = {};
  for (const { nodes, initializers } of graphs) {
    const constants = new Set(initializers.map(({ name }) => name));
    for (const { op, inputs } of nodes) {
      const isProduct = constants.has(inputs[1]);
      if (!isProduct || typesOf(op).includes(compute)) continue;
      inFp32[op] = (inFp32[op] ?? 0) + 1;
    }
  }
  const isUsed = graphs.some((graph) =>
    [...listDtypes(graph).values()].some((dtype) => dtype === compute)
  );
  return {
    precision: isUsed ? wanted : "fp32",
    ...(Object.keys(inFp32).length > 0 ? { inFp32 } : {}),
  };
}
