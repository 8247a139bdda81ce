/**
 * The page's workers: one for pictures, one for cells, one for a network.
 *
 * @module
 */
import type { ModelHandlers } from "./work/model.ts";
import { connect, type Remote } from "./work/rpc.ts";
import type { WorkerHandlers } from "./work/worker.ts";

/** URLs of the bundles; the build sets them. */
declare const WORKER_URL: string;
declare const MODEL_WORKER_URL: string;

/** Decodes images and draws their tiles. */
export const pictures: Remote<WorkerHandlers> = connect(WORKER_URL);

/** Computes masks, scores and tables. */
export const cellWorker: Remote<WorkerHandlers> = connect(WORKER_URL);

let network: Remote<ModelHandlers> | undefined;

/** Runs a network here; started when first asked for. */
export function networkWorker(): Remote<ModelHandlers> {
  network ??= connect<ModelHandlers>(MODEL_WORKER_URL);
  return network;
}
