/**
 * What the processes of a run are told, as one argument of JSON.
 *
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createEnd } from "../../shared/queue/end_job.ts";
import { openJobBook } from "../../shared/queue/jobs.ts";
import type { QueueBackend } from "../../shared/queue/types.ts";
import { openUsageBook } from "../../shared/queue/usage.ts";
import { openWebhookQueue } from "../../shared/queue/webhooks.ts";
import { openS3, type S3Options } from "../../shared/storage/s3.ts";

/** A lease of the runs: a killed worker's images come again after it, ms. */
export const LEASE_MS = 2_500;
/** Of one request to the store, ms. */
const STORE_MS = 4_000;

/** Where the servers are, and how a process behaves. */
export interface ProcessConfig {
  readonly nats: string;
  readonly s3: S3Options;
  /** Of the edge. */
  readonly port: number;
  /** ms that the process' clock is ahead. */
  readonly skewMs: number;
  readonly seed: number;
  /** Shares of calls to the queue that go wrong. */
  readonly queueFaults: number;
  /** ms that the encoder sleeps a tile. */
  readonly tileMs: number;
  /** Images of a worker at a time. */
  readonly concurrency: number;
}

/** What this process was told. */
export function readConfig(): ProcessConfig {
  return JSON.parse(process.argv[2]);
}

/** The store of a run. */
export function openStore(s3: S3Options) {
  return openS3({ ...s3, timeoutMs: STORE_MS, maxAttempts: 2 });
}

/** The book of jobs as a worker opens it: what it ends is charged. */
export async function openBook(backend: QueueBackend, now: () => number) {
  const usage = openUsageBook(await backend.records("usage"), now);
  return await openJobBook(backend, {
    now,
    leaseMs: LEASE_MS,
    onEnd: createEnd(usage, await openWebhookQueue(backend)),
  });
}

/** SHA-256, hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
