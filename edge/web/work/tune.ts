/**
 * Masks again with other parameters, from outputs of networks that are kept:
 * what a change leaves as it was is not computed again.
 *
 * @module
 */
import { FAMILY } from "../../../shared/pipeline/families.ts";
import {
  findMasks,
  masksOptions,
} from "../../../shared/pipeline/find_masks.ts";
import type { SegmentParameters } from "../../../shared/schema/parameters.ts";
import type { Core, Tuner } from "../../../wasm/mod.ts";
import { pack, type PackedLabels, summarize } from "../edit/packed.ts";
import { openCore } from "./core.ts";
import { findNetwork, type Network } from "./networks.ts";

/** What masks are computed with here. */
export interface TuneParameters {
  readonly parameters: SegmentParameters;
  /** How end points become cells. */
  readonly method: "peaks" | "dbscan";
  /** Of "dbscan", pixels. */
  readonly eps: number;
}

/** What tuning gives. */
export interface Tuned extends PackedLabels {
  /** Of label k + 1. */
  readonly confidence?: Float32Array;
  readonly emptyReason?: string;
  readonly ms: number;
}

/** Larger outputs are computed in slabs: nothing of them is kept. */
const MAX_PIXELS = 2 ** 25;

/** The last tuner; each holds tens of bytes a pixel. */
let held: { readonly network: Network; readonly tuner: Tuner } | undefined;

/** Masks of a kept output: bit for bit those of the service. */
export async function tune(
  { id, parameters, method, eps, confidence }:
    & { id: string; confidence: boolean }
    & TuneParameters,
): Promise<Tuned> {
  const core = await openCore();
  const network = findNetwork(id);
  const { flows, cellprob, flowsSize, size, family } = network;
  const start = performance.now();
  const settings = {
    ...parameters,
    niter: decideNiter(network, parameters),
    convention: FAMILY[family].convention,
    confidence,
  };
  if (method === "peaks") {
    const output = { flows, cellprob, size: flowsSize };
    const isKept = flowsSize.height * flowsSize.width <= MAX_PIXELS;
    const found = await findMasks(
      isKept ? replaceMasks(core, await tunerOf(network)) : core,
      output,
      size,
      settings,
    );
    return {
      ...summarize(pack(found.masks)),
      ...(found.confidence ? { confidence: found.confidence } : {}),
      ...(found.emptyReason === undefined
        ? {}
        : { emptyReason: found.emptyReason }),
      ms: performance.now() - start,
    };
  }
  const { convention } = masksOptions(settings);
  const { points, indices } = (await tunerOf(network)).endPoints({
    niter: settings.niter,
    cellprobThreshold: parameters.cellprobThreshold,
    convention: convention === "cellpose" ? "cellpose" : "plain",
  });
  let { masks } = core.clusterDbscan(points, indices, flowsSize, { eps });
  if (flowsSize.width !== size.width || flowsSize.height !== size.height) {
    masks = core.resizeNearest(masks, flowsSize, size) as Uint32Array;
  }
  const cleaned = core.fillHolesAndRemoveSmall(masks, size, {
    minSize: parameters.minSize,
  });
  return {
    ...summarize(pack(cleaned.masks)),
    ms: performance.now() - start,
  };
}

/** The core, with the masks of a tuner: the same, without the known steps. */
function replaceMasks(core: Core, tuner: Tuner): Core {
  return {
    ...core,
    computeMasks: (_flows, _cellprob, _size, options) =>
      tuner.computeMasks(options),
    computeMasksBySlab: (_flows, _cellprob, _size, options) =>
      Promise.resolve(tuner.computeMasks(options)),
  };
}

async function tunerOf(network: Network): Promise<Tuner> {
  if (held?.network !== network) {
    const { flows, cellprob, flowsSize } = network;
    const core = await openCore();
    held = { network, tuner: core.createTuner(flows, cellprob, flowsSize) };
  }
  return held.tuner;
}

/** Steps that are asked for, or as many as the diameter needs. */
function decideNiter(
  { niter, diameter: known }: Network,
  { niter: wanted, diameter }: SegmentParameters,
): number {
  if (wanted) return wanted;
  if (diameter === null || !(known > 0)) return niter;
  return Math.max(1, Math.round(niter * diameter / known));
}
