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
import { chooseChannels } from "./channels.ts";
import { checkModels } from "./check_models.ts";
import { estimateWhereNeeded } from "./estimate_size.ts";
import type { SegmentDeps, SegmentInput } from "./job.ts";
import { planJob, runPlanes } from "./plan_job.ts";
import { layOutPlanes } from "./planes.ts";
import type { SegmentResult } from "./result.ts";
import { type NormalizedRows, normalizeRows } from "./rows.ts";
import { segmentPlane } from "./segment_plane.ts";

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
  const [encoder] = deps.encoders;
  checkModels(deps.encoders, parameters);
  const planes = layOutPlanes(input);
  const [{ size, channels }] = planes;
  const image = { ...input, size, channels, depth: planes.length };
  const chosen = chooseChannels(image, encoder.model, parameters.channels);
  const normalize = (z: number) =>
    normalizeRows(deps.core, planes[z], chosen.sources, parameters);
  // an image is normalized once; of a stack no plane is kept
  let whole: NormalizedRows | undefined;
  const open = (z: number) =>
    planes.length > 1 ? normalize(z) : whole ??= normalize(z);
  const estimate = await estimateWhereNeeded({
    depth: planes.length,
    open: (z) => open(z).source,
  }, { ...deps, encoder, parameters });
  const job = planJob(image, parameters, {
    ...deps,
    sources: chosen.sources,
    start,
    ...(planes.length > 1 ? { onOutput: undefined } : {}),
    ...(estimate ? { diameter: estimate.diameter } : {}),
  });
  return await runPlanes(job, image, {
    warnings: [...chosen.warnings, ...estimate?.warnings ?? []],
    run: (z) => segmentPlane(planes[z], job, () => open(z)),
  });
}
