/**
 * Put a worker together from a queue backend, an object store and a model,
 * and let it work until it is told to stop.
 *
 * @module
 */
import { join } from "node:path";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { FetchGuard } from "../shared/net/fetch_guard.ts";
import type { ImageTask, JobBook } from "../shared/queue/job_types.ts";
import type { ConsumeOptions } from "../shared/queue/consume_work.ts";
import { openModelBook } from "../shared/queue/models.ts";
import {
  TASK_LEASE_MS,
  type TaskBook,
  type TaskRecord,
} from "../shared/queue/tasks.ts";
import type { Json } from "../shared/queue/types.ts";
import type { UsageBook } from "../shared/queue/usage.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Core } from "../wasm/mod.ts";
import { consume, consumeTasks } from "./consume.ts";
import { keepTraining } from "./kept_training.ts";
import { DEFAULT_MODEL, openModelCache } from "./model_cache.ts";
import { runImport } from "./run_import.ts";
import { type JobDeps, runTask } from "./run_job.ts";
import type { WorkMetrics } from "./metrics.ts";
import { runTraining, type TrainingDeps } from "./run_training.ts";
import { sweepModels } from "./sweep_models.ts";
import { warmUp } from "./warm_up.ts";

/** Kinds of work, each from a queue of its own. */
export const WORK_KINDS = ["jobs", "imports", "trainings"] as const;

/** A kind of work. */
export type WorkKind = typeof WORK_KINDS[number];

/** What a worker is put together from. */
export interface WorkerParts {
  readonly core: Core;
  readonly coreVersion: string;
  readonly jobs: JobBook;
  readonly imports: TaskBook;
  readonly trainings: TaskBook;
  readonly usage: UsageBook;
  readonly store: ObjectStore;
  /** Folder of the model that comes with the service. */
  readonly shipped: string;
  /** Folder for models of tenants and for what is being worked on. */
  readonly folder: string;
  /** Load a model's folder. */
  readonly load: (folder: string) => Promise<Encoder>;
  /** Load one to measure what a training gave; default: `load`. */
  readonly loadForTraining?: (folder: string) => Promise<Encoder>;
  readonly guard?: FetchGuard;
  readonly pricePerGpuSecond: number;
  readonly log: ConsumeOptions["log"];
  readonly workMetrics?: WorkMetrics;
  /** ms since 1970. */
  readonly now: () => number;
  readonly maxLoaded?: number;
  /** Of models' copies on the disk. */
  readonly maxCopyBytes?: number | undefined;
  /** Between two times that a training's checkpoint is stored, ms. */
  readonly keepMs?: number;
  /** Threads of trainings. */
  readonly threads?: number;
}

/** How it works. */
export interface WorkOptions {
  /** Images at a time. */
  readonly concurrency: number;
  /** Of the jobs' queue. */
  readonly leaseMs: number;
  readonly kinds: readonly WorkKind[];
}

/** A worker that runs. */
export interface RunningWorker {
  /** The shipped model is loaded and has seen a tile. */
  readonly warm: Promise<void>;
  /** Do one image at once, beside the queue. */
  run(task: ImageTask, signal: AbortSignal): Promise<void>;
  /**
   * Take nothing more, finish the images that run, give trainings back to the
   * queue, unload.
   */
  drain(): Promise<void>;
}

/** Start working. */
export function startWorker(
  parts: WorkerParts,
  { concurrency, leaseMs, kinds }: WorkOptions,
): RunningWorker {
  const { core, store, log, now, imports, trainings } = parts;
  const cache = openModelCache({
    shipped: parts.shipped,
    models: openModelBook(imports, trainings),
    store,
    folder: join(parts.folder, "models"),
    load: parts.load,
    ...(parts.maxLoaded === undefined ? {} : { maxLoaded: parts.maxLoaded }),
    maxCopyBytes: parts.maxCopyBytes,
  });
  const work = join(parts.folder, "work");
  const deps: JobDeps = {
    core,
    coreVersion: parts.coreVersion,
    jobs: parts.jobs,
    store,
    findEncoder: cache.find,
    pricePerGpuSecond: parts.pricePerGpuSecond,
    now,
    ...(parts.guard ? { guard: parts.guard } : {}),
    ...(parts.workMetrics ? { workMetrics: parts.workMetrics } : {}),
  };
  const timed: WorkMetrics["task"] = parts.workMetrics?.task ??
    ((_, run) => run());
  const drain = new AbortController();
  const shared = { drain: drain.signal, log };
  const slow = { ...shared, leaseMs: TASK_LEASE_MS, concurrency: 1 };

  const start = {
    jobs: () => consume(deps, { ...shared, concurrency, leaseMs }),
    imports: () =>
      consumeTasks({
        book: imports,
        run: (task, signal) =>
          timed("import", () => runImport({ store, work }, task, signal)),
      }, slow),
    trainings: () => {
      const run = async (task: TaskRecord, signal: AbortSignal) => {
        const trainingDeps: TrainingDeps = {
          core,
          store,
          work,
          holdFolder: cache.holdFolder,
          openEncoder: parts.loadForTraining ?? parts.load,
          ...(parts.threads === undefined ? {} : { threads: parts.threads }),
          handBack: drain.signal,
          ...(parts.keepMs === undefined ? {} : { keepMs: parts.keepMs }),
          now,
          tell: (event) => trainings.tell(task, event),
        };
        const output = await timed(
          "training",
          () => runTraining(trainingDeps, task, signal),
        );
        await parts.usage.add({ tenant: task.tenant, id: task.key }, {
          gpuSeconds: output.seconds,
          price: output.seconds * parts.pricePerGpuSecond,
        });
        return output;
      };
      return consumeTasks({
        book: trainings,
        run,
        onEnd: (ref) => keepTraining(store, ref).drop(),
        // a training takes longer than whoever stops a process waits
      }, { ...slow, kill: drain.signal });
    },
  } satisfies Record<WorkKind, () => Promise<void>>;

  const warm = warmShipped(cache.find, log);
  const loops = [
    ...kinds.map((kind) => start[kind]()),
    sweepModels(cache, shared),
  ];
  return {
    warm,
    run: (task, signal) => runTask(deps, task, signal),
    async drain() {
      drain.abort();
      await warm;
      await Promise.all(loops);
      await cache.close();
    },
  };
}

/** Never rejects: jobs tell what is wrong with the model. */
async function warmShipped(
  find: (id: string, tenant: string) => Promise<Encoder>,
  log: (entry: Readonly<Record<string, Json>>) => void,
): Promise<void> {
  try {
    const encoder = await find(DEFAULT_MODEL, "");
    try {
      log({ event: "warm", ms: Math.round(await warmUp(encoder)) });
    } finally {
      await encoder.close();
    }
  } catch (err) {
    const error = err instanceof Error ? err.message : String(err);
    log({ event: "warm-up failed", error });
  }
}
