/**
 * Take the worker's tasks from their queues: images of jobs, imports,
 * trainings.
 *
 * @module
 */
import {
  type ConsumeOptions,
  consumeWork,
} from "../shared/queue/consume_work.ts";
import type { ImageTask } from "../shared/queue/job_types.ts";
import type { TaskBook, TaskRecord, TaskRef } from "../shared/queue/tasks.ts";
import type { Json } from "../shared/queue/types.ts";
import { isRetriable } from "./retriable.ts";
import { type JobDeps, runTask } from "./run_job.ts";

export type { ConsumeOptions } from "../shared/queue/consume_work.ts";

/** Do images of jobs until `drain`. */
export function consume(
  deps: JobDeps,
  options: ConsumeOptions,
): Promise<void> {
  const { jobs } = deps;
  return consumeWork<ImageTask>({
    queue: jobs.queue,
    isRetriable,
    judge: jobs.judge,
    release: jobs.release,
    run: (task, signal) => runTask(deps, task, signal),
    fail: (task, error) =>
      jobs.settle(task, { state: "failed", error, gpuSeconds: 0, price: 0 }),
    watch: ({ tenant, job }, signal) => jobs.watch(tenant, job, signal),
  }, options);
}

/** What is done for one kind of tasks. */
export interface TaskWork {
  readonly book: TaskBook;
  /** Gives the task's output. */
  readonly run: (task: TaskRecord, signal: AbortSignal) => Promise<Json>;
  /** Called when it has ended, whatever way; again where that was cut short. */
  readonly onEnd?: (ref: TaskRef) => Promise<void>;
}

/** Do tasks of one kind until `drain`. */
export function consumeTasks(
  { book, run, onEnd = () => Promise.resolve() }: TaskWork,
  options: ConsumeOptions,
): Promise<void> {
  return consumeWork<TaskRef>({
    queue: book.queue,
    isRetriable,
    async run(ref, signal) {
      const task = await book.start(ref);
      if (task === undefined) return await onEnd(ref);
      const output = await run(task, signal);
      signal.throwIfAborted();
      await book.settle(ref, { state: "succeeded", output });
      await onEnd(ref);
    },
    async fail(ref, error) {
      await book.settle(ref, { state: "failed", error });
      await onEnd(ref);
    },
    again: book.again,
    watch: ({ tenant, id }, signal) => book.watch(tenant, id, signal),
  }, options);
}
