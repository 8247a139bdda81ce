/**
 * Edge and worker on a folder and an SQLite file, until they are killed.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { createApp } from "../../edge/app.ts";
import { assembleEdge } from "../../edge/assemble.ts";
import { sweep } from "../../edge/sweep.ts";
import { consume } from "../../gpu-worker/consume.ts";
import { openDataFolder } from "../../shared/connect/open.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { core } from "../core.ts";
import { LEASE_MS } from "./config.ts";
import { PART_SETTINGS } from "./multipart.ts";
import { createSleeper } from "./sleeper.ts";

/** What it is told. */
export interface FolderConfig {
  readonly data: string;
  readonly port: number;
  readonly seed: number;
}

const { data, port }: FolderConfig = JSON.parse(process.argv[2]);
const { store, serve } = await openDataFolder(data);
const encoder = createSleeper(5);
const deps = await assembleEdge({
  core,
  coreVersion: "test",
  backend: openSqlite({ path: join(data, "queue.sqlite") }),
  store,
  serveStored: serve,
  loadPreview: () => Promise.resolve(encoder),
  log: (entry) => {
    if ("error" in entry) process.stderr.write(`${JSON.stringify(entry)}\n`);
  },
  leaseMs: LEASE_MS,
  settings: PART_SETTINGS,
});
Deno.serve({
  port,
  hostname: "127.0.0.1",
  onListen: () => process.stdout.write("ready\n"),
}, createApp(deps).fetch);

setInterval(() => {
  sweep(deps, { graceMs: 2 * LEASE_MS }).catch((err) => {
    process.stderr.write(`sweep: ${err}\n`);
  });
}, 2 * LEASE_MS);
await consume({
  ...deps,
  findEncoder: () => Promise.resolve(encoder),
  pricePerGpuSecond: 1,
}, {
  ...{ concurrency: 2, leaseMs: LEASE_MS, log: deps.log },
  drain: new AbortController().signal,
});
