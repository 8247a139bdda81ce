/**
 * Tell ends of jobs to the webhooks that ask for them: signed, retried through
 * the queue, to allowed hosts only.
 *
 * Headers and signature are those of the Standard Webhooks specification 1.0:
 * `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature` =
 * `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { ForbiddenError, isSegError } from "../shared/errors.ts";
import type { FetchGuard } from "../shared/net/fetch_guard.ts";
import { consumeWork } from "../shared/queue/consume_work.ts";
import type { JobBook, JobRecord } from "../shared/queue/job_types.ts";
import type { JobQueue, Json } from "../shared/queue/types.ts";
import {
  WEBHOOK_LEASE_MS,
  webhookPauseMs,
  type WebhookTask,
} from "../shared/queue/webhooks.ts";

/** What telling works with. */
export interface WebhookDeps {
  readonly jobs: Pick<JobBook, "get">;
  readonly webhooks: JobQueue;
  readonly guard: FetchGuard;
  readonly secret: Uint8Array;
  /** ms since 1970. */
  readonly now: () => number;
  readonly log: (entry: Readonly<Record<string, Json>>) => void;
}

/** Calls at a time. */
const CONCURRENCY = 8;
const CALL_MS = 15_000;

/** Tell until `drain`. */
export function deliverWebhooks(
  deps: WebhookDeps,
  drain: AbortSignal,
  retryMs: (attempt: number) => number = webhookPauseMs,
): Promise<void> {
  return consumeWork<WebhookTask>({
    queue: deps.webhooks,
    run: (task) => deliver(deps, task),
    // what is not allowed, or gone, stays so
    isRetriable: (err) => !isSegError(err, "forbidden", "not-found"),
    retryMs,
    fail: ({ job }, error) =>
      Promise.resolve(deps.log({ event: "webhook refused", job, error })),
  }, {
    concurrency: CONCURRENCY,
    leaseMs: WEBHOOK_LEASE_MS,
    drain,
    log: deps.log,
  });
}

async function deliver(deps: WebhookDeps, task: WebhookTask): Promise<void> {
  const job = await deps.jobs.get(task.tenant, task.job);
  if (job.webhook === null) return;
  const body = JSON.stringify(describeEnd(job));
  const timestamp = Math.floor(deps.now() / 1000);
  const { status } = await deps.guard.call(job.webhook, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "cytoedge",
      "webhook-id": job.id,
      "webhook-timestamp": `${timestamp}`,
      "webhook-signature": signWebhook(deps.secret, {
        id: job.id,
        timestamp,
        body,
      }),
    },
    body,
    timeoutMs: CALL_MS,
  });
  // 410: whoever listened there wants no more
  if (status === 410) throw new ForbiddenError("The webhook is gone (410)");
  if (status < 200 || status >= 300) {
    throw new Error(`The webhook answered ${status}`);
  }
}

/** The body of a webhook's call. */
export function describeEnd(job: JobRecord): Json {
  return {
    type: `job.${job.state}`,
    timestamp: new Date(job.finished ?? job.created).toISOString(),
    data: {
      id: job.id,
      state: job.state,
      images: {
        total: job.total,
        succeeded: job.succeeded,
        failed: job.failed,
      },
      error: job.error,
    },
  };
}

/** The value of `webhook-signature`. */
export function signWebhook(
  secret: Uint8Array,
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): string {
  const mac = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`);
  return `v1,${mac.digest("base64")}`;
}
