/**
 * Edge and worker on a folder and an SQLite file, until they are killed.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { consume } from "../../gpu-worker/consume.ts";
import { openDataFolder } from "../../shared/connect/open.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import { LEASE_MS } from "./config.ts";
import { serveEdge } from "./serve_edge.ts";
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
const deps = await serveEdge(port, {
  backend: openSqlite({ path: join(data, "queue.sqlite") }),
  store,
  serveStored: serve,
  loadPreview: () => Promise.resolve(encoder),
});
await consume({
  ...deps,
  findEncoder: () => Promise.resolve(encoder),
  pricePerGpuSecond: 1,
}, {
  ...{ concurrency: 2, leaseMs: LEASE_MS, log: deps.log },
  drain: new AbortController().signal,
});
