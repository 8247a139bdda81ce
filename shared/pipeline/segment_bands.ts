/**
 * `segment` for an image larger than memory: its file is read in bands of
 * rows, network outputs and masks are in stores. The masks are those of
 * `segment`, bit for bit.
 *
 *   measure percentiles → [read a row of tiles → normalize → scale → encode
 *     → blend → store] … → scale back → masks by bands → measure by bands
 *
 * What becomes of a plane is in `segment_band_plane.ts`.
 *
 * Memory grows with the image's width and its number of cells only.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { StoreMaker } from "./array_store.ts";
import { type BandPlane, normalizeBands } from "./band_rows.ts";
import { isSameSize } from "./blend_outputs.ts";
import { chooseChannels } from "./channels.ts";
import { checkModels } from "./check_models.ts";
import { estimateWhereNeeded } from "./estimate_size.ts";
import { FAMILY } from "./families.ts";
import type { SegmentDeps } from "./job.ts";
import { type ImageFacts, planJob, runPlanes } from "./plan_job.ts";
import type { NamedArray } from "./planes.ts";
import type { SegmentResult } from "./result.ts";
import { isFiltered, type NormalizedRows } from "./rows.ts";
import {
  type BandPlaneResult,
  segmentBandPlane,
} from "./segment_band_plane.ts";
import { startClock } from "./timings.ts";

export type { BandPlaneResult } from "./segment_band_plane.ts";

/** Edge of what a size model sees of an image, pixels. */
const ESTIMATE_EDGE = 1024;

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

/**
 * Segment an image in bands.
 *
 * @throws {ArgumentError} as `segment`, and for parameters that need the whole
 *   image: `resample` off, smoothing, tile normalization, the watershed
 * @throws {ModelError} as `segment`
 *
 * Source: as `segment`.
 * Differs: a size model sees the middle of an image of more than 1024 pixels an
 * edge.
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
  const { size, channels, isInteger } = input;
  const planeOf = (z: number): BandPlane => ({
    size,
    channels,
    isInteger,
    readBand: (top, count) => input.readBand(z, top, count),
  });
  // the plane that the diameter is estimated on need not be measured again
  let known: { plane: number; normalized: NormalizedRows } | undefined;
  const estimate = await estimateWhereNeeded({
    depth: input.depth,
    maxEdge: ESTIMATE_EDGE,
    async open(plane) {
      const { core } = deps;
      const normalized = await normalizeBands(
        core,
        planeOf(plane),
        sources,
        parameters,
      );
      known = { plane, normalized };
      return normalized.source;
    },
  }, { ...deps, encoder: deps.encoders[0], parameters });
  const job = planJob(input, parameters, {
    ...deps,
    sources,
    start,
    ...(estimate ? { diameter: estimate.diameter } : {}),
  });
  if (!parameters.resample && !isSameSize(job.plan.size, input.size)) {
    throw refuse("resample", "masks at the network's size");
  }
  return await runPlanes(job, input, {
    warnings: [...chosen.warnings, ...estimate?.warnings ?? []],
    run: async (z) => {
      const clock = startClock(job.timings);
      const normalized = known?.plane === z
        ? known.normalized
        : await normalizeBands(deps.core, planeOf(z), sources, parameters);
      clock("normalize");
      return await segmentBandPlane(planeOf(z), {
        ...job,
        normalized,
        stores,
        bandRows,
        shared: job,
      });
    },
  });
}

/**
 * Check what bands cannot do.
 *
 * @throws {ArgumentError} naming it
 */
export function checkBands(
  { encoders: [encoder] }: Pick<SegmentDeps, "encoders">,
  parameters: SegmentParameters,
): void {
  const { normalize, semanticMethod } = parameters;
  const { output } = FAMILY[encoder.model.family];
  if (output === "semantic" && semanticMethod === "watershed") {
    // basins reach as far as the cells that touch
    throw refuse("semanticMethod", "a watershed");
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
