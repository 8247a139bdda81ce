/**
 * `serve --port P --data DIR`: edge and worker in one process, on the
 * embedded defaults: a folder, an SQLite file, the processor.
 *
 * The first run makes a key and prints it once, on a line of its own.
 *
 * @module
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createApp } from "../edge/app.ts";
import type { OidcSettings } from "../edge/access/oidc.ts";
import { assembleEdge, LEASE_MS } from "../edge/assemble.ts";
import type { EdgeSettings } from "../edge/deps.ts";
import { loadPreview } from "../edge/load_preview.ts";
import { readModelFile } from "../edge/read_model_file.ts";
import { oidcOf, settingsOf } from "../edge/read_settings.ts";
import { sweepOften } from "../edge/sweep.ts";
import { deliverWebhooks } from "../edge/webhooks.ts";
import { loadNodeEncoder } from "../gpu-worker/encoder_node.ts";
import { readEnvironment } from "../shared/connect/settings.ts";
import { keepTraining } from "../gpu-worker/kept_training.ts";
import { createWorkMetrics } from "../gpu-worker/metrics.ts";
import { loadNodePromptModel } from "../gpu-worker/prompt_model_node.ts";
import { startWorker, WORK_KINDS } from "../gpu-worker/start_worker.ts";
import {
  nameCore,
  openDataFolder,
  readSecret,
} from "../shared/connect/open.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import { openSqlite } from "../shared/queue/sqlite.ts";
import type { Json } from "../shared/queue/types.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { printErrorLine, printLine } from "./print.ts";
import { UsageError } from "./usage_error.ts";

const CORE = new URL("../wasm/dist/core.wasm", import.meta.url);

/** How a service is started. */
export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Folder of everything that is kept. */
  readonly data: string;
  /** Default: loopback only. */
  readonly hostname?: string;
  /** Folder of the model for jobs and previews. */
  readonly model: string;
  /** Folder of a model that answers prompts on the page; default: none. */
  readonly promptModel?: string;
  /** Images at a time. */
  readonly concurrency?: number;
  readonly settings?: Partial<EdgeSettings>;
  readonly oidc?: OidcSettings;
  /** Signs calls of webhooks; without it they are not told. */
  readonly webhookSecret?: Uint8Array;
  readonly log?: (entry: Readonly<Record<string, Json>>) => void;
  /** Told the first key, before the service answers. */
  readonly onKey?: (key: string) => void;
}

/** A service that runs. */
export interface Service {
  /** As http://127.0.0.1:8000. */
  readonly url: string;
  /** The key that this start made; none if there was one before. */
  readonly key?: string;
  /** Finish what runs, then close everything. */
  close(): Promise<void>;
}

/** Start a service; it answers when this returns. */
export async function startService(options: ServeOptions): Promise<Service> {
  const { data, model, hostname = "127.0.0.1", concurrency = 2 } = options;
  const { promptModel } = options;
  const log = options.log ?? (() => {});
  await mkdir(data, { recursive: true });
  const backend = openSqlite({ path: join(data, "queue.sqlite") });
  const { store, serve } = await openDataFolder(data);
  const secret = await readSecret(data);
  const bytes = new Uint8Array(await readFile(CORE));
  const core = await loadCore(bytes);
  const coreVersion = nameCore(bytes);
  const deps = await assembleEdge({
    core,
    coreVersion,
    backend,
    store,
    log,
    loadPreview: () => loadPreview(model),
    readModel: (name) => readModelFile(model, name),
    onTrainingGivenUp: (ref) => keepTraining(store, ref).drop(),
    ...(promptModel
      ? { loadPrompted: () => loadNodePromptModel(promptModel) }
      : {}),
    settings: options.settings ?? {},
    ...(options.oidc ? { oidc: options.oidc } : {}),
    serveStored: serve,
    ...(isLoopback(hostname) ? { sessionSecret: secret } : {}),
  });
  const key = await makeFirstKey(deps.keys);
  if (key !== undefined) options.onKey?.(key);

  const app = createApp(deps);
  const server = Deno.serve({
    port: options.port,
    hostname,
    onListen: () => {},
  }, app.fetch);

  // the first preview need not wait; one that fails is told to who asks
  deps.preview().catch(() => {});
  const { metrics: workMetrics } = createWorkMetrics(deps.registry);
  deps.prompted?.().catch(() => {});
  const worker = startWorker({
    ...deps,
    workMetrics,
    shipped: model,
    folder: join(data, "worker"),
    load: (folder) => loadNodeEncoder(folder, { isShared: true }),
    guard: deps.guards.inputs,
    pricePerGpuSecond: deps.settings.pricePerGpuSecond,
  }, { concurrency, leaseMs: LEASE_MS, kinds: WORK_KINDS });
  const drain = new AbortController();
  const { webhookSecret } = options;
  const loops = [
    sweepOften(deps, drain.signal),
  ];
  if (webhookSecret) {
    const guard = deps.guards.webhooks;
    loops.push(
      deliverWebhooks({ ...deps, guard, secret: webhookSecret }, drain.signal),
    );
  }

  return {
    url: `http://${spellHost(hostname)}:${server.addr.port}`,
    ...(key === undefined ? {} : { key }),
    async close() {
      drain.abort();
      await server.shutdown();
      await Promise.all([worker.drain(), ...loops]);
      await store.close();
      await backend.close();
    },
  };
}

/** Options of the command. */
export interface ServeCommand {
  readonly port: string;
  readonly host: string;
  readonly data: string;
  readonly model?: string;
  readonly promptModel?: string;
  readonly concurrency: string;
  readonly quiet?: boolean;
}

/** Run the command: serve until told to stop. */
export async function serve(command: ServeCommand): Promise<void> {
  const model = command.model ? callerPath(command.model) : findShippedModel();
  if (model === undefined) {
    throw new UsageError(
      "no model comes with this version; make one with `import CHECKPOINT --out DIR` and give --model DIR",
    );
  }
  const env = readEnvironment(process.env);
  const { CYTOEDGE_WEBHOOK_SECRET: webhookSecret } = env;
  const service = await startService({
    port: readCount("--port", command.port, 0),
    hostname: command.host,
    data: callerPath(command.data),
    model,
    ...(command.promptModel
      ? { promptModel: callerPath(command.promptModel) }
      : {}),
    concurrency: readCount("--concurrency", command.concurrency, 1),
    settings: settingsOf(env),
    ...oidcOf(env),
    ...(webhookSecret ? { webhookSecret } : {}),
    onKey: (key) => {
      printLine("The first key, shown this once:");
      printLine(key);
    },
    ...(command.quiet
      ? {}
      : { log: (entry) => printErrorLine(JSON.stringify(entry)) }),
  });
  printLine(`cytoedge serves on ${service.url} (docs: ${service.url}/docs)`);
  await untilStopped();
  await service.close();
}

/** Wait for Ctrl-C, or for the system to end the process. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

function readCount(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > 65535) {
    throw new UsageError(`option ${option}: ${text} is no number it can be`);
  }
  return value;
}

async function makeFirstKey(
  keys: Awaited<ReturnType<typeof assembleEdge>>["keys"],
): Promise<string | undefined> {
  if ((await keys.list()).length > 0) return undefined;
  const { key } = await keys.create({
    tenant: "local",
    name: "first key",
    scopes: ["segment", "train", "admin"],
  });
  return key;
}

function isLoopback(hostname: string): boolean {
  return ["127.0.0.1", "localhost", "::1"].includes(hostname);
}

function spellHost(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
