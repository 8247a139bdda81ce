/**
 * The core: flows, masks, images, metrics and shapes over typed arrays.
 *
 * ```ts
 * const core = await loadCore();
 * const { masks, count } = core.computeMasks(flows, cellprob, { height, width });
 * ```
 *
 * A core is one instance of the module. It keeps nothing between calls, so a
 * core a worker is all that parallel work needs.
 *
 * @module
 */
import { Arena } from "./arena.ts";
import { bandMasks } from "./band_masks.ts";
import { bandRegions } from "./band_regions.ts";
import { bandSemantic } from "./band_semantic.ts";
import { clean } from "./clean.ts";
import { cluster } from "./cluster.ts";
import { flows } from "./flows.ts";
import { masks } from "./masks.ts";
import { centroid } from "./centroid.ts";
import { dbscan } from "./dbscan.ts";
import { prompts } from "./prompts.ts";
import { semantic } from "./semantic.ts";
import { stitch } from "./stitch.ts";
import { stitchBlocks } from "./stitch_blocks.ts";
import { crops } from "./crops.ts";
import { compileCore, type CoreSource } from "./load.ts";
import { type CorePool, createPool, type PoolOptions } from "./pool.ts";
import { metrics } from "./metrics.ts";
import { blending } from "./blend.ts";
import { images } from "./images.ts";
import { integerPercentiles } from "./integer_percentiles.ts";
import { shapes } from "./shapes.ts";
import { normalization } from "./normalize.ts";
import { resizing } from "./resize.ts";
export { rowsForResize } from "./resize.ts";
import { tiles } from "./tiles.ts";
import { tuning } from "./tuner.ts";

export * from "../shared/errors.ts";
export type {
  EdgeOptions,
  FillOptions,
  LabelResult,
  RelabelOptions,
  SplitOptions,
} from "./clean.ts";
export type { BoundaryOptions, BoundaryScore } from "./boundary.ts";
export type { CellGroup, ErrorKinds } from "./error_kinds.ts";
export type { MaskMatch, MaskScores, ScoreOptions } from "./metrics.ts";
export type { OverlapTable } from "./overlap.ts";
export {
  poolPrecision,
  type Precision,
  type PrecisionOptions,
} from "./precision.ts";
export type {
  AggregatedJaccard,
  JaccardKind,
  PanopticQuality,
} from "./scores.ts";
export type { ClusterOptions } from "./cluster.ts";
export type { CorePool, PoolOptions } from "./pool.ts";
export type { BandMasks, StoredFlows } from "./band_masks.ts";
export type { StoredBand, StoredMasks } from "./band_regions.ts";
export type {
  BandComponents,
  ComponentOptions,
  StoredLogit,
} from "./band_semantic.ts";
export type { BandOptions } from "./band_plan.ts";
export type { SlabOptions } from "./slab_plan.ts";
export type { Store, Stored } from "./store.ts";
export type { Tuner } from "./tuner.ts";
export { createPace, takeTurns } from "./turns.ts";
export type { SizeBins, SizeRecall } from "./size_recall.ts";
export type {
  BlockOptions,
  BlockStitcher,
  SeamSide,
  StitchedBlocks,
} from "./stitch_blocks.ts";
export type { StitchOptions } from "./stitch.ts";
export type { LabelArray, Size, Size2D, Size3D } from "../shared/ndarray.ts";
export type { Band, Blender, BlendOptions } from "./blend.ts";
export type { CropLook, CropWindow } from "./crops.ts";
export type { ImageArray, ImageSize } from "./image_size.ts";
export type { NormalizedImage } from "./normalize.ts";
export type {
  NormalizeOptions,
  SmoothOptions,
  ValueRange,
} from "./normalize_options.ts";
export { planTiles } from "./tile_plan.ts";
export type { ContourOptions, Contours } from "./contours.ts";
export type {
  Intensity,
  RegionOptions,
  Regions,
  RegionShapes,
} from "./regions.ts";
export type { Diameters } from "./shapes.ts";
export type { PaintedCell, PlaceOptions } from "./prompts.ts";
export type { ThresholdOptions, WatershedOptions } from "./semantic.ts";
export type { Tile, TileOptions, TilePlan } from "./tile_plan.ts";
export type { FlipOptions } from "./tiles.ts";

export type { FlowErrors, LabelFlowsOptions } from "./flows.ts";
export type {
  Confidence,
  Convention,
  FollowOptions,
  Masks,
  MasksOptions,
  Points,
  Settled,
} from "./settings.ts";

/** The module beside this package. */
const BESIDE = new URL("./dist/core.wasm", import.meta.url);

/** Everything the core does; one instance, its own memory. */
export type Core = ReturnType<typeof createCore>;

/**
 * Load and instantiate the core.
 *
 * @param source  where `core.wasm` is; by default beside this package
 */
export async function loadCore(source: CoreSource = BESIDE): Promise<Core> {
  return createCore(await compileCore(source));
}

/**
 * Start several cores that compute the masks of one large image together.
 *
 * @param options  workers (default: the processors there are), and where
 *                 `core.wasm` is
 */
export function loadPool(
  options: Partial<PoolOptions> = {},
): Promise<CorePool> {
  return createPool({ source: BESIDE, ...options });
}

/** Instantiate a compiled module; share the module, not the core. */
export function createCore(module: WebAssembly.Module) {
  const arena = new Arena(module);
  return {
    /** The compiled module, to be posted to workers. */
    module,
    /** Bytes of linear memory held now. */
    memoryBytes: () => arena.bytes,
    ...flows(arena),
    ...masks(arena),
    ...tuning(arena),
    ...bandMasks(arena),
    ...bandRegions(arena),
    ...bandSemantic(arena),
    ...cluster(arena),
    ...clean(arena),
    ...metrics(arena),
    ...centroid(arena),
    ...dbscan(arena),
    ...images(arena),
    ...integerPercentiles(arena),
    ...shapes(arena),
    ...normalization(arena),
    ...resizing(arena),
    ...tiles(arena),
    ...blending(arena),
    ...semantic(arena),
    ...crops(arena),
    ...prompts(arena),
    ...stitch(arena),
    ...stitchBlocks(arena),
  };
}
