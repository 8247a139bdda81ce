/**
 * A worker that reads items and makes batches while the network trains.
 *
 * In: `Ask`. Out: `Reply`, one for each, in order.
 *
 * @module
 */
import { createCore } from "../../wasm/mod.ts";
import {
  type BatchMaker,
  type BatchSpec,
  openBatchMaker,
  type Survey,
} from "./make_batches.ts";
import type { TrainBatch } from "./trainer_port.ts";
import { type ItemStore, openStore } from "./open_items.ts";

/** What the worker is sent. */
export type Ask =
  | { readonly kind: "core"; readonly module: WebAssembly.Module }
  | { readonly kind: "survey"; readonly spec: BatchSpec }
  | { readonly kind: "open"; readonly id: number; readonly spec: BatchSpec }
  | { readonly kind: "close"; readonly id: number }
  | { readonly kind: "make"; readonly id: number; readonly index: number };

/** What it answers. */
export type Reply =
  | { readonly survey: Survey }
  | { readonly batch: TrainBatch; readonly milliseconds: number }
  | { readonly error: string }
  | Record<string, never>;

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Ask>) => void;
  postMessage(reply: Reply, moved?: ArrayBuffer[]): void;
};
let core: ReturnType<typeof createCore> | undefined;
let store: ItemStore | undefined;
const makers = new Map<number, BatchMaker>();
let turn: Promise<void> = Promise.resolve();

// one ask after the other
scope.onmessage = ({ data }) => {
  turn = turn.then(() => answer(data)).catch((err) => {
    scope.postMessage({
      error: err instanceof Error ? err.message : String(err),
    });
  });
};

async function answer(ask: Ask): Promise<void> {
  if (ask.kind === "core") {
    core = createCore(ask.module);
    return scope.postMessage({});
  }
  if (core === undefined) throw new Error("The worker has no core");
  if (ask.kind === "survey") {
    store ??= openStore(core, ask.spec.memoryBytes);
    const survey = await store.survey(ask.spec.files, ask.spec);
    return scope.postMessage({ survey });
  }
  if (ask.kind === "open") {
    store ??= openStore(core, ask.spec.memoryBytes);
    makers.set(ask.id, await openBatchMaker(core, ask.spec, store));
    return scope.postMessage({});
  }
  if (ask.kind === "close") {
    makers.delete(ask.id);
    return scope.postMessage({});
  }
  const maker = makers.get(ask.id);
  if (maker === undefined) throw new Error("The worker was not opened");
  const start = performance.now();
  const batch = await maker.make(ask.index);
  const milliseconds = performance.now() - start;
  scope.postMessage({ batch, milliseconds }, [
    batch.images.buffer as ArrayBuffer,
    batch.targets.buffer as ArrayBuffer,
  ]);
}
