/**
 * Complete what processes that died left half done: jobs written down but not
 * queued, ends that were not told, uploads whose parts never came; and name
 * the jobs that seem stuck.
 *
 * Every step may run in several edges at once: each can be repeated.
 *
 * @module
 */
import { isSegError } from "../shared/errors.ts";
import type { OpenJob } from "../shared/queue/job_types.ts";
import { eachItem, type PageOptions } from "../shared/queue/pages.ts";
import type { EdgeDeps } from "./deps.ts";

/** When something counts as left behind. */
export interface SweepOptions {
  /** Jobs and tasks that young may still be in somebody's hands; ms. */
  readonly graceMs?: number;
  /** Uploads in parts end after this, ms. */
  readonly uploadMs?: number;
  /** A job without an event for so long is stuck; ms. */
  readonly stuckMs?: number;
}

/** What was found and done. */
export interface Swept {
  /** Jobs that were queued, or whose end was told. */
  readonly jobs: number;
  readonly uploads: number;
  readonly tasks: number;
  /** Ids of jobs that have not moved for long. */
  readonly stuck: readonly string[];
}

type SweepDeps = Pick<
  EdgeDeps,
  "jobs" | "imports" | "trainings" | "store" | "uploads" | "metrics" | "now"
>;

/** Pause between sweeps, ms. */
const EVERY_MS = 60_000;

/** Sweep once. */
export async function sweep(
  deps: SweepDeps,
  {
    graceMs = 60_000,
    uploadMs = 24 * 3600_000,
    stuckMs = 30 * 60_000,
  }: SweepOptions = {},
): Promise<Swept> {
  const { jobs, now } = deps;
  const mended = await jobs.sweep(now() - graceMs);
  const stuck: string[] = [];
  for await (const job of eachItem(jobs.open, (last) => last)) {
    // the younger ones need no look at their events
    if (now() - job.since < stuckMs) continue;
    if (now() - await lastSign(deps, job) > stuckMs) stuck.push(job.id);
  }
  deps.metrics.stuck(stuck.length);
  return {
    jobs: mended,
    uploads: await expireUploads(deps, now() - uploadMs),
    tasks: await deps.imports.republish(now() - graceMs) +
      await deps.trainings.republish(now() - graceMs),
    stuck,
  };
}

/** Sweep now and then until `drain`. */
export async function sweepOften(
  deps: SweepDeps & Pick<EdgeDeps, "log">,
  drain: AbortSignal,
  everyMs = EVERY_MS,
): Promise<void> {
  while (!drain.aborted) {
    try {
      const { stuck, ...counts } = await sweep(deps);
      if (stuck.length > 0 || Object.values(counts).some((n) => n > 0)) {
        deps.log({ event: "swept", ...counts, stuck: stuck.slice(0, 20) });
      }
    } catch (err) {
      const error = err instanceof Error ? err.message : String(err);
      deps.log({ event: "sweep failed", error });
    }
    await pause(everyMs, drain);
  }
}

/** When a job last told something; ms since 1970. */
async function lastSign(
  { jobs }: SweepDeps,
  { tenant, id, since }: OpenJob,
): Promise<number> {
  let last = since;
  const events = eachItem(
    (page: PageOptions<number>) => jobs.events.read([tenant, id], page),
    ({ seq }) => seq,
  );
  for await (const { atMs } of events) last = atMs;
  return last;
}

async function expireUploads(
  { store, uploads }: SweepDeps,
  beforeMs: number,
): Promise<number> {
  let count = 0;
  for (const upload of await store.listMultiparts("tenants/")) {
    if (upload.startedMs > beforeMs) continue;
    await store.abortMultipart(upload);
    const [, tenant, area, ...path] = upload.key.split("/");
    const id = path.at(-1);
    // whoever joined them may have fallen before the parts were gone
    const isStored = await store.head(upload.key) !== undefined;
    if (area === "uploads" && id !== undefined && !isStored) {
      await uploads.delete([tenant, id]).catch((err: unknown) => {
        if (!isSegError(err, "not-found")) throw err;
      });
    }
    count++;
  }
  return count;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
