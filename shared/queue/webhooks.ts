/**
 * The queue of ends that are to be told to webhooks.
 *
 * @module
 */
import type { JobQueue, QueueBackend } from "./types.ts";

/** What a message says. */
export interface WebhookTask {
  readonly tenant: string;
  readonly job: string;
}

/** A call takes at most half of this, ms. */
export const WEBHOOK_LEASE_MS = 60_000;

/** Open it: 15 attempts over most of a day, an end is queued once. */
export function openWebhookQueue(backend: QueueBackend): Promise<JobQueue> {
  return backend.queue("webhooks", {
    leaseMs: WEBHOOK_LEASE_MS,
    maxDeliveries: 15,
    dedupeMs: 24 * 3600 * 1000,
  });
}

/** Pause after a failed attempt, ms: 5 s, doubled, up to 2 h. */
export function webhookPauseMs(attempt: number): number {
  return Math.min(5_000 * 2 ** (attempt - 1), 2 * 3600 * 1000);
}
