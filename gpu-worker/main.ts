/**
 * Entry of a worker alone: it takes tasks from the queue, and, where a token
 * is set, images that are pushed by HTTP.
 *
 * On SIGTERM it takes nothing more, finishes the images that run (their leases
 * are renewed meanwhile), gives trainings back, and ends.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { nameCore, openBackend, openStore } from "../shared/connect/open.ts";
import { readEnvironment } from "../shared/connect/settings.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import { createFetchGuard } from "../shared/net/fetch_guard.ts";
import { createEnd } from "../shared/queue/end_job.ts";
import { openJobBook } from "../shared/queue/jobs.ts";
import { openTaskBook } from "../shared/queue/tasks.ts";
import type { Json } from "../shared/queue/types.ts";
import { openUsageBook } from "../shared/queue/usage.ts";
import { openWebhookQueue } from "../shared/queue/webhooks.ts";
import { loadCore } from "../wasm/mod.ts";
import { loadNodeEncoder, PROVIDERS } from "./encoder_node.ts";
import { keepTraining } from "./kept_training.ts";
import { createWorkMetrics, serveMetrics } from "./metrics.ts";
import { createPush } from "./push.ts";
import { startWorker, WORK_KINDS } from "./start_worker.ts";

const CORE = new URL("../wasm/dist/core.wasm", import.meta.url);
/** As the edge's (`edge/assemble.ts`): the queue has one. */
const LEASE_MS = 30_000;
/** As the edge's default. */
const PRICE = 0.0006;

const env = readEnvironment(process.env);
const log = (entry: Readonly<Record<string, Json>>) => {
  if (env.CYTOEDGE_LOG === "none") return;
  const line = JSON.stringify({ at: new Date().toISOString(), ...entry });
  process.stdout.write(`${line}\n`);
};
const shipped = env.CYTOEDGE_MODEL ?? findShippedModel();
if (shipped === undefined) throw new Error("CYTOEDGE_MODEL names no model");
const kinds = pick("CYTOEDGE_WORK", env.CYTOEDGE_WORK, WORK_KINDS);
const providers = pick(
  "CYTOEDGE_PROVIDERS",
  env.CYTOEDGE_PROVIDERS ?? PROVIDERS,
  PROVIDERS,
);

const backend = await openBackend(env, "cytoedge worker");
const { store } = await openStore(env);
const now = Date.now;
const usage = openUsageBook(
  await backend.records<Json>("usage", { isSoon: true }),
  now,
);
const jobs = await openJobBook(backend, {
  now,
  leaseMs: LEASE_MS,
  onEnd: createEnd(usage, await openWebhookQueue(backend)),
});
const bytes = new Uint8Array(await readFile(CORE));
const threads = env.CYTOEDGE_THREADS === undefined
  ? {}
  : { threads: env.CYTOEDGE_THREADS };
const { metrics: workMetrics, registry } = createWorkMetrics();
const worker = startWorker({
  core: await loadCore(bytes),
  coreVersion: nameCore(bytes),
  jobs,
  imports: await openTaskBook(backend, "imports", { now }),
  trainings: await openTaskBook(backend, "trainings", {
    now,
    // what it would have gone on from
    onGivenUp: (ref) => keepTraining(store, ref).drop(),
  }),
  usage,
  store,
  shipped,
  folder: env.CYTOEDGE_WORK_FOLDER ?? join(tmpdir(), "cytoedge-worker"),
  load: (folder) =>
    loadNodeEncoder(folder, { providers, ...threads, isShared: true }),
  loadForTraining: (folder) =>
    loadNodeEncoder(folder, { providers: ["cpu"], ...threads }),
  workMetrics,
  guard: createFetchGuard({ hosts: env.CYTOEDGE_FETCH_HOSTS ?? [] }),
  pricePerGpuSecond: env.CYTOEDGE_PRICE_PER_GPU_SECOND ?? PRICE,
  log,
  now,
  ...threads,
  ...(env.CYTOEDGE_MAX_LOADED === undefined
    ? {}
    : { maxLoaded: env.CYTOEDGE_MAX_LOADED }),
  maxCopyBytes: env.CYTOEDGE_MAX_COPY_BYTES,
}, { concurrency: env.CYTOEDGE_CONCURRENCY, leaseMs: LEASE_MS, kinds });

let isWarm = false;
worker.warm.then(() => isWarm = true);
const stop = new AbortController();
const server = Deno.serve(
  {
    hostname: env.CYTOEDGE_HOST,
    port: env.CYTOEDGE_PORT,
    onListen: ({ hostname, port }) =>
      log({ event: "listening", hostname, port }),
  },
  createPush({
    run: worker.run,
    fail: (task, error) =>
      jobs.settle(task, { state: "failed", error, gpuSeconds: 0, price: 0 }),
    ...(env.CYTOEDGE_PUSH_TOKEN ? { token: env.CYTOEDGE_PUSH_TOKEN } : {}),
    isReady: () => isWarm,
    signal: stop.signal,
  }),
);

const metricsPort = env.CYTOEDGE_METRICS_PORT;
const metricsServer = metricsPort === undefined ? undefined : Deno.serve({
  hostname: env.CYTOEDGE_METRICS_HOST,
  port: metricsPort,
  onListen: ({ hostname, port }) => log({ event: "metrics", hostname, port }),
}, serveMetrics(registry));

await new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => resolve());
  }
});
log({ event: "draining" });
// both finish what they have begun
await Promise.all([worker.drain(), server.shutdown()]);
await metricsServer?.shutdown();
await store.close();
await backend.close();
log({ event: "ended" });

function pick<Name extends string>(
  variable: string,
  given: readonly string[],
  known: readonly Name[],
): Name[] {
  return given.map((text) => {
    const name = known.find((each) => each === text);
    if (name !== undefined) return name;
    throw new Error(`${variable}: ${text} is none of ${known.join(", ")}`);
  });
}
