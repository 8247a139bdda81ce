/**
 * Parallel masks: several instances of the same module in workers, each with
 * its own slab of the image. The masks do not depend on their number.
 *
 * @module
 */
import { ArgumentError, CoreMemoryError } from "../shared/errors.ts";
import type { Size } from "../shared/ndarray.ts";
import { Arena } from "./arena.ts";
import { edges } from "./flows.ts";
import { compileCore, type CoreSource } from "./load.ts";
import type { Masks } from "./settings.ts";
import { computeMasksBySlab } from "./slab_masks.ts";
import type {
  CheckTask,
  SlabOptions,
  SlabRunner,
  Tracked,
  TrackTask,
} from "./slab_plan.ts";
import type { Answer, Request } from "./worker.ts";

/** How a pool is made. */
export interface PoolOptions {
  /** Workers, 1..1024; default the processors there are. */
  readonly workers?: number;
  /** Where `core.wasm` is; by default beside this package. */
  readonly source: CoreSource;
}

/** Several cores that compute one image together. Close it when done. */
export interface CorePool {
  /**
   * Compute masks as `computeMasks` of a core does, in all workers.
   *
   * @param flows     2×H×W or 3×D×H×W f32, unit scale, finite
   * @param cellprob  H×W or D×H×W f32, logit, no NaN
   * @param size      size of the image or volume
   * @param options   parameters of `computeMasks`; rows of a slab
   * @returns         the same masks as one core gives, bit for bit
   * @throws {ArgumentError | ShapeError | CoreMemoryError} as `computeMasks`
   * @throws {Error} if the pool is closed or a worker failed; a pool of which a
   *   worker failed stays so: close it and start another
   */
  computeMasks(
    flows: Float32Array,
    cellprob: Float32Array,
    size: Size,
    options?: SlabOptions,
  ): Promise<Masks>;
  /** End the workers; calls under way are rejected. */
  close(): void;
}

/** Workers of which each would have an instance of the module. */
const MAX_WORKERS = 1024;
/** Slabs a worker: enough to even out cells that lie unevenly. */
const SLABS_PER_WORKER = 2;
/** Rows below which a slab is mostly halo. */
const MIN_SLAB_ROWS = 64;

/**
 * Start a pool of workers.
 *
 * @param options  number of workers, and where the module is
 * @throws {ArgumentError} if `workers` is out of range
 * @throws {Error} where the runtime has no module workers
 */
export async function createPool(options: PoolOptions): Promise<CorePool> {
  const workers = options.workers ??
    globalThis.navigator?.hardwareConcurrency ?? 2;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new ArgumentError(
      "workers",
      `must be an integer from 1 to ${MAX_WORKERS}, is ${workers}`,
    );
  }
  const module = await compileCore(options.source);
  const arena = new Arena(module);
  const threads = await Promise.all(
    Array.from({ length: workers }, () => startThread(module)),
  );
  const idle = [...threads];
  const queue: ((thread: Thread) => void)[] = [];

  const run = async (task: TrackTask | CheckTask): Promise<unknown> => {
    const thread = idle.pop() ??
      await new Promise<Thread>((resolve) => queue.push(resolve));
    try {
      return await thread.run(task);
    } finally {
      const next = queue.shift();
      if (next) next(thread);
      else idle.push(thread);
    }
  };
  const runner: SlabRunner = {
    track: (task: TrackTask) => run(task) as Promise<Tracked>,
    check: (task: CheckTask) => run(task) as Promise<Float64Array<ArrayBuffer>>,
    concurrency: workers,
  };

  return {
    /** See `CorePool`. */
    // async, so that what is wrong is a rejection, not a throw
    // deno-lint-ignore require-await
    async computeMasks(flows, cellprob, size, options = {}) {
      const { d, h } = edges(size);
      const rows = d === 1 ? h : d;
      const slabRows = options.slabRows ??
        Math.max(
          d === 1 ? MIN_SLAB_ROWS : 1,
          Math.ceil(rows / (workers * SLABS_PER_WORKER)),
        );
      return computeMasksBySlab(arena, runner, {
        flows,
        cellprob,
        size,
        options: { ...options, slabRows },
      });
    },
    /** See `CorePool`. */
    close() {
      for (const thread of threads) thread.close();
    },
  };
}

/** A worker that runs one task at a time. */
interface Thread {
  run(task: TrackTask | CheckTask): Promise<unknown>;
  close(): void;
}

async function startThread(module: WebAssembly.Module): Promise<Thread> {
  const pending = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (err: Error) => void }
  >();
  // set once the worker can answer no more
  let failure: Error | undefined;
  const failAll = (err: Error) => {
    failure ??= err;
    for (const { reject } of pending.values()) reject(err);
    pending.clear();
  };
  const worker = await openWorker(
    ({ id, result, error }) => {
      const call = pending.get(id);
      pending.delete(id);
      if (error === undefined) call?.resolve(result);
      else if (error.bytes === undefined) {
        call?.reject(new Error(error.message));
      } else call?.reject(new CoreMemoryError(error.bytes));
    },
    failAll,
  );
  worker.send(module, []);
  let last = 0;
  return {
    run(task) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        pending.set(id, { resolve, reject });
        worker.send({ id, task }, buffersOf(task));
      });
    },
    close() {
      worker.close();
      failAll(new Error("The pool is closed"));
    },
  };
}

/** A task owns its arrays: they are moved, not copied. */
function buffersOf(task: TrackTask | CheckTask): ArrayBuffer[] {
  return Object.values(task).flatMap((value) =>
    ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : []
  );
}

/** A started worker, whatever the runtime calls it. */
interface OpenWorker {
  send(data: WebAssembly.Module | Request, moved: ArrayBuffer[]): void;
  close(): void;
}

async function openWorker(
  onAnswer: (answer: Answer) => void,
  onFailure: (err: Error) => void,
): Promise<OpenWorker> {
  // the bundle has worker.js beside it: wasm/build/code.ts
  const url = new URL("./worker.ts", import.meta.url);
  if (typeof Worker !== "undefined") {
    const worker = new Worker(url, { type: "module" });
    worker.addEventListener("message", ({ data }) => onAnswer(data));
    worker.addEventListener("messageerror", () => {
      onFailure(new Error("An answer of a worker could not be read"));
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      onFailure(new Error(`A worker of the pool failed: ${event.message}`));
    });
    return {
      send: (data, moved) => worker.postMessage(data, moved),
      close: () => worker.terminate(),
    };
  }
  // Node has threads instead of web workers
  const { Worker: NodeWorker } = await import(
    // a page's bundler must leave this import alone
    /* webpackIgnore: true */ /* @vite-ignore */ "node:worker_threads"
  );
  const worker = new NodeWorker(url);
  worker.on("message", onAnswer);
  worker.on("error", onFailure);
  worker.on("messageerror", onFailure);
  worker.on("exit", () => onFailure(new Error("A worker of the pool ended")));
  return {
    send: (data, moved) => worker.postMessage(data, moved),
    close: () => void worker.terminate(),
  };
}
