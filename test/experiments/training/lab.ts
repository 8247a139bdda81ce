/**
 * The bench that experiments with training work at: it trains and scores, and
 * does neither twice.
 *
 * Every training has a folder, named by a digest of all that it depends on. A
 * finished one is not trained again, one that was killed goes on from its
 * checkpoint, and one for which there is no time left is not begun.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkOptions, type TrainOptions } from "../../../cli/train/options.ts";
import { decide, makeRequest } from "../../../cli/train/request.ts";
import {
  openTrainable,
  type TrainableChoice,
} from "../../../gpu-worker/train/open_trainable.ts";
import { readLog } from "../../../gpu-worker/train/run_log.ts";
import type { ImageScore } from "../../../gpu-worker/train/score_model.ts";
import type { Trainable } from "../../../gpu-worker/train/trainable.ts";
import { FILES } from "../../../gpu-worker/train/train_loop.ts";
import {
  type Items,
  scoreFolder,
  type TrainDeps,
  trainOn,
  writeWhole,
} from "../../../gpu-worker/train/train_model.ts";
import { tuneModel } from "../../../gpu-worker/train/tune_model.ts";

/** An image to learn from or to score on. */
export type Item = Items["usable"][number];

/** A finished training. */
export interface Trained {
  /** Of the model. */
  readonly folder: string;
  readonly steps: number;
  /** Of training, guard included. */
  readonly seconds: number;
  /** Mean loss of each epoch, before its steps' updates. */
  readonly losses: readonly number[];
  /** What the guard said, where it was asked. */
  readonly isAdopted?: boolean;
}

/** What to train, and on what. */
export interface Task {
  /** For progress and the folder's name. */
  readonly name: string;
  readonly items: readonly Item[];
  /** As `train` takes them: `network` or `from`, and numbers. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Ask the guard, too; for tuned models. */
  readonly hasGuard?: boolean;
  /** Train the network otherwise than `train` would; `name` tells how. */
  readonly change?: {
    readonly name: string;
    readonly choice?: Pick<TrainableChoice, "start" | "loss">;
    readonly network?: (network: Trainable) => Trainable;
    readonly preparer?: (
      preparer: TrainDeps["preparer"],
    ) => TrainDeps["preparer"];
  };
}

/** Trains, scores, remembers. */
export interface Lab {
  readonly deps: TrainDeps;
  /** For what is kept. */
  readonly folder: string;
  /** @returns nothing if there is no time left for it */
  train(task: Task): Promise<Trained | undefined>;
  /** Scores of a model, diameters given, in the order of the items. */
  score(folder: string, items: readonly Item[]): Promise<ImageScore[]>;
}

/** How a lab works. */
export interface LabOptions {
  readonly deps: TrainDeps;
  readonly folder: string;
  readonly threads: number;
  /** No training is begun after this, as `Date.now()` counts. */
  readonly deadline: number;
}

/** Open it. */
export function openLab({ deps, folder, threads, deadline }: LabOptions): Lab {
  return {
    deps,
    folder,
    async train(task) {
      const { name, items, options, hasGuard = false, change } = task;
      const given = checkOptions({
        minMasks: 1,
        // where the items lie is told by themselves
        images: ["-"],
        ...options,
      });
      const { from } = given;
      const key = digest({
        given,
        parent: from === null ? null : readModelDigest(from),
        items: items.map(({ name, facts }) => [name, facts]),
        hasGuard,
        change: change?.name ?? null,
      });
      const place = join(folder, `${name.replace(/[^\w-]+/g, "_")}-${key}`);
      const done = join(place, "done.json");
      if (existsSync(done)) {
        const kept = JSON.parse(readFileSync(done, "utf8")) as Trained;
        return { ...kept, folder: place };
      }
      if (Date.now() >= deadline) return undefined;
      deps.say(`training ${name}: ${items.length} images`);
      const trained = await trainNow(task, given, { deps, place, threads });
      rmSync(join(place, FILES.checkpoint), { force: true });
      rmSync(join(place, "folds"), { recursive: true, force: true });
      writeWhole(done, JSON.stringify(trained));
      const { steps, seconds } = trained;
      deps.say(`trained ${name}: ${steps} steps, ${seconds.toFixed(0)} s`);
      return { ...trained, folder: place };
    },
    async score(model, items) {
      const key = digest([
        readModelDigest(model),
        items.map(({ name, facts }) => [name, facts]),
      ]);
      const path = join(folder, "scores", `${key}.json`);
      if (existsSync(path)) {
        return JSON.parse(readFileSync(path, "utf8")) as ImageScore[];
      }
      const scores = await scoreFolder(model, items, deps);
      mkdirSync(join(folder, "scores"), { recursive: true });
      writeWhole(path, JSON.stringify(scores));
      return scores;
    },
  };
}

/** Train, from the checkpoint in `place` if there is one. */
async function trainNow(
  { items, hasGuard = false, change }: Task,
  given: TrainOptions,
  { deps, place, threads }: {
    deps: TrainDeps;
    place: string;
    threads: number;
  },
): Promise<Omit<Trained, "folder">> {
  const { network: name, from, seed, batch } = given;
  const opened = await openTrainable({
    network: name,
    from,
    seed,
    weightDecay: decide(given).weightDecay,
    threads,
    ...change?.choice,
  });
  // true diameters are given wherever these models are scored
  const { fitSize: _, ...bare } = opened;
  const network = change?.network?.(bare) ?? bare;
  const preparer = change?.preparer?.(deps.preparer) ?? deps.preparer;
  const used: TrainDeps = { ...deps, preparer, say: () => {} };
  const request = await makeRequest(given, {
    network,
    out: place,
    deps: used,
    core: deps.core,
  });
  const started = performance.now();
  const job = { folder: place, request, deps: used };
  const tuned = hasGuard && from !== null
    ? await tuneModel({ usable: items, leftOut: [] }, {
      parent: from,
      valShare: 0,
      fewImages: Infinity,
      maxFolds: items.length,
    }, job)
    : undefined;
  const { loop } = tuned ?? await trainOn({ train: items, held: [] }, job);
  return {
    steps: loop.step,
    seconds: tuned ? (performance.now() - started) / 1000 : loop.seconds,
    losses: meanByEpoch(place, Math.ceil(items.length / batch)),
    ...(tuned ? { isAdopted: tuned.verdict.isAdopted } : {}),
  };
}

/** Mean AP50 of scores; of none, an error: nothing was measured. */
export function meanAp(scores: readonly ImageScore[]): number {
  if (scores.length === 0) throw new RangeError("There are no scores");
  return scores.reduce((sum, { ap50 }) => sum + ap50, 0) / scores.length;
}

function meanByEpoch(folder: string, steps: number): number[] {
  const losses = readLog(join(folder, FILES.log))
    .filter(({ event }) => event === "step")
    .map(({ loss }) => Number(loss));
  const epochs = Math.max(1, Math.ceil(losses.length / steps));
  return Array.from({ length: epochs }, (_, k) => {
    const own = losses.slice(k * steps, (k + 1) * steps);
    return own.reduce((a, b) => a + b, 0) / own.length;
  });
}

/** Digest of a model's weights. */
export function readModelDigest(folder: string): string {
  const text = readFileSync(join(folder, "model.json"), "utf8");
  return (JSON.parse(text) as { sha256: string }).sha256;
}

/** A short digest of a value. */
export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex")
    .slice(0, 12);
}
