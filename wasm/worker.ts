/**
 * A worker of the pool: one instance of the module, which runs the tasks of
 * slabs that it is sent.
 *
 * In: the compiled module, then `{ id, task }`. Out: `{ id, result }` or
 * `{ id, error }`.
 *
 * @module
 */
import { CoreMemoryError } from "../shared/errors.ts";
import { Arena } from "./arena.ts";
import type { CheckTask, TrackTask } from "./slab_plan.ts";
import { slabTasks } from "./slab_tasks.ts";

/** What a worker is sent after the module. */
export interface Request {
  readonly id: number;
  readonly task: TrackTask | CheckTask;
}

/** What it answers. */
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly bytes?: number };
}

/** The side of the pool: web workers and Node's threads differ in this only. */
interface Port {
  listen(handle: (data: WebAssembly.Module | Request) => void): void;
  send(answer: Answer): void;
}

const port = await openPort();
let tasks: ReturnType<typeof slabTasks> | undefined;

port.listen((data) => {
  if (data instanceof WebAssembly.Module) {
    tasks = slabTasks(new Arena(data));
  } else if (tasks !== undefined) {
    port.send(answer(tasks, data));
  }
});

function answer(
  run: ReturnType<typeof slabTasks>,
  { id, task }: Request,
): Answer {
  try {
    const result = task.kind === "track"
      ? run.trackSlab(task)
      : run.checkSlab(task);
    return { id, result };
  } catch (err) {
    const message = err instanceof Error ? err.message : String(err);
    return err instanceof CoreMemoryError
      ? { id, error: { message, bytes: err.bytes } }
      : { id, error: { message } };
  }
}

async function openPort(): Promise<Port> {
  const scope = globalThis as unknown as {
    postMessage?: (data: Answer) => void;
    addEventListener?: (
      type: string,
      handle: (event: MessageEvent) => void,
    ) => void;
  };
  if (scope.postMessage && scope.addEventListener) {
    return {
      listen: (handle) =>
        scope.addEventListener?.("message", ({ data }) => handle(data)),
      send: (data) => scope.postMessage?.(data),
    };
  }
  const { parentPort } = await import(
    // a page's bundler must leave this import alone
    /* webpackIgnore: true */ /* @vite-ignore */ "node:worker_threads"
  );
  return {
    listen: (handle) => parentPort?.on("message", handle),
    send: (data) => parentPort?.postMessage(data),
  };
}
