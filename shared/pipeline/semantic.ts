/**
 * Cells of networks that tell classes, not flows: plain U-Nets.
 *
 *   tiles' logits → blend → logit of being a cell → threshold and components,
 *     or watershed → drop what is too large, fill, drop what is too small
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import type { ModelInfo } from "../schema/model.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type {
  BandComponents,
  Core,
  Store,
  StoredLogit,
  TilePlan,
} from "../../wasm/mod.ts";
import { arrayStore } from "./array_store.ts";
import type { NetworkOutput } from "./blend_outputs.ts";
import type { EncodedTile } from "./encode_tiles.ts";
import type { FoundMasks } from "./find_masks.ts";

/** Parameters that classes, not flows, have. */
export type SemanticParameters = Pick<
  SegmentParameters,
  | "semanticMethod"
  | "foregroundClass"
  | "watershedOn"
  | "watershedRise"
  | "cellprobThreshold"
  | "maxSizeFraction"
  | "minSize"
  | "parity"
  | "excludeOnEdges"
>;

/**
 * Check what a semantic network cannot be asked for.
 *
 * @throws {ArgumentError} `foregroundClass`, `diameter`
 */
export function checkSemantic(
  model: ModelInfo,
  { foregroundClass, diameter, diameterUm }: SegmentParameters,
): void {
  if (foregroundClass !== null && foregroundClass >= model.outputs) {
    throw new ArgumentError(
      "foregroundClass",
      `is ${foregroundClass}; ${model.name} has classes 0 to ${
        model.outputs - 1
      }`,
    );
  }
  if (diameter || diameterUm !== null) {
    throw new ArgumentError(
      "diameter",
      `has no meaning to ${model.name}, which knows no diameter; scale the image itself`,
    );
  }
}

/** Planes of the network that mean a cell. */
export function foregroundPlanes(
  { outputs }: Pick<ModelInfo, "outputs">,
  foregroundClass: number | null,
): number[] {
  if (outputs === 1) return [0];
  if (foregroundClass !== null) return [foregroundClass];
  return Array.from({ length: outputs - 1 }, (_, i) => i + 1);
}

/** Tiles of logits, and what is made of them. */
export interface LogitJob {
  /** Outputs in the plan's order, K×h×w f32. */
  readonly tiles: AsyncIterable<EncodedTile>;
  readonly classes: number;
  readonly foregroundClass: number | null;
  readonly onTile?: (tile: EncodedTile, milliseconds: number) => void;
}

/**
 * Blend tiles of logits as they come, in memory; see `blendLogitsInto`.
 *
 * @returns  no flows; cellprob is the logit of the chosen classes
 */
export async function blendLogits(
  core: Core,
  plan: TilePlan,
  job: LogitJob,
): Promise<NetworkOutput> {
  const { size } = plan;
  const cellprob = new Float32Array(size.height * size.width);
  const store = arrayStore(cellprob);
  await blendLogitsInto(core, plan, { ...job, store, at: 0 });
  return { flows: new Float32Array(0), cellprob, size };
}

/**
 * Blend tiles of logits as they come, to one logit a pixel.
 *
 * @param core  the core
 * @param plan  the tiles' plan
 * @param job   the tiles; H×W f32 go to the store from `at` on
 */
export async function blendLogitsInto(
  core: Core,
  plan: TilePlan,
  { tiles, classes, foregroundClass, onTile, store, at }: LogitJob & {
    readonly store: Store<Float32Array<ArrayBuffer>>;
    readonly at: number;
  },
): Promise<void> {
  const blender = core.createBlender(plan, {
    channels: classes,
    flowChannel: null,
  });
  for await (const encoded of tiles) {
    const start = performance.now();
    for (const { data, top } of blender.add(encoded.tile, encoded.output)) {
      store.write(
        at + top * plan.size.width,
        core.foregroundLogit(data, classes, foregroundClass),
      );
    }
    onTile?.(encoded, performance.now() - start);
  }
}

/**
 * Find the cells in a logit.
 *
 * @param core        the core
 * @param cellprob    H×W f32, logit
 * @param size        of the image
 * @param parameters  method, threshold, sizes
 *
 * Source: as the core's `labelComponents` and `watershed`.
 */
export function findSemanticMasks(
  core: Core,
  cellprob: Float32Array,
  size: Size2D,
  parameters: SemanticParameters,
): FoundMasks {
  const { cellprobThreshold: threshold, semanticMethod } = parameters;
  const found = semanticMethod === "components"
    ? core.labelComponents(cellprob, size, { threshold })
    : core.watershed(cellprob, size, {
      threshold,
      rise: parameters.watershedRise,
      ...(parameters.watershedOn === "probability"
        ? { landscape: cellprob }
        : {}),
    });
  if (found.count === 0) {
    return { ...found, emptyReason: explainNoPixel(threshold) };
  }
  const { maxSizeFraction } = parameters;
  const fitting = core.removeLarge(found.masks, size, { maxSizeFraction });
  const minSize = Math.max(parameters.minSize, 0);
  const clean = core.fillHolesAndRemoveSmall(fitting.masks, size, { minSize });
  const { masks, count } = parameters.excludeOnEdges
    ? core.removeEdgeMasks(clean.masks, size)
    : clean;
  if (count > 0) return { masks, count };
  const emptyReason = explainDropped({
    components: found.count,
    tooLarge: found.count - fitting.count,
    tooSmall: fitting.count - clean.count,
  });
  return { masks, count, emptyReason };
}

/**
 * Find the cells in a stored logit: `findSemanticMasks` band by band.
 *
 * @param core        the core
 * @param stored      logit in, masks out
 * @param parameters  threshold, sizes; the method is "components"
 * @param slabRows    rows of a band; default by the width
 */
export async function findSemanticByBand(
  core: Core,
  stored: StoredLogit,
  parameters: SemanticParameters,
  slabRows?: number,
): Promise<Pick<FoundMasks, "count" | "emptyReason"> & { boxes: Int32Array }> {
  const { cellprobThreshold: threshold, minSize } = parameters;
  const { maxSizeFraction, excludeOnEdges } = parameters;
  const { count, boxes, ...found } = await core.labelComponentsByBand(stored, {
    threshold,
    maxSizeFraction,
    minSize: Math.max(minSize, 0),
    excludeOnEdges,
    ...(slabRows === undefined ? {} : { slabRows }),
  });
  if (count > 0) return { count, boxes };
  const emptyReason = found.components === 0
    ? explainNoPixel(threshold)
    : explainDropped(found);
  return { count, boxes, emptyReason };
}

function explainNoPixel(threshold: number): string {
  return `No pixel has a logit above ${threshold}; lower cellprobThreshold, or choose another foregroundClass`;
}

function explainDropped(
  { components, tooLarge, tooSmall }: Pick<
    BandComponents,
    "components" | "tooLarge" | "tooSmall"
  >,
): string {
  return `All ${components} components were dropped: ${tooLarge} larger than maxSizeFraction, ${tooSmall} smaller than minSize, ${
    components - tooLarge - tooSmall
  } at an edge; ${
    tooLarge > 0 ? "if cells touch, take the watershed" : "lower minSize"
  }`;
}
