/**
 * One image, from decoded pixels to cells. Read this file first.
 *
 *   choose channels → normalize → scale → cut tiles → encode → blend
 *     → scale back → follow flows to masks → measure
 *
 * Networks with a size model run twice before, to find the cells' diameter;
 * of networks that tell classes the last but one step is in `semantic.ts`.
 *
 * The command line, the edge and the worker all call `segment`. It takes an
 * `Encoder` and knows no ONNX runtime, no file and no network.
 *
 * @module
 */
import type { SegmentParameters } from "../schema/parameters.ts";
import { planTiles } from "../../wasm/mod.ts";
import { chooseChannels } from "./channels.ts";
import { checkModels, readRange } from "./check_models.ts";
import { startFacts } from "./encode_tiles.ts";
import { estimateWhereNeeded } from "./estimate_size.ts";
import { FAMILY } from "./families.ts";
import type { PlaneJob, SegmentDeps, SegmentInput } from "./job.ts";
import { median } from "./median.ts";
import { layOutPlanes } from "./planes.ts";
import type { PlaneResult, SegmentResult } from "./result.ts";
import { decideScale } from "./scale.ts";
import { segmentPlane } from "./segment_plane.ts";
import { startTimings } from "./timings.ts";
import { judgeAxes } from "./warnings.ts";

export type { Progress, SegmentDeps, SegmentInput } from "./job.ts";

/**
 * Segment an image, or each plane of a stack by itself.
 *
 * @param input       an array with named axes, any type, and what the file says
 * @param parameters  `SegmentParameters.parse(…)`
 * @param deps        core, models, progress, abort
 * @returns           masks, flows, cells, warnings, times
 * @throws {ArgumentError} naming the parameter that does not fit the image
 * @throws {ModelError} if the models do not fit each other or cannot run
 *
 * Source: cellpose 4.2.1.1 `eval`; for U-Nets 3.1 `eval`.
 * Differs: as the stages do; `parity` makes the masks Cellpose's.
 */
export async function segment(
  input: SegmentInput,
  parameters: SegmentParameters,
  deps: SegmentDeps,
): Promise<SegmentResult> {
  const start = performance.now();
  const { encoders: [{ model, provider }] } = deps;
  checkModels(deps.encoders, parameters);
  const images = layOutPlanes(input);
  const depth = images.length;
  const { size, channels } = images[0];
  const pixelSize = parameters.pixelSize ?? input.pixelSize ?? null;

  const chosen = chooseChannels(
    { ...input, channels },
    model,
    parameters.channels,
  );
  const timings = startTimings();
  const estimate = await estimateWhereNeeded(images, {
    ...deps,
    encoder: deps.encoders[0],
    sources: chosen.sources,
    parameters,
  });
  timings.estimate = performance.now() - start;
  const scale = decideScale(
    size,
    model,
    parameters,
    pixelSize,
    estimate?.diameter,
  );
  const family = FAMILY[model.family];
  const plan = planTiles(scale.size, {
    tileSize: parameters.tileSize ?? model.tileSize,
    tileOverlap: parameters.tileOverlap,
    augment: parameters.augment,
    // edges are padded to multiples of 16, which deep networks cannot halve
    padToTile: family.padToTile || 16 % (model.tileMultiple ?? 1) !== 0,
  });

  const job: PlaneJob = {
    ...deps,
    parameters: {
      ...parameters,
      niter: scale.niter,
      convention: family.convention,
    },
    plan,
    scale,
    sources: chosen.sources,
    range: readRange(model),
    encodeFacts: startFacts(),
    timings,
    tilesDone: 0,
    tilesTotal: depth * plan.tiles.length,
  };
  const warnings = [
    ...judgeAxes(input, depth),
    ...chosen.warnings,
    ...estimate?.warnings ?? [],
  ];
  const planes: PlaneResult[] = [];
  const settled: number[] = [];
  for (const [z, image] of images.entries()) {
    const found = await segmentPlane(image, job);
    planes.push(found.result);
    if (found.settled !== undefined) settled.push(found.settled);
    warnings.push(
      ...found.warnings.map((each) => depth > 1 ? { ...each, plane: z } : each),
    );
  }

  job.timings.total = performance.now() - start;
  const { skippedTiles, batchSize, batchHalvings } = job.encodeFacts;
  const { diameter, diameterFrom, niter } = scale;
  return {
    planes,
    size,
    count: planes.reduce((sum, plane) => sum + plane.count, 0),
    warnings,
    facts: {
      diameter,
      diameterFrom,
      medianDiameter: median(planes.flatMap((p) => [...p.cells.diameter])),
      niter,
      scale: scale.scale,
      axes: input.axes,
      axesInferred: input.axesInferred ?? false,
      pixelSize,
      tiles: job.tilesTotal,
      skippedTiles,
      ...(settled.length > 0
        ? { settled: settled.reduce((a, b) => a + b) / settled.length }
        : {}),
    },
    run: { provider, batchSize, batchHalvings, timings: job.timings },
  };
}
