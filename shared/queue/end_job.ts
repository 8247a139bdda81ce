/**
 * What follows from the end of a job: it is charged, and told.
 *
 * @module
 */
import type { JobRecord } from "./job_types.ts";
import type { JobQueue } from "./types.ts";
import type { UsageBook } from "./usage.ts";

/**
 * Charge a job to the key that asked for it, and queue the call of its
 * webhook; both bear repetition.
 */
export function createEnd(
  usage: UsageBook,
  webhooks: JobQueue,
): (job: JobRecord) => Promise<void> {
  return async (job) => {
    const share = job.total === 0 ? 0 : job.succeeded / job.total;
    await usage.add({ tenant: job.tenant, id: job.key }, {
      images: job.succeeded,
      pixels: job.quote.pixels * share,
      tiles: job.quote.tiles * share,
      gpuSeconds: job.gpuSeconds,
      price: job.price,
    }, { id: job.id, atMs: job.finished ?? job.created });
    if (job.webhook === null) return;
    const body = { tenant: job.tenant, job: job.id };
    await webhooks.publish({ id: job.id, body });
  };
}
