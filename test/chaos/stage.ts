/**
 * Real servers, an edge and workers in processes of their own.
 *
 * @module
 */
import { openKeyBook } from "../../edge/access/keys.ts";
import { openUsageBook } from "../../shared/queue/usage.ts";
import { freePort } from "../servers/process.ts";
import { startNats } from "../servers/nats.ts";
import { startS3 } from "../servers/s3.ts";
import { type Client, createClient } from "./client.ts";
import { openBook, type ProcessConfig } from "./config.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { supervise } from "./supervisor.ts";

/** Who sends the jobs of a run. */
export const TENANT = "lab";

/** How the processes of a run behave. */
export interface StageOptions {
  readonly seed: number;
  readonly workers: number;
  readonly tileMs: number;
  readonly concurrency: number;
  readonly queueFaults: number;
}

/** Start everything; `close` ends it. */
export async function openStage(options: StageOptions) {
  const [nats, s3] = await Promise.all([startNats(), startS3()]);
  const proxy = await startFaultProxy(s3.port);
  const config: ProcessConfig = {
    nats: nats.url,
    s3: { ...s3.options, endpoint: proxy.url },
    port: await freePort(),
    skewMs: 0,
    seed: options.seed,
    queueFaults: options.queueFaults,
    tileMs: options.tileMs,
    concurrency: options.concurrency,
  };
  const backend = await nats.open();
  const keys = openKeyBook(await backend.records("keys"), Date.now);
  const { key } = await keys.create({
    tenant: TENANT,
    name: "load",
    scopes: ["segment"],
    requestsPerSecond: 100_000,
  });
  const edge = supervise("edge_process.ts", config);
  const workers = Array.from(
    { length: options.workers },
    (_, i) =>
      supervise("worker_process.ts", {
        ...config,
        seed: options.seed + 1000 * (i + 1),
      }),
  );
  await Promise.all([edge, ...workers].map((each) => each.ready()));
  const client: Client = createClient(`http://127.0.0.1:${config.port}`, key);
  return {
    nats,
    proxy,
    edge,
    workers,
    client,
    key,
    origin: `http://127.0.0.1:${config.port}`,
    book: await openBook(backend, Date.now),
    usage: openUsageBook(await backend.records("usage"), Date.now),
    async close() {
      await Promise.all([edge, ...workers].map((each) => each.stop()));
      await backend.close();
      await proxy.close();
      await Promise.all([nats.remove(), s3.remove()]);
    },
  };
}
