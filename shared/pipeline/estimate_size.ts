/**
 * The diameter of an image's cells, by the model's own size model.
 *
 *   network at the training cells' diameter → style → first diameter
 *     → network at that diameter → masks → their median diameter
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import { type Core, type MasksOptions, planTiles } from "../../wasm/mod.ts";
import { blendOutputs, type NetworkOutput } from "./blend_outputs.ts";
import { type EncodedTile, encodeTiles, startFacts } from "./encode_tiles.ts";
import type { Encoder } from "./encoder.ts";
import { estimateBySteps } from "./estimate_steps.ts";
import { FAMILY } from "./families.ts";
import { resizedRows } from "./resized_rows.ts";
import type { RowSource } from "./rows.ts";
import { decideScale } from "./scale.ts";
import type { Warning } from "./warnings.ts";

/** The passes' own: what their peer calls its network with. */
const PASS = { tileOverlap: 0.1, augment: false } as const;

/** Steps, thresholds and sizes of the second pass. */
const MASKS = {
  niter: 200,
  cellprobThreshold: 0,
  flowThreshold: 0.4,
  maxSizeFraction: 0.4,
} as const;
const MIN_SIZE = 15;

/** Larger outputs are tracked in slabs, with interpolation. */
const SLAB_PIXELS = 2 ** 24;

