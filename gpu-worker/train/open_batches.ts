/**
 * Batches made ahead, in a worker, while the network trains.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import type { Ask, Reply } from "./batch_worker.ts";
import { type BatchSpec, openBatchMaker, type Survey } from "./make_batches.ts";
import { type ItemStore, openStore } from "./open_items.ts";
import type { TrainBatch } from "./trainer_port.ts";

/** Where batches come from. Close it when done. */
export interface Batches {
  /** Batch `index`; the next ones are begun. */
  get(index: number): Promise<TrainBatch>;
  /** Milliseconds that making batches took, and how many were made. */
  cost(): { milliseconds: number; batches: number };
  close(): void;
}

/** A preparer: surveys, then opens batches; a worker keeps what it has read. */
export interface Preparer {
  survey(spec: BatchSpec): Promise<Survey>;
  open(spec: BatchSpec, ahead?: number): Promise<Batches>;
  close(): void;
}

/** Batches made beyond the one that is asked for. */
const AHEAD = 6;

/** Prepare in a worker. */
export async function openWorkerPreparer(core: Core): Promise<Preparer> {
  const worker = new Worker(new URL("./batch_worker.ts", import.meta.url), {
    type: "module",
  });
  const waiting: {
    resolve: (reply: Reply) => void;
    reject: (err: Error) => void;
  }[] = [];
  const failAll = (reason: string) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(reason));
  };
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    const call = waiting.shift();
    if ("error" in data) call?.reject(new Error(data.error));
    else call?.resolve(data);
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    failAll(`The worker that makes batches failed: ${event.message}`);
  });
  const ask = (message: Ask) =>
    new Promise<Reply>((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage(message);
    });
  await ask({ kind: "core", module: core.module });
  let last = 0;

  return {
    async survey(spec) {
      const reply = await ask({ kind: "survey", spec });
      return (reply as { survey: Survey }).survey;
    },
    async open(spec, ahead = AHEAD) {
      const id = ++last;
      await ask({ kind: "open", id, spec });
      const begun = new Map<number, Promise<TrainBatch>>();
      let [milliseconds, batches] = [0, 0];
      const begin = (index: number) => {
        const made = ask({ kind: "make", id, index }).then((reply) => {
          const { batch, ...cost } = reply as {
            batch: TrainBatch;
            milliseconds: number;
          };
          milliseconds += cost.milliseconds;
          batches++;
          return batch;
        });
        // a failure is told to whoever asks for this batch
        made.catch(() => {});
        begun.set(index, made);
        return made;
      };
      return {
        get(index) {
          // what lies behind is not asked for again
          for (const key of begun.keys()) if (key < index) begun.delete(key);
          const batch = begun.get(index) ?? begin(index);
          for (let next = index + 1; next <= index + ahead; next++) {
            if (!begun.has(next)) begin(next);
          }
          begun.delete(index);
          return batch;
        },
        cost: () => ({ milliseconds, batches }),
        close() {
          begun.clear();
          // unless the preparer was closed before
          ask({ kind: "close", id }).catch(() => {});
        },
      };
    },
    close() {
      worker.terminate();
      failAll("The worker was closed");
    },
  };
}

/** Prepare here, one batch when it is asked for. */
export function openLocalPreparer(core: Core): Preparer {
  let store: ItemStore | undefined;
  return {
    survey(spec) {
      store ??= openStore(core, spec.memoryBytes);
      return store.survey(spec.files, spec);
    },
    async open(spec) {
      store ??= openStore(core, spec.memoryBytes);
      const maker = await openBatchMaker(core, spec, store);
      let [milliseconds, batches] = [0, 0];
      return {
        async get(index) {
          const start = performance.now();
          const batch = await maker.make(index);
          milliseconds += performance.now() - start;
          batches++;
          return batch;
        },
        cost: () => ({ milliseconds, batches }),
        close: () => {},
      };
    },
    close: () => {},
  };
}
