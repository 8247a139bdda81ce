/**
 * A worker: the loop that takes images, on NATS and S3, until SIGTERM.
 *
 * @module
 */
import process from "node:process";
import { consume } from "../../gpu-worker/consume.ts";
import { openNats } from "../../shared/queue/nats.ts";
import { core } from "../core.ts";
import { createFaults } from "../faults/faults.ts";
import { faultyBackend } from "../faults/faulty_backend.ts";
import { LEASE_MS, openBook, openStore, readConfig } from "./config.ts";
import { tellMemory } from "./memory.ts";
import { createSleeper } from "./sleeper.ts";

const config = readConfig();
tellMemory();
const { queueFaults: share } = config;
const now = () => Date.now() + config.skewMs;
const log = (entry: object) =>
  process.stderr.write(`${JSON.stringify(entry)}\n`);

const nats = await openNats({ servers: [config.nats], now });
const faults = createFaults(config.seed, {
  refused: share,
  unanswered: share,
  partial: 4 * share,
});
const backend = share > 0 ? faultyBackend(nats, faults) : nats;
const jobs = await openBook(backend, now);
const store = openStore(config.s3);
const drain = new AbortController();
process.on("SIGTERM", () => drain.abort());
process.stdout.write("ready\n");

const encoder = createSleeper(config.tileMs);
await consume({
  ...{ core, coreVersion: "test", jobs, store, now },
  pricePerGpuSecond: 1,
  findEncoder: () => Promise.resolve(encoder),
}, {
  ...{ concurrency: config.concurrency, leaseMs: LEASE_MS },
  ...{ drain: drain.signal, log },
});
await backend.close();
await store.close();
process.exit(0);
