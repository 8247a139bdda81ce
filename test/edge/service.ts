/** An edge and a worker in this process, with an encoder that reads labels. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash, randomBytes } from "node:crypto";
import { createApp } from "../../edge/app.ts";
import type { KeyOptions } from "../../edge/access/keys.ts";
import { assembleEdge } from "../../edge/assemble.ts";
import type { EdgeDeps, EdgeSettings, Guards } from "../../edge/deps.ts";
import { consume } from "../../gpu-worker/consume.ts";
import { encodePng } from "../../shared/image/png.ts";
import type { PromptModel } from "../../shared/pipeline/prompt_model.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { openFolder } from "../../shared/storage/folder.ts";
import { core } from "../core.ts";
import { createLabelReader } from "../pipeline/fake_encoder.ts";

/** Where requests seem to go. */
export const ORIGIN = "http://127.0.0.1:8000";

/** Parameters with which the label reader sees the labels themselves. */
export const AS_LABELS = { normalize: false } as const;

/** A service in this process. */
export interface TestService {
  readonly deps: EdgeDeps;
  readonly key: string;
  /** Call it; JSON bodies are written, JSON answers read. */
  call(
    method: string,
    path: string,
    options?: CallOptions,
  ): Promise<{ status: number; body: Answer; headers: Headers }>;
  /** The raw call. */
  fetch(request: Request): Promise<Response>;
  createKey(options: Partial<KeyOptions>): Promise<string>;
  /** Announce and send a file; its id. */
  upload(name: string, bytes: Uint8Array, key?: string): Promise<string>;
  /** Wait until a job has ended. */
  finish(job: string, key?: string): Promise<Answer>;
  startWorker(): void;
  close(): Promise<void>;
}

/** JSON of any shape, for tests to look into. */
// deno-lint-ignore no-explicit-any
export type Answer = any;

interface CallOptions {
  readonly key?: string | null;
  readonly json?: unknown;
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Start one; nothing is left of it after `close`. */
export async function startTestService(
  {
    settings = {},
    encoder = createLabelReader(),
    isWorking = true,
    loadPrompted,
    guards,
    log = () => {},
  }: {
    settings?: Partial<EdgeSettings>;
    guards?: Guards;
    log?: EdgeDeps["log"];
    encoder?: Encoder;
    loadPrompted?: () => Promise<PromptModel>;
    isWorking?: boolean;
  } = {},
): Promise<TestService> {
  const folder = mkdtempSync(join(tmpdir(), "edge-"));
  const secret = new Uint8Array(randomBytes(32));
  const backend = openSqlite({ path: join(folder, "queue.sqlite") });
  const store = await openFolder({
    root: join(folder, "store"),
    baseUrl: "/store",
    secret,
  });
  const deps = await assembleEdge({
    core,
    coreVersion: "test",
    backend,
    store,
    loadPreview: () => Promise.resolve(encoder),
    loadPrompted,
    log,
    settings,
    ...(guards ? { guards } : {}),
    sessionSecret: secret,
    serveStored: (request) => store.serve(request),
  });
  const app = createApp(deps);
  const createKey = async (options: Partial<KeyOptions>) => {
    const { key } = await deps.keys.create({
      tenant: "lab",
      name: "",
      scopes: ["segment"],
      requestsPerSecond: 10_000,
      ...options,
    });
    return key;
  };
  const key = await createKey({});
  const fetch = async (request: Request) => await app.fetch(request);
  const drain = new AbortController();
  let worker: Promise<void> | undefined;

  const service: TestService = {
    deps,
    key,
    fetch,
    createKey,
    async call(method, path, { key: other, json, form, headers = {} } = {}) {
      const init: RequestInit = { method, headers: { ...headers } };
      const all = new Headers(init.headers);
      if (other !== null) all.set("authorization", `Bearer ${other ?? key}`);
      if (json !== undefined) all.set("content-type", "application/json");
      init.headers = all;
      if (json !== undefined) init.body = JSON.stringify(json);
      if (form !== undefined) init.body = form;
      const answer = await fetch(new Request(ORIGIN + path, init));
      const text = await answer.text();
      const isJson = /json/.test(answer.headers.get("content-type") ?? "");
      return {
        status: answer.status,
        body: isJson ? JSON.parse(text) : text,
        headers: answer.headers,
      };
    },
    async upload(name, bytes, own = key) {
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const { body, status } = await service.call("POST", "/v1/uploads", {
        key: own,
        json: { name, bytes: bytes.length, sha256 },
      });
      if (status !== 201) throw new Error(JSON.stringify(body));
      const sent = await fetch(
        new Request(body.put.url, {
          method: "PUT",
          headers: { ...body.put.headers, ...lengthOf(bytes) },
          body: new Uint8Array(bytes),
        }),
      );
      if (!sent.ok) throw new Error(await sent.text());
      return body.id;
    },
    async finish(job, own = key) {
      const events = await fetch(
        new Request(`${ORIGIN}/v1/jobs/${job}/events`, {
          headers: { authorization: `Bearer ${own}` },
        }),
      );
      await events.text();
      return (await service.call("GET", `/v1/jobs/${job}`, { key: own })).body;
    },
    startWorker() {
      worker ??= consume({
        core,
        coreVersion: "test",
        jobs: deps.jobs,
        store,
        findEncoder: () => Promise.resolve(encoder),
        guard: deps.guards.inputs,
        pricePerGpuSecond: 1,
        now: Date.now,
      }, {
        concurrency: 2,
        leaseMs: 30_000,
        drain: drain.signal,
        log: () => {},
      });
    },
    async close() {
      drain.abort();
      await worker;
      await store.close();
      await backend.close();
      rmSync(folder, { recursive: true });
    },
  };
  if (isWorking) service.startWorker();
  return service;
}

/** What an HTTP client sends by itself. */
export function lengthOf(bytes: Uint8Array): Record<string, string> {
  return { "content-length": `${bytes.length}` };
}

/** Labels as an 8-bit PNG, for the encoder that reads labels. */
export function drawLabels(
  { edge = 96, cells = 3 }: { edge?: number; cells?: number } = {},
): { png: Uint8Array; labels: Uint32Array; edge: number } {
  const labels = new Uint32Array(edge * edge);
  const step = Math.floor(edge / Math.ceil(Math.sqrt(cells)));
  const across = Math.floor(edge / step);
  for (let cell = 0; cell < cells; cell++) {
    const top = Math.floor(cell / across) * step + 3;
    const left = cell % across * step + 3;
    for (let y = top; y < top + step - 6; y++) {
      labels.fill(cell + 1, y * edge + left, y * edge + left + step - 6);
    }
  }
  const png = encodePng({
    data: Uint8Array.from(labels),
    size: { height: edge, width: edge },
    channels: 1,
  });
  return { png, labels, edge };
}
