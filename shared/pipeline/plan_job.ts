/**
 * What is decided before any plane is looked at, and what is told of all
 * planes afterwards: the same for images in memory and in bands.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import { planTiles } from "../../wasm/mod.ts";
import type { ChannelSource } from "./channels.ts";
import { readRange } from "./check_models.ts";
import { startFacts } from "./encode_tiles.ts";
import { FAMILY } from "./families.ts";
import type { PlaneJob, SegmentDeps, SegmentInput } from "./job.ts";
import { median } from "./median.ts";
import type { PlaneFacts, SegmentResult } from "./result.ts";
import { capScale, decideScale } from "./scale.ts";
import { startTimings } from "./timings.ts";
import { judgeAxes, type Warning } from "./warnings.ts";

/** An image, its pixels aside. */
export interface ImageFacts extends Omit<SegmentInput, "data"> {
  /** Of a plane. */
  readonly size: Size2D;
  readonly channels: number;
  /** Planes. */
  readonly depth: number;
}

/** What was decided before. */
export interface JobChoices extends SegmentDeps {
  readonly sources: readonly ChannelSource[];
  /** When the work began, of `performance.now()`. */
  readonly start: number;
  /** Diameter by the model's size model, pixels. */
  readonly diameter?: number;
}

/**
 * Decide the scale and the tiles.
 *
 * @throws {ArgumentError} for a diameter or tile that does not fit
 */
export function planJob(
  image: ImageFacts,
  parameters: SegmentParameters,
  { start, diameter, sources, ...deps }: JobChoices,
): PlaneJob {
  const { encoders: [{ model }] } = deps;
  const timings = startTimings();
  timings.estimate = performance.now() - start;
  const pixelSize = parameters.pixelSize ?? image.pixelSize ?? null;
  const wanted = decideScale(
    image.size,
    model,
    parameters,
    pixelSize,
    diameter,
  );
  const { scale, warnings } = capScale(image.size, wanted, {
    maxScale: deps.maxScale ?? Infinity,
    niter: parameters.niter,
  });
  const family = FAMILY[model.family];
  const plan = planTiles(scale.size, {
    tileSize: parameters.tileSize ?? model.tileSize,
    tileOverlap: parameters.tileOverlap,
    augment: parameters.augment,
    // edges are padded to multiples of 16, which deep networks cannot halve
    padToTile: family.padToTile || 16 % (model.tileMultiple ?? 1) !== 0,
  });
  return {
    ...deps,
    parameters: {
      ...parameters,
      niter: scale.niter,
      convention: family.convention,
    },
    plan,
    scale,
    scaleWarnings: warnings,
    sources,
    range: readRange(model),
    encodeFacts: startFacts(),
    start,
    timings,
    tilesDone: 0,
    tilesTotal: image.depth * plan.tiles.length,
  };
}

/** A plane's result, and what all planes' facts are made of. */
export interface SegmentedPlane<P> {
  readonly result: P;
  readonly warnings: readonly Warning[];
  /** Share of the paths that came to rest; absent where not measured. */
  readonly settled: number | undefined;
}

/**
 * Run the planes one after the other, and tell of all.
 *
 * @param warnings  of what was decided before
 * @param run       segments a plane
 */
export async function runPlanes<P extends PlaneFacts>(
  job: PlaneJob,
  image: ImageFacts,
  { warnings: before, run }: {
    readonly warnings: readonly Warning[];
    readonly run: (plane: number) => Promise<SegmentedPlane<P>>;
  },
): Promise<SegmentResult<P>> {
  const warnings = [
    ...judgeAxes(image, image.depth),
    ...before,
    ...job.scaleWarnings,
  ];
  const planes: P[] = [];
  const settled: number[] = [];
  for (let z = 0; z < image.depth; z++) {
    const found = await run(z);
    planes.push(found.result);
    if (found.settled !== undefined) settled.push(found.settled);
    for (const each of found.warnings) {
      warnings.push(image.depth > 1 ? { ...each, plane: z } : each);
    }
  }
  job.timings.total = performance.now() - job.start;

  const { skippedTiles, batchSize, batchHalvings } = job.encodeFacts;
  const { diameter, diameterFrom, niter, scale } = job.scale;
  return {
    planes,
    size: image.size,
    count: planes.reduce((sum, plane) => sum + plane.count, 0),
    warnings,
    facts: {
      diameter,
      diameterFrom,
      medianDiameter: median(planes.flatMap((p) => [...p.cells.diameter])),
      niter,
      scale,
      axes: image.axes,
      axesInferred: image.axesInferred ?? false,
      pixelSize: job.parameters.pixelSize ?? image.pixelSize ?? null,
      tiles: job.tilesTotal,
      skippedTiles,
      ...(settled.length > 0
        ? { settled: settled.reduce((a, b) => a + b) / settled.length }
        : {}),
    },
    run: {
      provider: job.encoders[0].provider,
      batchSize,
      batchHalvings,
      timings: job.timings,
    },
  };
}
