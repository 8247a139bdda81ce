/**
 * `serve --port P --data DIR`: edge and worker in one process, on the
 * embedded defaults: a folder, an SQLite file, the processor.
 *
 * The first run makes a key and prints it once, on a line of its own.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createApp } from "../edge/app.ts";
import { assembleEdge, LEASE_MS } from "../edge/assemble.ts";
import type { EdgeSettings } from "../edge/deps.ts";
import { consume } from "../gpu-worker/consume.ts";
import { loadNodeEncoder } from "../gpu-worker/encoder_node.ts";
import { loadWebEncoder } from "../shared/models/encoder_web.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import { keepSwept } from "../shared/queue/keep_swept.ts";
import { openSqlite } from "../shared/queue/sqlite.ts";
import type { Json } from "../shared/queue/types.ts";
import { ModelJson } from "../shared/schema/model.ts";
import { openFolder } from "../shared/storage/folder.ts";
import { ModelError } from "../shared/errors.ts";
import { VERSION } from "../shared/version.ts";
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
  /** Images at a time. */
  readonly concurrency?: number;
  readonly settings?: Partial<EdgeSettings>;
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
  const log = options.log ?? (() => {});
  await mkdir(data, { recursive: true });
  const secret = await readSecret(join(data, "secret"));
  const backend = openSqlite({ path: join(data, "queue.sqlite") });
  const store = await openFolder({
    root: join(data, "store"),
    baseUrl: "/store",
    secret,
  });
  const bytes = new Uint8Array(await readFile(CORE));
  const core = await loadCore(bytes);
  const coreVersion = `${VERSION} ${
    createHash("sha256").update(bytes).digest("hex").slice(0, 16)
  }`;
  const deps = await assembleEdge({
    core,
    coreVersion,
    backend,
    store,
    log,
    loadPreview: () => loadPreview(model),
    settings: options.settings ?? {},
    serveStored: (request) => store.serve(request),
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

  const drain = new AbortController();
  let encoder: Promise<Encoder> | undefined;
  const worker = consume({
    core,
    coreVersion,
    jobs: deps.jobs,
    store,
    pricePerGpuSecond: deps.settings.pricePerGpuSecond,
    now: deps.now,
    findEncoder: (id) => {
      if (id !== "default") {
        throw new ModelError(id, "is not on this service; see GET /v1/models");
      }
      return encoder ??= loadNodeEncoder(model);
    },
  }, { concurrency, leaseMs: LEASE_MS, drain: drain.signal, log });
  const { jobs, now } = deps;
  const swept = keepSwept(jobs, { now, signal: drain.signal, log });

  return {
    url: `http://${spellHost(hostname)}:${server.addr.port}`,
    ...(key === undefined ? {} : { key }),
    async close() {
      drain.abort();
      await server.shutdown();
      await Promise.all([worker, swept]);
      await (await encoder)?.close();
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
  const service = await startService({
    port: readCount("--port", command.port, 0),
    hostname: command.host,
    data: callerPath(command.data),
    model,
    concurrency: readCount("--concurrency", command.concurrency, 1),
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

/** Load a model's folder for the web runtime, one thread. */
async function loadPreview(folder: string): Promise<Encoder> {
  const text = await readFile(join(folder, "model.json"), "utf8");
  const json = ModelJson.parse(JSON.parse(text));
  const { name } = json.networks[0].files[0];
  const graph = new Uint8Array(await readFile(join(folder, name)));
  const require = createRequire(import.meta.url);
  const runtime = dirname(require.resolve("onnxruntime-web"));
  return await loadWebEncoder({ name: "preview", json, graph }, {
    providers: ["wasm"],
    threads: 1,
    wasmPaths: `${pathToFileURL(runtime).href}/`,
  });
}

/** The secret that signs URLs and sessions; made at the first start. */
async function readSecret(path: string): Promise<Uint8Array> {
  if (!existsSync(path)) {
    await writeFile(path, randomBytes(32), { mode: 0o600, flag: "wx" })
      // another process was first
      .catch(() => {});
  }
  return new Uint8Array(await readFile(path));
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