/** What is needed to estimate. */
export interface EstimateJob {
  readonly core: Core;
  /** One with `estimateDiameter`. */
  readonly encoder: Encoder;
  readonly parameters: SegmentParameters;
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A diameter, pixels, and how it came about. */
export interface SizeEstimate {
  /** Median of the cells that the second pass found, or the model's own. */
  readonly diameter: number;
  /** From the style alone. */
  readonly styleDiameter: number;
  /** False where the second pass found no cell to measure. */
  readonly isMeasured: boolean;
}

/** The planes of an image. */
export interface EstimateInput {
  readonly depth: number;
  /** A plane, normalized. */
  readonly open: (plane: number) => RowSource | Promise<RowSource>;
  /** Edge of the middle of a plane that a size model sees; default: all. */
  readonly maxEdge?: number;
}

/**
 * Estimate the diameter of an image, where it is left to the model and that
 * can; a stack's on its middle plane.
 *
 * @returns  the diameter and what to tell of it; `undefined`: not estimated
 */
export async function estimateWhereNeeded(
  { depth, open, maxEdge = Infinity }: EstimateInput,
  job: EstimateJob,
): Promise<{ diameter: number; warnings: Warning[] } | undefined> {
  const { diameter, diameterUm } = job.parameters;
  const isLeft = !diameter && diameterUm === null;
  const { model, estimateDiameter } = job.encoder;
  const isStepped = model.tellsDiameter === true;
  if (!isLeft || !isStepped && estimateDiameter === undefined) return undefined;
  const index = depth >> 1;
  const plane = await open(index);
  const source = isStepped ? plane : cropMiddle(plane, maxEdge);
  const estimate = isStepped
    ? { ...await estimateBySteps(plane, job), isMeasured: true }
    : await estimateSize(source, job);
  return {
    diameter: estimate.diameter,
    warnings: judgeEstimate(estimate, {
      index,
      depth,
      isPart: source !== plane,
    }),
  };
}

/**
 * Estimate the diameter of a plane's cells.
 *
 * @param source  the plane, normalized
 * @throws {ModelError} if the network gives no style
 *
 * Source: cellpose 3.1 `SizeModel.eval`.
 * Differs: the second pass of outputs above 16 Mpx samples flows by
 * interpolation, slab by slab.
 */
export async function estimateSize(
  source: RowSource,
  job: EstimateJob,
): Promise<SizeEstimate> {
  const { core, encoder } = job;

  const styles: Float32Array[] = [];
  for await (const { style } of startPass(source, null, job).tiles) {
    if (style !== undefined) styles.push(style);
  }
  const styleDiameter = await readStyles(styles, job);

  const { plan, tiles } = startPass(source, styleDiameter, job);
  const { outputs } = encoder.model;
  const output = await blendOutputs(core, plan, { tiles, channels: outputs });
  const found = await trackCells(core, output);
  const masks = core.resizeNearest(found, output.size, source.size);
  const cells = core.fillHolesAndRemoveSmall(masks, source.size, {
    minSize: MIN_SIZE,
    parity: true,
  });
  const isMeasured = cells.count > 0;
  const diameter = isMeasured
    ? core.estimateDiameter(cells.masks, source.size).diameter
    : encoder.model.diameter;
  return { diameter, styleDiameter, isMeasured };
}

/** Tell what the result should say of an estimate. */
function judgeEstimate(
  { diameter, isMeasured }: Pick<SizeEstimate, "diameter" | "isMeasured">,
  { index, depth, isPart }: {
    readonly index: number;
    readonly depth: number;
    readonly isPart: boolean;
  },
): Warning[] {
  const warnings: Warning[] = [];
  if (!isMeasured) {
    warnings.push({
      code: "diameter-not-estimated",
      message:
        `The first pass found no cell to measure; ${diameter} is the model's own diameter. Give the diameter`,
    });
  }
  if (depth > 1) {
    warnings.push({
      code: "diameter-of-one-plane",
      message:
        `The diameter of all ${depth} planes is estimated on plane ${index}`,
    });
  }
  if (isPart) {
    warnings.push({
      code: "diameter-of-a-part",
      message:
        "The image is larger than memory: the diameter is estimated on its middle",
    });
  }
  return warnings;
}

/** The middle of a plane, or all of it. */
function cropMiddle(source: RowSource, maxEdge: number): RowSource {
  const { channels, size: { height, width } } = source;
  const size = {
    height: Math.min(height, maxEdge),
    width: Math.min(width, maxEdge),
  };
  if (size.height === height && size.width === width) return source;
  const y = (height - size.height) >> 1;
  const x = (width - size.width) >> 1;
  return {
    channels,
    size,
    async rows(top, count) {
      const band = await source.rows(y + top, count);
      const out = new Float32Array(channels * count * size.width);
      for (let row = 0; row < channels * count; row++) {
        const from = row * width + x;
        out.set(band.subarray(from, from + size.width), row * size.width);
      }
      return out;
    },
  };
}

/** Tiles of the image at a diameter, through the network. */
function startPass(
  source: RowSource,
  diameter: number | null,
  { core, encoder, batchSize, signal }: EstimateJob,
) {
  const { model } = encoder;
  const { size } = decideScale(
    source.size,
    model,
    { diameter, diameterUm: null, niter: null, resample: false },
    null,
  );
  const plan = planTiles(size, {
    ...PASS,
    tileSize: model.tileSize,
    padToTile: FAMILY[model.family].padToTile,
  });
  const tiles: AsyncIterable<EncodedTile> = encodeTiles({
    core,
    encoders: [encoder],
    plan,
    source: resizedRows(core, source, size),
    skipEmptyTiles: false,
    batchSize: batchSize ?? null,
    signal,
  }, startFacts());
  return { plan, tiles };
}

/** The size model takes the direction of the tiles' sum. */
async function readStyles(
  styles: readonly Float32Array[],
  { core, encoder }: EstimateJob,
): Promise<number> {
  if (styles.length === 0 || encoder.estimateDiameter === undefined) {
    throw new ModelError(
      encoder.model.name,
      "gives no style to estimate a diameter from; give the diameter",
    );
  }
  const all = new Float32Array(styles.length * styles[0].length);
  for (const [i, each] of styles.entries()) all.set(each, i * each.length);
  const diameter = await encoder.estimateDiameter(
    core.meanPlanes(all, styles.length),
  );
  return Number.isFinite(diameter) && diameter > 0
    ? diameter
    : encoder.model.diameter;
}

async function trackCells(
  core: Core,
  { flows, cellprob, size }: NetworkOutput,
): Promise<Uint32Array> {
  const options: MasksOptions = {
    ...MASKS,
    parity: true,
    flowCheck: "cell",
    minSize: 0,
    fillHoles: false,
  };
  if (size.height * size.width > SLAB_PIXELS) {
    const slabRows = Math.max(1, Math.floor(SLAB_PIXELS / size.width));
    return (await core.computeMasksBySlab(flows, cellprob, size, {
      ...options,
      convention: "plain",
      slabRows,
    })).masks;
  }
  return core.computeMasks(flows, cellprob, size, {
    ...options,
    convention: "nearest",
  }).masks;
}
