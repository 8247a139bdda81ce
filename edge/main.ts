/**
 * Entry of the edge alone: the environment in, HTTP out. Workers are started
 * apart (`gpu-worker/main.ts`) and share queue and store.
 *
 * On SIGTERM it stops accepting, answers what has begun, and ends.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { nameCore, openBackend, openStore } from "../shared/connect/open.ts";
import { readEnvironment } from "../shared/connect/settings.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import type { Json } from "../shared/queue/types.ts";
import { loadCore } from "../wasm/mod.ts";
import { createApp } from "./app.ts";
import { assembleEdge } from "./assemble.ts";
import { loadPreview, loadPrompted } from "./load_preview.ts";
import { readModelFile } from "./read_model_file.ts";
import { oidcOf, settingsOf } from "./read_settings.ts";
import { sweepOften } from "./sweep.ts";
import { deliverWebhooks } from "./webhooks.ts";

const CORE = new URL("../wasm/dist/core.wasm", import.meta.url);

const env = readEnvironment(process.env);
const log = (entry: Readonly<Record<string, Json>>) => {
  if (env.CYTOEDGE_LOG === "none") return;
  const line = JSON.stringify({ at: new Date().toISOString(), ...entry });
  process.stdout.write(`${line}\n`);
};
const model = env.CYTOEDGE_MODEL ?? findShippedModel();
if (model === undefined) throw new Error("CYTOEDGE_MODEL names no model");
const prompted = env.CYTOEDGE_PROMPT_MODEL;

const backend = await openBackend(env, "cytoedge edge");
const { store, serve, origin } = await openStore(env);
const bytes = new Uint8Array(await readFile(CORE));
const deps = await assembleEdge({
  core: await loadCore(bytes),
  coreVersion: nameCore(bytes),
  backend,
  store,
  log,
  loadPreview: () => loadPreview(model),
  readModel: (name) => readModelFile(model, name),
  ...(prompted ? { loadPrompted: () => loadPrompted(prompted) } : {}),
  settings: {
    ...settingsOf(env),
    ...(origin === undefined ? {} : { storeOrigins: [origin] }),
  },
  ...(serve ? { serveStored: serve } : {}),
  ...oidcOf(env),
});
const server = Deno.serve({
  hostname: env.CYTOEDGE_HOST,
  port: env.CYTOEDGE_PORT,
  onListen: ({ hostname, port }) => log({ event: "listening", hostname, port }),
}, createApp(deps).fetch);
// the first preview need not wait for the model
deps.preview().then(
  () => log({ event: "preview model loaded" }),
  (err: Error) => log({ event: "no preview model", error: err.message }),
);

const drain = new AbortController();
const loops = [sweepOften(deps, drain.signal)];
const secret = env.CYTOEDGE_WEBHOOK_SECRET;
if (secret) {
  const guard = deps.guards.webhooks;
  loops.push(deliverWebhooks({ ...deps, guard, secret }, drain.signal));
}

await untilStopped();
log({ event: "draining" });
drain.abort();
await server.shutdown();
await Promise.all(loops);
await store.close();
await backend.close();
log({ event: "ended" });

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}
