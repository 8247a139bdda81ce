/**
 * Take tasks from the queue and do them, several at a time, until told to stop.
 *
 * @module
 */
import type { ImageTask } from "../shared/queue/job_types.ts";
import type { Delivery, Json } from "../shared/queue/types.ts";
import { isRetriable } from "./retriable.ts";
import { type JobDeps, runTask } from "./run_job.ts";

/** How tasks are taken. */
export interface ConsumeOptions {
  /** Images at a time; their tiles share batches. */
  readonly concurrency: number;
  /** Of the queue: a lease is renewed at a third of it. */
  readonly leaseMs: number;
  /** Ends taking; tasks that run are finished first. */
  readonly drain: AbortSignal;
  /** Ends tasks that run, too: they come again elsewhere. */
  readonly kill?: AbortSignal;
  readonly log: (entry: Readonly<Record<string, Json>>) => void;
}

/** How long a pull waits for a task, ms. */
const WAIT_MS = 5000;
/** The first retry comes after this, each further one after twice as much. */
const RETRY_MS = 500;

/** Work until `drain`; resolves when the last task is finished. */
export async function consume(
  deps: JobDeps,
  options: ConsumeOptions,
): Promise<void> {
  const { concurrency, drain } = options;
  const running = new Set<Promise<void>>();
  while (!drain.aborted) {
    const deliveries = await deps.jobs.queue.pull({
      limit: concurrency - running.size,
      waitMs: WAIT_MS,
      signal: drain,
    }).catch(async (err: unknown) => {
      options.log({ event: "pull failed", error: describe(err) });
      await pause(RETRY_MS, drain);
      return [];
    });
    for (const delivery of deliveries) {
      const done = handle(deps, delivery, options)
        .finally(() => running.delete(done));
      running.add(done);
    }
    if (running.size >= concurrency) await Promise.race(running);
  }
  await Promise.all(running);
}

async function handle(
  deps: JobDeps,
  delivery: Delivery,
  { leaseMs, kill, log }: ConsumeOptions,
): Promise<void> {
  const task = delivery.body as unknown as ImageTask;
  const stop = new AbortController();
  const onKill = () => stop.abort();
  kill?.addEventListener("abort", onKill);
  const renewal = setInterval(() => {
    // a lost lease: somebody else has the task
    delivery.extend().then((isOurs) => isOurs || stop.abort(), () => {});
  }, leaseMs / 3);
  const cancelled = watchCancel(deps, task, stop);
  try {
    await runTask(deps, task, stop.signal);
    await delivery.ack();
  } catch (err) {
    await giveBack(deps, {
      delivery,
      task,
      err,
      isStopped: stop.signal.aborted,
    })
      .catch((error: unknown) => {
        // the lease runs out and the task comes again
        log({
          event: "settle failed",
          task: delivery.id,
          error: describe(error),
        });
      });
    log({ event: "task failed", task: delivery.id, error: describe(err) });
  } finally {
    clearInterval(renewal);
    kill?.removeEventListener("abort", onKill);
    cancelled.abort();
  }
}

/** What becomes of a task that did not succeed. */
async function giveBack(
  deps: JobDeps,
  { delivery, task, err, isStopped }: {
    delivery: Delivery;
    task: ImageTask;
    err: unknown;
    isStopped: boolean;
  },
): Promise<void> {
  const error = describe(err);
  if (isStopped || isRetriable(err)) {
    const delayMs = RETRY_MS * 2 ** (delivery.attempt - 1);
    await delivery.nak({ error, delayMs: isStopped ? 0 : delayMs });
    return;
  }
  await deps.jobs.settle(task, {
    state: "failed",
    error,
    gpuSeconds: 0,
    price: 0,
  });
  await delivery.ack();
}

/** Stop a task whose job is cancelled. */
function watchCancel(
  { jobs }: JobDeps,
  { tenant, job }: ImageTask,
  stop: AbortController,
): AbortController {
  const over = new AbortController();
  (async () => {
    for await (const { state } of jobs.watch(tenant, job, over.signal)) {
      if (state === "cancelled") stop.abort();
    }
  })().catch(() => {});
  return over;
}

function describe(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
