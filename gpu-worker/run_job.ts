/**
 * SPINE of the worker: one image of a job, from stored bytes to stored results.
 *
 *   begin → read → known? → decode → segment → write outputs → settle
 *
 * Outputs are written under the result's id, the description last; a repeat
 * writes the same bytes or finds them.
 *
 * @module
 */
import { decodeImage } from "../shared/image/decode.ts";
import { stemOf } from "../shared/image/names.ts";
import { toInput } from "../shared/pipeline/preview.ts";
import { digestBytes } from "../shared/pipeline/digest.ts";
import type { NetworkOutput } from "../shared/pipeline/blend_outputs.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import { describeResult, resultId } from "../shared/pipeline/result.ts";
import { segment } from "../shared/pipeline/segment.ts";
import {
  ForbiddenError,
  InvalidRequestError,
  StorageError,
} from "../shared/errors.ts";
import type { FetchGuard } from "../shared/net/fetch_guard.ts";
import type {
  ImageOutcome,
  ImageRecord,
  ImageTask,
  JobBook,
  JobRecord,
  StartedImage,
} from "../shared/queue/job_types.ts";
import type { OutputName } from "../shared/schema/output_kinds.ts";
import { objectKey } from "../shared/storage/keys.ts";
import { readBytes } from "../shared/storage/read_bytes.ts";
import { NETWORK_FILE, RESULT_FILE } from "../shared/storage/names.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Core } from "../wasm/mod.ts";
import { sendNetwork, type SentNetwork } from "./send_network.ts";
import { storeResult } from "./store_result.ts";
import type { WorkMetrics } from "./metrics.ts";

/** What runs jobs. */
export interface JobDeps {
  readonly core: Core;
  readonly coreVersion: string;
  readonly jobs: JobBook;
  readonly store: ObjectStore;
  /** The encoder of a model's id; closed when the task is done with it. */
  readonly findEncoder: (id: string, tenant: string) => Promise<Encoder>;
  /** Fetches inputs that are URLs; default: none are. */
  readonly guard?: FetchGuard;
  readonly pricePerGpuSecond: number;
  readonly workMetrics?: WorkMetrics;
  readonly now: () => number;
}

/** What is kept in `result.json` beside the description. */
interface StoredDescription {
  readonly count: number;
  readonly files: readonly string[];
  readonly outputs: readonly string[];
}

/** Largest input that is fetched, bytes, and how long that may take, ms. */
const MAX_FETCHED_BYTES = 100 * 2 ** 20;
const FETCH_MS = 120_000;

/** Progress is told at most so often, ms. */
const REPORT_MS = 250;

/**
 * Do one image of a job and settle it, unless it has ended.
 *
 * @param signal  stops it; nothing is settled then
 * @throws whatever went wrong: `isRetriable` tells what to do about it
 */
export function runTask(
  deps: JobDeps,
  task: ImageTask,
  signal: AbortSignal,
): Promise<void> {
  const run = () => doTask(deps, task, signal);
  return deps.workMetrics?.task("image", run) ?? run();
}

async function doTask(
  deps: JobDeps,
  task: ImageTask,
  signal: AbortSignal,
): Promise<void> {
  const started = await deps.jobs.start(task);
  if (started === undefined) return;
  const encoder = await deps.findEncoder(started.job.model, task.tenant);
  try {
    await runImage(deps, { task, ...started, encoder }, signal);
  } finally {
    await encoder.close();
  }
}

