/**
 * Fine-tuning with its guard: the tuned model replaces its parent only where
 * held-out images say that it is not worse.
 *
 * With many images a share is held out. With few, every image is held out
 * once, by a model tuned on the others; then one is tuned on all.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { judgeTuned, type Verdict } from "./guard.ts";
import type { ImageScore } from "./score_model.ts";
import { splitByName, splitFolds } from "./split_items.ts";
import {
  type Items,
  scoreFolder,
  type TrainDeps,
  trainOn,
  type TrainOutcome,
  type TrainRequest,
  writeWhole,
} from "./train_model.ts";

/** What is left of a fold that is finished. */
export const FOLD_SCORES = "scores.json";

/** How the guard holds images out. */
export interface GuardOptions {
  /** Folder of the parent's model. */
  readonly parent: string;
  /** Share that is held out where images are many. */
  readonly valShare: number;
  /** Up to so many images each is held out once. */
  readonly fewImages: number;
  /** Trainings for that, at most. */
  readonly maxFolds: number;
}

/** A guarded training. */
export interface TuneOutcome extends TrainOutcome {
  readonly verdict: Verdict;
  readonly parentScores: readonly ImageScore[];
  readonly tunedScores: readonly ImageScore[];
}

/** Tune, and judge. */
export async function tuneModel(
  { usable }: Items,
  guard: GuardOptions,
  { folder, request, deps }: {
    folder: string;
    request: TrainRequest;
    deps: TrainDeps;
  },
): Promise<TuneOutcome> {
  // the guard's images must not choose the step, too: last weights are taken
  const scored = usable.filter(({ file }) => file.labels !== undefined);
  const isFew = scored.length <= guard.fewImages;
  const splits = isFew
    ? scored.length < 2
      ? []
      : splitFolds(scored, Math.min(scored.length, guard.maxFolds))
    : [splitByName(scored, Math.max(guard.valShare, 0.01))];
  const held = splits.flatMap((split) => split.held);
  const parentScores = held.length === 0
    ? []
    : await scoreFolder(guard.parent, held, deps);

  const tunedScores: ImageScore[] = [];
  if (isFew) {
    for (const [k, split] of splits.entries()) {
      const fold = join(folder, "folds", String(k));
      deps.say(`fold ${k + 1} of ${splits.length}`);
      tunedScores.push(...await scoreFold(fold, split, { request, deps }));
    }
  }
  const outcome = await trainOn(
    { train: isFew ? usable : splits[0].train, held: [] },
    { folder, request, deps },
  );
  if (!isFew) tunedScores.push(...await scoreFolder(folder, held, deps));
  const verdict = judgeTuned(parentScores, tunedScores);
  deps.say(verdict.reason);
  return { ...outcome, verdict, parentScores, tunedScores };
}

/** Scores of a fold; a finished fold is not trained again. */
async function scoreFold(
  folder: string,
  split: Parameters<typeof trainOn>[0],
  { request, deps }: { request: TrainRequest; deps: TrainDeps },
): Promise<ImageScore[]> {
  const path = join(folder, FOLD_SCORES);
  if (existsSync(path)) {
    return JSON.parse(readFileSync(path, "utf8")) as ImageScore[];
  }
  await trainOn({ ...split, held: [] }, { folder, request, deps });
  const scores = await scoreFolder(folder, split.held, deps);
  writeWhole(path, JSON.stringify(scores));
  await deps.onSaved?.();
  return scores;
}
