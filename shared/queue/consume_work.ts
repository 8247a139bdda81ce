/**
 * Take messages from a queue and do what they say, several at a time, until
 * told to stop.
 *
 * @module
 */
import type { Care, State } from "./job_types.ts";
import type { Delivery, JobQueue, Json } from "./types.ts";

/** What is taken, and what is done with it. */
export interface Work<Task> {
  readonly queue: JobQueue;
  /** Do it and record its success. */
  readonly run: (task: Task, signal: AbortSignal) => Promise<void>;
  /** Record that it can never succeed. */
  readonly fail: (task: Task, error: string) => Promise<unknown>;
  /** Whether it may succeed later or elsewhere; default: always. */
  readonly isRetriable?: (err: unknown) => boolean;
  /** How it may be run when it comes again; default: beside others. */
  readonly judge?: (task: Task) => Promise<Care>;
  /**
   * Record that an attempt failed and its process lives; false: there must be
   * no further one. Default: the queue counts.
   */
  readonly release?: (task: Task) => Promise<boolean>;
  /**
   * Queue a task anew that was stopped by `kill`, with all its attempts;
   * default: it is given back.
   */
  readonly again?: (task: Task) => Promise<void>;
  /** Pause before the next attempt, ms; default: half a second, doubled. */
  readonly retryMs?: (attempt: number) => number;
  /** Its state as it changes: a cancelled task is stopped. */
  readonly watch?: (
    task: Task,
    signal: AbortSignal,
  ) => AsyncIterable<{ readonly state: State }>;
}

/** How tasks are taken. */
export interface ConsumeOptions {
  /** Tasks at a time; tiles of images share batches. */
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
export async function consumeWork<Task>(
  work: Work<Task>,
  options: ConsumeOptions,
): Promise<void> {
  const { concurrency, drain } = options;
  const running = new Set<Promise<void>>();
  const start = (delivery: Delivery) => {
    const done = handle(work, delivery, options)
      .finally(() => running.delete(done));
    running.add(done);
    return done;
  };
  while (!drain.aborted) {
    const deliveries = await work.queue.pull({
      limit: concurrency - running.size,
      waitMs: WAIT_MS,
      signal: drain,
    }).catch(async (err: unknown) => {
      options.log({ event: "pull failed", error: describe(err) });
      await pause(RETRY_MS, drain);
      return [];
    });
    const risky: Lease[] = [];
    for (const delivery of deliveries) {
      const care = await judge(work, delivery, options);
      if (care === "beside others") start(delivery);
      else if (care === "alone") risky.push(keepLease(delivery, options));
    }
    for (const { delivery, isOurs, end } of risky) {
      await Promise.all(running);
      end();
      if (drain.aborted) await giveAway(delivery, options);
      else if (isOurs()) await start(delivery);
    }
    if (running.size >= concurrency) await Promise.race(running);
  }
  await Promise.all(running);
}

/** How a delivery may be run; what is given up is settled. */
async function judge<Task>(
  work: Work<Task>,
  delivery: Delivery,
  { log }: ConsumeOptions,
): Promise<Care> {
  // nothing became of what comes for the first time
  if (work.judge === undefined || delivery.attempt === 1) {
    return "beside others";
  }
  try {
    const care = await work.judge(delivery.body as unknown as Task);
    if (typeof care !== "string") await delivery.reject(care.giveUp);
    return care;
  } catch (err) {
    log({ event: "judge failed", task: delivery.id, error: describe(err) });
    const error = describe(err);
    await delivery.nak({ error, delayMs: RETRY_MS }).catch(() => {});
    return { giveUp: error };
  }
}

/** A delivery that waits for its turn. */
interface Lease {
  readonly delivery: Delivery;
  /** False where somebody else has it. */
  isOurs(): boolean;
  end(): void;
}

function keepLease(delivery: Delivery, { leaseMs }: ConsumeOptions): Lease {
  let isOurs = true;
  const renewal = setInterval(() => {
    delivery.extend().then((kept) => isOurs &&= kept, () => {});
  }, leaseMs / 3);
  return { delivery, isOurs: () => isOurs, end: () => clearInterval(renewal) };
}

/** Give back what was not begun. */
async function giveAway(
  delivery: Delivery,
  { log }: ConsumeOptions,
): Promise<void> {
  await delivery.nak({ error: "The worker stops" }).catch((err: unknown) => {
    log({ event: "settle failed", task: delivery.id, error: describe(err) });
  });
}

async function handle<Task>(
  work: Work<Task>,
  delivery: Delivery,
  { leaseMs, kill, log }: ConsumeOptions,
): Promise<void> {
  const task = delivery.body as unknown as Task;
  const stop = new AbortController();
  const onKill = () => stop.abort();
  kill?.addEventListener("abort", onKill);
  if (kill?.aborted) stop.abort();
  const renewal = setInterval(() => {
    // a lost lease: somebody else has the task
    delivery.extend().then((isOurs) => isOurs || stop.abort(), () => {});
  }, leaseMs / 3);
  const cancelled = watchCancel(work, task, stop);
  try {
    await work.run(task, stop.signal);
    await delivery.ack();
  } catch (err) {
    await giveBack(work, {
      delivery,
      task,
      err,
      isStopped: stop.signal.aborted,
      isKilled: kill?.aborted ?? false,
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
async function giveBack<Task>(
  work: Work<Task>,
  { delivery, task, err, isStopped, isKilled }: {
    delivery: Delivery;
    task: Task;
    err: unknown;
    isStopped: boolean;
    isKilled: boolean;
  },
): Promise<void> {
  const error = describe(err);
  const { isRetriable = () => true, retryMs = doubled } = work;
  if (isKilled && work.again) {
    await work.again(task);
    return await delivery.ack();
  }
  if (isStopped) return await delivery.nak({ error });
  if (isRetriable(err)) {
    const isAgain = await work.release?.(task) ?? true;
    const delayMs = retryMs(delivery.attempt);
    await (isAgain ? delivery.nak({ error, delayMs }) : delivery.reject(error));
    return;
  }
  await work.fail(task, error);
  await delivery.ack();
}

/** Stop a task whose job is cancelled. */
function watchCancel<Task>(
  work: Work<Task>,
  task: Task,
  stop: AbortController,
): AbortController {
  const over = new AbortController();
  if (work.watch === undefined) return over;
  const changes = work.watch(task, over.signal);
  (async () => {
    for await (const { state } of changes) {
      if (state === "cancelled") stop.abort();
    }
  })().catch(() => {});
  return over;
}

function doubled(attempt: number): number {
  return RETRY_MS * 2 ** (attempt - 1);
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
