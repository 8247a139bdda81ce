/**
 * An edge on NATS and S3, until it is killed.
 *
 * @module
 */
import process from "node:process";
import { createApp } from "../../edge/app.ts";
import { assembleEdge } from "../../edge/assemble.ts";
import { sweep } from "../../edge/sweep.ts";
import { openNats } from "../../shared/queue/nats.ts";
import { core } from "../core.ts";
import { LEASE_MS, openStore, readConfig } from "./config.ts";
import { tellMemory } from "./memory.ts";
import { PART_SETTINGS } from "./multipart.ts";
import { createSleeper } from "./sleeper.ts";

const config = readConfig();
tellMemory();
const deps = await assembleEdge({
  core,
  coreVersion: "test",
  backend: await openNats({ servers: [config.nats] }),
  store: openStore(config.s3),
  loadPreview: () => Promise.resolve(createSleeper(0)),
  log: (entry) => {
    if ("error" in entry) process.stderr.write(`${JSON.stringify(entry)}\n`);
  },
  leaseMs: LEASE_MS,
  settings: PART_SETTINGS,
});
Deno.serve({
  port: config.port,
  hostname: "127.0.0.1",
  onListen: () => process.stdout.write("ready\n"),
}, createApp(deps).fetch);

// as `sweepOften`, at the pace of a run
setInterval(() => {
  sweep(deps, { graceMs: 2 * LEASE_MS }).catch((err) => {
    process.stderr.write(`sweep: ${err}\n`);
  });
}, 2 * LEASE_MS);
