/**
 * The synthetic bench: scenes whose truth is known, the report's pipeline and
 * ours on them.
 *
 * @module
 */
import {
  generateScene,
  renderMicrograph,
  type SceneOptions,
} from "../../../shared/synthetic/mod.ts";
import type { Core } from "../../../wasm/mod.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { openCore } from "./core.ts";

/** Ways from true flows back to masks. */
export type BenchMethod = "ours" | "report";

/** The logit of a sure network on cells, and beside them. */
const SURE = 6;

/** Make a scene, its image, and the flows of its truth. */
export async function makeScene(
  { seed, scene }: { seed: number; scene: SceneOptions },
) {
  const core = await openCore();
  const made = generateScene(seed, scene);
  const image = renderMicrograph(made.labels, made.size, seed);
  return {
    size: made.size,
    labels: Uint32Array.from(made.labels),
    count: made.count,
    image: Float32Array.from(image.data),
    flows: core.labelsToFlows(made.labels, made.size),
    cellprob: logitOf(made.labels),
    coveredShare: made.coveredShare,
  };
}

/** Find the cells of a scene again, and score them. */
export async function runBench(
  { labels, size, method, niter, eps }: {
    labels: Uint32Array;
    size: Size2D;
    method: BenchMethod;
    niter: number;
    eps: number;
  },
) {
  const core = await openCore();
  const masks = method === "report"
    ? asReport(core, { labels, size }, { niter, eps })
    : core.computeMasks(
      core.labelsToFlows(labels, size),
      logitOf(labels),
      size,
      { niter },
    ).masks;
  const match = core.matchMasks(labels, masks, size);
  return {
    masks: Uint32Array.from(masks),
    meanIou: core.meanIou(labels, masks, size),
    tp: match.tp,
    fp: match.fp,
    fn: match.fn,
  };
}

/** Mean IoU against the number of steps, a curve for each eps (Figure 6). */
export async function sweepSteps(
  { labels, size, epsList, steps }: {
    labels: Uint32Array;
    size: Size2D;
    epsList: readonly number[];
    steps: readonly number[];
  },
): Promise<{ eps: number; points: { niter: number; iou: number }[] }[]> {
  const core = await openCore();
  return epsList.map((eps) => ({
    eps,
    points: steps.map((niter) => {
      const masks = asReport(core, { labels, size }, { niter, eps });
      return { niter, iou: core.meanIou(labels, masks, size) };
    }),
  }));
}

/** Centroid flows, Euler steps, DBSCAN; nothing is cleaned. */
function asReport(
  core: Core,
  { labels, size }: { labels: Uint32Array; size: Size2D },
  { niter, eps }: { niter: number; eps: number },
): Uint32Array {
  const flows = core.centroidFlows(labels, size);
  const foreground = Uint8Array.from(labels, (label) => label > 0 ? 1 : 0);
  const { points, indices } = core.followFlows(flows, foreground, size, {
    niter,
    convention: "plain",
  });
  return core.clusterDbscan(points, indices, size, { eps }).masks;
}

function logitOf(labels: Uint32Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(labels, (label) => label > 0 ? SURE : -SURE);
}
