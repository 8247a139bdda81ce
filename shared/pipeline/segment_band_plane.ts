/**
 * One plane in bands, from pixels to cells; read `segment_bands.ts` first.
 *
 * @module
 */
import type { Store } from "../../wasm/mod.ts";
import type { StoreMaker } from "./array_store.ts";
import { type BandPlane, readPlanar } from "./band_rows.ts";
import type { StoredOutput } from "./blend_outputs.ts";
import { FAMILY } from "./families.ts";
import { type FoundMasks, masksOptions } from "./find_masks.ts";
import type { PlaneJob } from "./job.ts";
import { median } from "./median.ts";
import type { SegmentedPlane } from "./plan_job.ts";
import { MAX_INTENSITIES } from "./planes.ts";
import type { PlaneFacts } from "./result.ts";
import type { NormalizedRows } from "./rows.ts";
import { runNetwork, runTiles } from "./run_network.ts";
import {
  blendLogitsInto,
  findSemanticByBand,
  foregroundPlanes,
} from "./semantic.ts";
import { sampleSettled } from "./settled.ts";
import { startClock } from "./timings.ts";
import { judgeInput, judgeMasks, judgePixels } from "./warnings.ts";

/** One plane, in stores that must outlive it. */
export interface BandPlaneResult extends PlaneFacts {
  /** H×W u32 */
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  /** Boxes of the cells, as the core's `computeMasksByBand` gives them. */
  readonly boxes: Int32Array;
  /** Flows at unit scale, and cellprob. */
  readonly output: StoredOutput;
  /** False where the network tells classes: there is cellprob alone. */
  readonly hasFlows: boolean;
}

/** The job of a plane. */
export interface BandJob extends PlaneJob {
  readonly normalized: NormalizedRows;
  readonly stores: StoreMaker;
  /** Rows of a band; default by the width. */
  readonly bandRows: number | undefined;
  /** Where tiles are counted. */
  readonly shared: PlaneJob;
}

/** Segment one plane; the job's times and counts go on. */
export async function segmentBandPlane(
  plane: BandPlane,
  job: BandJob,
): Promise<SegmentedPlane<BandPlaneResult>> {
  const { core, scale, stores, normalized } = job;
  const { size, channels } = plane;
  const pixels = size.height * size.width;
  const hasFlows = FAMILY[job.encoders[0].model.family].output === "flows";
  const output = hasFlows
    ? await runNetwork(normalized.source, job.shared, (size) => ({
      store: stores.createFloats(3 * size.height * size.width),
      size,
    }))
    : await runSemantic(job, { size, pixels });

  const clock = startClock(job.timings);
  const masks = stores.createLabels(pixels);
  const { count, boxes, emptyReason } = hasFlows
    ? await findByFlows(job, { output, masks })
    : await findSemanticByBand(
      core,
      { logit: output.store, at: 2 * pixels, size, masks },
      job.parameters,
      job.bandRows,
    );
  const settled = hasFlows && count > 0
    ? await sampleSettled(core, output, masksOptions(job.parameters))
    : undefined;
  clock("masks");

  const rows = (from: number, to: number) =>
    readPlanar(core, plane, from, to - from);
  const cells = await core.measureStored(
    { masks, size, count, boxes, bandRows: job.bandRows },
    channels * pixels > MAX_INTENSITIES ? undefined : { channels, rows },
  );
  clock("measure");

  const empty = emptyReason === undefined ? {} : { emptyReason };
  const warnings = [
    ...judgeInput(normalized.ranges, plane.isInteger),
    ...judgeMasks({
      count,
      ...empty,
      pixels,
      covered: cells.area.reduce((sum, area) => sum + area, 0),
      diameter: median([...cells.diameter]),
      scale: scale.scale,
      range: job.range,
      settled,
    }),
    ...judgePixels(normalized),
  ];
  const result = {
    masks,
    boxes,
    output,
    hasFlows,
    count,
    size,
    cells,
    ...empty,
  };
  return { result, warnings, settled };
}

/** Logits are where an output has its cellprob; its flows are never written. */
async function runSemantic(
  { core, encoders: [{ model }], normalized, stores, shared }: BandJob,
  { size, pixels }: { size: BandPlane["size"]; pixels: number },
): Promise<StoredOutput> {
  const { foregroundClass } = shared.parameters;
  const store = stores.createFloats(3 * pixels);
  await runTiles(normalized.source, shared, {
    foreground: foregroundPlanes(model, foregroundClass),
    blend: (tiles, onTile) =>
      blendLogitsInto(core, shared.plan, {
        tiles,
        classes: model.outputs,
        foregroundClass,
        onTile,
        store,
        at: 2 * pixels,
      }),
  });
  return { store, size };
}

function findByFlows(
  { core, parameters, stores, bandRows }: BandJob,
  { output: { store, size }, masks }: {
    readonly output: StoredOutput;
    readonly masks: BandPlaneResult["masks"];
  },
): Promise<Pick<FoundMasks, "count" | "emptyReason"> & { boxes: Int32Array }> {
  return core.computeMasksByBand({
    output: store,
    size,
    masks,
    createScratch: () => stores.createLabels(size.height * size.width),
  }, {
    ...masksOptions(parameters),
    excludeOnEdges: parameters.excludeOnEdges,
    ...(bandRows === undefined ? {} : { slabRows: bandRows }),
  });
}
