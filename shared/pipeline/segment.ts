/**
 * One image, from decoded pixels to cells. Read this file first.
 *
 *   choose channels → normalize → scale → cut tiles → encode → blend
 *     → scale back → follow flows to masks → measure
 *
 * The command line, the edge and the worker all call `segment`. It takes an
 * `Encoder` and knows no ONNX runtime, no file and no network.
 *
 * @module
 */
import { ArgumentError, ModelError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import { type Core, planTiles } from "../../wasm/mod.ts";
import { blendOutputs, resizeOutput } from "./blend_outputs.ts";
import { type ChannelSource, chooseChannels } from "./channels.ts";
import { encodeTiles, startFacts } from "./encode_tiles.ts";
import type { Encoder } from "./encoder.ts";
import { FAMILY } from "./families.ts";
import { findMasks } from "./find_masks.ts";
import {
  layOutPlanes,
  type NamedArray,
  type Plane,
  readRows,
} from "./planes.ts";
import type { PlaneResult, SegmentResult, Timings } from "./result.ts";
import { normalizeRows, resizedRows } from "./rows.ts";
import { decideScale } from "./scale.ts";
import { judgeInput, judgeMasks, type Warning } from "./warnings.ts";

/** Intensities are measured up to this many values; they are f32 meanwhile. */
const MAX_INTENSITIES = 2 ** 24;

/** Diameters that Cellpose's networks know, for the one they were made for. */
const KNOWN_RANGE = [0.25, 4] as const;

/** A decoded image and what its file says of it. */
export interface SegmentInput extends NamedArray {
  /** The axes are a guess from the shape. */
  readonly axesInferred?: boolean;
  /** One a channel, where the file tells. */
  readonly channelNames?: readonly string[];
  /** µm a pixel, where the file tells. */
  readonly pixelSize?: number;
  /** What decoding warned of. */
  readonly fileWarnings?: readonly string[];
}

/** How far a segmentation is. */
export interface Progress {
  /** Tiles done, of all planes. */
  readonly done: number;
  readonly total: number;
}

/** What runs a segmentation. */
export interface SegmentDeps {
  readonly core: Core;
  /** One model, or several whose outputs are averaged. */
  readonly encoders: readonly Encoder[];
  /** Tiles at a time; default: measured. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

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
  const scale = decideScale(size, model, parameters, pixelSize);
  const family = FAMILY[model.family];
  const plan = planTiles(scale.size, {
    tileSize: parameters.tileSize ?? model.tileSize,
    tileOverlap: parameters.tileOverlap,
    augment: parameters.augment,
    padToTile: family.padToTile,
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
    timings: startTimings(),
    tilesDone: 0,
    tilesTotal: depth * plan.tiles.length,
  };
  const warnings = [...judgeAxes(input, depth), ...chosen.warnings];
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

/** What all planes of an image share. */
interface PlaneJob extends SegmentDeps {
  readonly parameters: Parameters<typeof findMasks>[3];
  readonly plan: ReturnType<typeof planTiles>;
  readonly scale: ReturnType<typeof decideScale>;
  readonly sources: readonly ChannelSource[];
  readonly range: readonly [number, number];
  readonly encodeFacts: ReturnType<typeof startFacts>;
  readonly timings: Timings;
  tilesDone: number;
  readonly tilesTotal: number;
}

async function segmentPlane(plane: Plane, job: PlaneJob) {
  const { core, encoders, parameters, plan, scale, timings } = job;
  const clock = startClock(timings);

  const normalized = normalizeRows(core, plane, job.sources, parameters);
  const source = resizedRows(core, normalized.source, scale.size);
  clock("normalize");

  const before = { ...job.encodeFacts };
  const tiles = encodeTiles({
    core,
    encoders,
    plan,
    source,
    skipEmptyTiles: parameters.skipEmptyTiles,
    batchSize: job.batchSize ?? null,
    signal: job.signal,
  }, job.encodeFacts);
  const networkOutput = await blendOutputs(core, plan, {
    tiles,
    channels: encoders[0].model.outputs,
    onTile: (_, milliseconds) => {
      timings.blend += milliseconds;
      job.onProgress?.({ done: ++job.tilesDone, total: job.tilesTotal });
    },
  });
  timings.encode += job.encodeFacts.encodeMs - before.encodeMs;
  timings.cut += job.encodeFacts.cutMs - before.cutMs;
  clock();

  const output = parameters.resample
    ? resizeOutput(core, networkOutput, plane.size)
    : networkOutput;
  clock("resize");

  const found = await findMasks(core, output, plane.size, parameters);
  clock("masks");

  const cells = measure(core, plane, found.masks);
  clock("measure");

  const warnings: Warning[] = [
    ...judgeInput(normalized.ranges, plane.data),
    ...judgeMasks({
      ...found,
      pixels: found.masks.length,
      covered: cells.area.reduce((sum, area) => sum + area, 0),
      diameter: median([...cells.diameter]),
      scale: scale.scale,
      range: job.range,
    }),
  ];
  if (normalized.replacedPixels > 0) {
    warnings.push({
      code: "non-finite-pixels",
      message:
        `${normalized.replacedPixels} NaN or infinite pixels count as the smallest value`,
    });
  }
  const { masks, count, emptyReason } = found;
  const result: PlaneResult = {
    masks,
    count,
    size: plane.size,
    flows: output.flows,
    cellprob: output.cellprob,
    flowsSize: output.size,
    cells,
    ...(emptyReason === undefined ? {} : { emptyReason }),
  };
  return { result, warnings, settled: found.settled };
}

/** Measure the cells, and their intensities in images that are not huge. */
function measure(core: Core, plane: Plane, masks: Uint32Array) {
  const { size, channels } = plane;
  const values = channels * size.height * size.width;
  if (values > MAX_INTENSITIES) return core.measureRegions(masks, size);
  const image = readRows(core, plane, 0, size.height);
  return core.measureRegions(masks, size, { image, channels });
}

function checkModels(
  encoders: readonly Encoder[],
  { tileSize }: SegmentParameters,
): void {
  if (encoders.length === 0) {
    throw new ArgumentError("encoders", "is empty; give a model");
  }
  const [{ model: first }] = encoders;
  const family = FAMILY[first.family];
  if (family.output !== "flows") {
    throw new ModelError(
      first.name,
      `is of family ${first.family}, which gives no flows; segment takes Cellpose's families`,
    );
  }
  if (first.outputs < 3) {
    throw new ModelError(
      first.name,
      `gives ${first.outputs} planes; dY, dX and cellprob are needed`,
    );
  }
  if (family.isTileFixed && (tileSize ?? first.tileSize) !== first.tileSize) {
    throw new ArgumentError(
      "tileSize",
      `is ${tileSize}; ${first.name} takes tiles of ${first.tileSize} only`,
    );
  }
  if (tileSize !== null && tileSize % (first.tileMultiple ?? 1) !== 0) {
    throw new ArgumentError(
      "tileSize",
      `is ${tileSize}; ${first.name} takes multiples of ${first.tileMultiple}`,
    );
  }
  for (const { model } of encoders.slice(1)) {
    const isAlike = (["channels", "outputs", "tileSize", "diameter"] as const)
      .every((name) => model[name] === first[name]);
    if (!isAlike || model.family !== first.family) {
      throw new ModelError(
        model.name,
        `cannot be averaged with ${first.name}: family, channels, outputs, tile and diameter must be the same`,
      );
    }
  }
}

function judgeAxes(input: SegmentInput, depth: number): Warning[] {
  const warnings: Warning[] = [];
  if (input.axesInferred) {
    warnings.push({
      code: "axes-inferred",
      message:
        `The file does not tell its axes; taken for ${input.axes}. Give axes if they are others`,
    });
  }
  for (const message of input.fileWarnings ?? []) {
    // told with a code of its own
    if (/inferred from the shape/.test(message)) continue;
    warnings.push({ code: "file", message });
  }
  if (depth > 1) {
    warnings.push({
      code: "planes-separate",
      message:
        `${depth} planes are segmented in 2-D, each by itself; labels are not linked between them`,
    });
  }
  return warnings;
}

function readRange(model: Encoder["model"]): readonly [number, number] {
  return model.diameterRange ??
    [KNOWN_RANGE[0] * model.diameter, KNOWN_RANGE[1] * model.diameter];
}

function median(values: number[]): number {
  if (values.length === 0) return 0;
  values.sort((a, b) => a - b);
  const half = values.length >> 1;
  return values.length % 2 === 1
    ? values[half]
    : (values[half - 1] + values[half]) / 2;
}

function startTimings(): Timings {
  return {
    normalize: 0,
    cut: 0,
    encode: 0,
    blend: 0,
    resize: 0,
    masks: 0,
    measure: 0,
    total: 0,
  };
}

/** Adds the time since the last call to a stage; without one, drops it. */
function startClock(timings: Timings) {
  let last = performance.now();
  return (stage?: keyof Timings) => {
    const now = performance.now();
    if (stage !== undefined) timings[stage] += now - last;
    last = now;
  };
}
