/**
 * One plane, from pixels to cells; read `segment.ts` first.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import { createOutput } from "./blend_outputs.ts";
import { FAMILY } from "./families.ts";
import { findMasks } from "./find_masks.ts";
import type { PlaneJob } from "./job.ts";
import { median } from "./median.ts";
import type { SegmentedPlane } from "./plan_job.ts";
import { isInteger, MAX_INTENSITIES, type Plane, readRows } from "./planes.ts";
import type { PlaneResult } from "./result.ts";
import type { NormalizedRows } from "./rows.ts";
import { runNetwork, runTiles } from "./run_network.ts";
import {
  blendLogits,
  findSemanticMasks,
  foregroundPlanes,
} from "./semantic.ts";
import { startClock } from "./timings.ts";
import {
  judgeInput,
  judgeMasks,
  judgePixels,
  type Warning,
} from "./warnings.ts";

/**
 * Segment one plane; the job's times and counts go on.
 *
 * @param normalize  gives its rows as the network sees them
 */
export async function segmentPlane(
  plane: Plane,
  job: PlaneJob,
  normalize: () => NormalizedRows,
): Promise<SegmentedPlane<PlaneResult>> {
  const { core, encoders: [{ model }], parameters, scale, timings } = job;
  const isSemantic = FAMILY[model.family].output === "semantic";
  const clock = startClock(timings);

  const normalized = normalize();
  clock("normalize");

  const output = isSemantic
    ? await runTiles(normalized.source, job, {
      foreground: foregroundPlanes(model, parameters.foregroundClass),
      blend: (tiles, onTile) =>
        blendLogits(core, job.plan, {
          tiles,
          classes: model.outputs,
          foregroundClass: parameters.foregroundClass,
          onTile,
        }),
    })
    : await runNetwork(normalized.source, job, createOutput);
  if (!isSemantic) await job.onOutput?.(output);
  // what is waited for there is no stage's
  clock();

  const found = isSemantic
    ? findSemanticMasks(core, output.cellprob, plane.size, parameters)
    : await findMasks(core, output, plane.size, {
      ...parameters,
      confidence: job.confidence ?? false,
      settled: true,
    });
  clock("masks");

  const cells = measure(core, plane, found.masks);
  clock("measure");

  const warnings: Warning[] = [
    ...judgeInput(normalized.ranges, isInteger(plane.data)),
    ...judgeMasks({
      ...found,
      pixels: found.masks.length,
      covered: cells.area.reduce((sum, area) => sum + area, 0),
      diameter: median([...cells.diameter]),
      scale: scale.scale,
      range: job.range,
    }),
    ...judgePixels(normalized),
  ];
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
    ...("confidence" in found && found.confidence
      ? { confidence: found.confidence }
      : {}),
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
