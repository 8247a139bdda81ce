/**
 * `segment` for an image larger than memory: its file is read in bands of
 * rows, network outputs and masks are in stores. The masks are those of
 * `segment`, bit for bit.
 *
 *   measure percentiles → [read a row of tiles → normalize → scale → encode
 *     → blend → store] … → scale back → masks by bands → measure by bands
 *
 * Memory grows with the image's width and its number of cells only.
 *
 * @module
 */
import { ArgumentError, ModelError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Store } from "../../wasm/mod.ts";
import type { StoreMaker } from "./array_store.ts";
import { type BandPlane, normalizeBands, readPlanar } from "./band_rows.ts";
import { isSameSize, type StoredOutput } from "./blend_outputs.ts";
import { chooseChannels } from "./channels.ts";
import { checkModels } from "./check_models.ts";
import { FAMILY } from "./families.ts";
import { masksOptions } from "./find_masks.ts";
import type { PlaneJob, SegmentDeps } from "./job.ts";
import { median } from "./median.ts";
import {
  type ImageFacts,
  planJob,
  runPlanes,
  type SegmentedPlane,
} from "./plan_job.ts";
import { MAX_INTENSITIES, type NamedArray } from "./planes.ts";
import type { PlaneFacts, SegmentResult } from "./result.ts";
import { isFiltered } from "./rows.ts";
import { runNetwork } from "./run_network.ts";
import { startClock } from "./timings.ts";
import { judgeInput, judgeMasks, judgePixels } from "./warnings.ts";

/** An image in a file. */
export interface BandInput extends ImageFacts {
  readonly isInteger: boolean;
  /** Rows of all channels of a plane: axes CYX, YXC or YX. */
  readonly readBand: (
    plane: number,
    top: number,
    count: number,
  ) => Promise<NamedArray>;
}

/** What runs it. */
export interface BandDeps extends SegmentDeps {
  /** Where outputs and masks are kept: 24 bytes a pixel, more where scaled. */
  readonly stores: StoreMaker;
  /** Rows of a band while masks are found; default by the width. */
  readonly bandRows?: number;
}

/** One plane, in stores that must outlive it. */
export interface BandPlaneResult extends PlaneFacts {
  /** H×W u32 */
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  /** Boxes of the cells, as the core's `computeMasksByBand` gives them. */
  readonly boxes: Int32Array;
  /** Flows at unit scale, and cellprob. */
  readonly output: StoredOutput;
}

/**
 * Segment an image in bands.
 *
 * @throws {ArgumentError} as `segment`, and for parameters that need the whole
 *   image: `resample` off, smoothing, tile normalization, an estimated diameter
 * @throws {ModelError} as `segment`, and for networks that give no flows
 *
 * Source: as `segment`. Differs: nothing; `settled` is not measured.
 */
export async function segmentBands(
  input: BandInput,
  parameters: SegmentParameters,
  { stores, bandRows, ...deps }: BandDeps,
): Promise<SegmentResult<BandPlaneResult>> {
  const start = performance.now();
  const [{ model }] = deps.encoders;
  checkModels(deps.encoders, parameters);
  checkBands(deps, parameters);
  const chosen = chooseChannels(input, model, parameters.channels);
  const { sources } = chosen;
  const job = planJob(input, parameters, { ...deps, sources, start });
  if (!parameters.resample && !isSameSize(job.plan.size, input.size)) {
    throw refuse("resample", "masks at the network's size");
  }
  const { size, channels, isInteger } = input;
  return await runPlanes(job, input, {
    warnings: chosen.warnings,
    run: (z) =>
      segmentPlane({
        size,
        channels,
        isInteger,
        readBand: (top, count) => input.readBand(z, top, count),
      }, { ...job, stores, bandRows, shared: job }),
  });
}

/**
 * Check what bands cannot do.
 *
 * @throws {ArgumentError | ModelError} naming it
 */
export function checkBands(
  { encoders: [encoder] }: Pick<SegmentDeps, "encoders">,
  parameters: SegmentParameters,
): void {
  const { diameter, diameterUm, normalize } = parameters;
  if (FAMILY[encoder.model.family].output !== "flows") {
    throw new ModelError(
      encoder.model.name,
      `is of family ${encoder.model.family}, whose cells are not found in bands; raise the memory budget`,
    );
  }
  const isLeft = !diameter && diameterUm === null;
  if (isLeft && encoder.estimateDiameter !== undefined) {
    throw refuse("diameter", "estimating it");
  }
  if (normalize && isFiltered(parameters)) {
    const name = (["smoothRadius", "sharpenRadius"] as const)
      .find((each) => parameters[each] > 0) ?? "tileNormBlocksize";
    throw refuse(name, "filtering before the percentiles");
  }
}

function refuse(parameter: string, what: string): ArgumentError {
  return new ArgumentError(
    parameter,
    `${what} needs the image in memory; give another value, or raise the memory budget`,
  );
}

interface BandJob extends PlaneJob {
  readonly stores: StoreMaker;
  readonly bandRows: number | undefined;
  /** Where tiles are counted. */
  readonly shared: PlaneJob;
}

async function segmentPlane(
  plane: BandPlane,
  job: BandJob,
): Promise<SegmentedPlane<BandPlaneResult>> {
  const { core, parameters, scale, stores, shared } = job;
  const { size, channels } = plane;
  const pixels = size.height * size.width;
  const clock = startClock(job.timings);

  const normalized = await normalizeBands(
    core,
    plane,
    job.sources,
    parameters,
  );
  clock("normalize");

  const output = await runNetwork(normalized.source, shared, (size) => ({
    store: stores.createFloats(3 * size.height * size.width),
    size,
  }));
  clock();

  const masks = stores.createLabels(pixels);
  const found = await core.computeMasksByBand({
    output: output.store,
    size,
    masks,
    createScratch: () => stores.createLabels(pixels),
  }, {
    ...masksOptions(parameters),
    excludeOnEdges: parameters.excludeOnEdges,
    ...(job.bandRows === undefined ? {} : { slabRows: job.bandRows }),
  });
  clock("masks");

  const { count, boxes, emptyReason } = found;
  const rows = (from: number, to: number) =>
    readPlanar(core, plane, from, to - from);
  const cells = await core.measureStored(
    { masks, size, count, boxes, bandRows: job.bandRows },
    channels * pixels > MAX_INTENSITIES ? undefined : { channels, rows },
  );
  clock("measure");

  const warnings = [
    ...judgeInput(normalized.ranges, plane.isInteger),
    ...judgeMasks({
      count,
      emptyReason,
      pixels,
      covered: cells.area.reduce((sum, area) => sum + area, 0),
      diameter: median([...cells.diameter]),
      scale: scale.scale,
      range: job.range,
    }),
    ...judgePixels(normalized),
  ];
  const result: BandPlaneResult = {
    masks,
    boxes,
    output,
    count,
    size,
    cells,
    ...(emptyReason === undefined ? {} : { emptyReason }),
  };
  return { result, warnings, settled: undefined };
}