async function runImage(
  deps: JobDeps,
  { task, job, image, encoder }: StartedImage & {
    task: ImageTask;
    encoder: Encoder;
  },
  signal: AbortSignal,
): Promise<void> {
  const bytes = await readInput(deps, { task, image }, signal);
  const key = {
    input: await digestBytes(bytes),
    models: [encoder.digest],
    parameters: job.parameters,
    core: deps.coreVersion,
  };
  const id = await resultId(key);
  const folder = (file: string) => objectKey(task.tenant, "results", id, file);

  const known = await readKnown(deps.store, folder(RESULT_FILE), job);
  deps.workMetrics?.cache(known !== undefined);
  if (known) {
    await deps.jobs.settle(task, {
      state: "succeeded",
      result: id,
      count: known.count,
      files: known.files,
      gpuSeconds: 0,
      price: 0,
    });
    return;
  }

  const begun = performance.now();
  const decoded = await decodeImage(bytes, {
    ...(job.parameters.axes === null ? {} : { axes: job.parameters.axes }),
  });
  const decode = performance.now() - begun;
  const { result, network, description } = await keepingNetwork(
    (output) => sendNetwork(deps.store, folder(NETWORK_FILE), output),
    async (onOutput) => {
      const result = await segment(toInput(decoded), job.parameters, {
        core: deps.core,
        encoders: [encoder],
        signal,
        onProgress: reporter(deps, task),
        onOutput,
      });
      signal.throwIfAborted();
      const description = await describeResult(result, [encoder], key);
      return { result, description };
    },
  );

  const segmented = performance.now();
  const files = await storeResult(deps.store, {
    ...{ core: deps.core, image: decoded, result, folder, description },
    network,
    fileName: image.name,
    stem: spellStem(image.name),
    outputs: job.outputs as OutputName[],
  }, signal);
  const { total: _, ...stages } = result.run.timings;
  const store = performance.now() - segmented;
  deps.workMetrics?.stages({ decode, ...stages, store });
  const gpuSeconds = stages.encode / 1000;
  deps.workMetrics?.encoder(gpuSeconds);
  const outcome: ImageOutcome = {
    state: "succeeded",
    result: id,
    count: result.count,
    files,
    gpuSeconds,
    price: gpuSeconds * deps.pricePerGpuSecond,
  };
  await deps.jobs.settle(task, outcome);
}

/** Bytes of an upload, or of what a URL leads to. */
async function readInput(
  { store, guard }: JobDeps,
  { task, image }: { task: ImageTask; image: ImageRecord },
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (image.upload !== null) {
    const path = image.upload.split("/");
    return await readBytes(store, objectKey(task.tenant, "uploads", ...path));
  }
  const url = image.url ?? "";
  if (guard === undefined) {
    throw new ForbiddenError("URLs are not fetched by this worker");
  }
  const { status, bytes } = await guard.call(url, {
    maxBytes: MAX_FETCHED_BYTES,
    timeoutMs: FETCH_MS,
    signal,
  });
  if (status === 200) return bytes;
  const detail = `was answered with ${status}`;
  if (status >= 500) throw new StorageError("fetch", url, { detail });
  throw new InvalidRequestError([{ pointer: "url", detail }]);
}

/** Send a network's output while masks are found; where none are, drop it. */
async function keepingNetwork<T>(
  send: (output: NetworkOutput) => SentNetwork,
  run: (onOutput: (output: NetworkOutput) => Promise<void>) => Promise<T>,
): Promise<T & { network: SentNetwork | undefined }> {
  const begun: SentNetwork[] = [];
  try {
    const found = await run((output) => {
      const network = send(output);
      begun.push(network);
      return network.sent;
    });
    return { ...found, network: begun[0] };
  } catch (err) {
    await begun[0]?.drop();
    throw err;
  }
}

/** The result as it is in the store, where it has all outputs asked for. */
async function readKnown(
  store: ObjectStore,
  key: string,
  job: JobRecord,
): Promise<StoredDescription | undefined> {
  if (await store.head(key) === undefined) return undefined;
  const text = new TextDecoder().decode(await readBytes(store, key));
  const known = JSON.parse(text) as StoredDescription;
  return job.outputs.every((each) => known.outputs.includes(each))
    ? known
    : undefined;
}

/** Tells progress, not for each tile. */
function reporter({ jobs, now }: JobDeps, task: ImageTask) {
  let last = 0;
  return (progress: { done: number; total: number }) => {
    if (now() - last < REPORT_MS && progress.done < progress.total) return;
    last = now();
    // one that is lost is no harm: the next one says more
    jobs.report(task, progress).catch(() => {});
  };
}

/** File names come from users; keys take letters, digits, dots, hyphens. */
function spellStem(fileName: string): string {
  const stem = stemOf(fileName).replace(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/^\.+/, "").slice(0, 100);
  return stem === "" ? "image" : stem;
}
