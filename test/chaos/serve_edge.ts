/**
 * An edge that sweeps at the pace of a run, until its process is killed.
 *
 * @module
 */
import process from "node:process";
import { createApp } from "../../edge/app.ts";
import { assembleEdge } from "../../edge/assemble.ts";
import type { EdgeDeps } from "../../edge/deps.ts";
import { sweep } from "../../edge/sweep.ts";
import { core } from "../core.ts";
import { LEASE_MS } from "./config.ts";
import { PART_SETTINGS } from "./multipart.ts";

/** Where it keeps things, and its network for previews. */
type EdgeParts = Pick<
  Parameters<typeof assembleEdge>[0],
  "backend" | "store" | "serveStored" | "loadPreview"
>;

/** Assemble and serve it on a port; `ready` is told on the standard output. */
export async function serveEdge(
  port: number,
  parts: EdgeParts,
): Promise<EdgeDeps> {
  const deps = await assembleEdge({
    ...parts,
    core,
    coreVersion: "test",
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
  return deps;
}
