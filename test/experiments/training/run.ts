/**
 * Every experiment that trains, in the order of their use: Table 1 and Figure 7
 * share a model, Tables 5 and 6 and the human in the loop share base models.
 *
 * @module
 */
import { pickAcrossKinds } from "../../../gpu-worker/train/split_items.ts";
import type { PromptModel } from "../../../shared/pipeline/prompt_model.ts";
import type { LabelledImage } from "../model/images.ts";
import type { Files } from "../pictures.ts";
import type { Provenance } from "../run.ts";
import { type AlignmentRow, runAlignment } from "./alignment.ts";
import { cropMiddle, drawAlignment } from "./alignment_pictures.ts";
import type { Budget } from "./budget.ts";
import { type Comparison, runComparison } from "./compare.ts";
import { type LoopRow, runHumanLoop } from "./human_loop.ts";
import type { Item, Lab } from "./lab.ts";
import { plotCurve, plotLoop, plotLoss } from "./plots.ts";
import { runTuning, type TuningResults } from "./tuning.ts";

/** Images that Figure 7 is scored on, at most. */
const SCORED = 12;

/** What the experiments give. */
export interface TrainingResults extends Provenance {
  readonly budget: Budget;
  readonly threads: number;
  readonly baseImages: number;
  readonly comparison: Comparison;
  /** Without folders, which differ from machine to machine. */
  readonly alignment: readonly Omit<AlignmentRow, "folder">[];
  readonly alignmentImages: number;
  readonly tuning: TuningResults;
  readonly loop: readonly LoopRow[];
}

/** Names of the pictures of Figure 7, by row. */
export function pictureOf(row: number): string {
  return `alignment_${row}.png`;
}

/** Compute everything that there is time for; pictures go to `files`. */
export async function runTrainingExperiments(
  lab: Lab,
  { base, all, measured, tested, shown, sam, budget, provenance, threads }: {
    /** To train on from scratch. */
    readonly base: readonly Item[];
    /** To draw images of a kind from. */
    readonly all: readonly Item[];
    /** Images that nothing is trained on: as images, and as items. */
    readonly measured: readonly LabelledImage[];
    readonly tested: readonly Item[];
    /** The image of Figure 7. */
    readonly shown: LabelledImage;
    readonly sam?: PromptModel;
    readonly budget: Budget;
    readonly provenance: Provenance;
    readonly threads: number;
  },
  files: Files,
): Promise<TrainingResults> {
  const { say } = lab.deps;
  say("Table 1");
  const comparison = await runComparison(lab, {
    base,
    measured,
    ...(sam ? { sam } : {}),
  }, budget);
  say("Figure 7");
  const test = pickAcrossKinds(
    tested.filter(({ facts }) => facts.cells > 0),
    SCORED,
  );
  const aligned = await runAlignment(lab, { base, test }, budget);
  const small = cropMiddle(shown);
  for (const [row, { folder }] of aligned.entries()) {
    if (folder === undefined) continue;
    files.set(pictureOf(row), await drawAlignment(lab, folder, small));
  }
  say("Tables 5 and 6, Figures 8 and 9");
  const tuning = await runTuning(lab, { base, all }, budget);
  say("Human in the loop");
  const loop = await runHumanLoop(lab, { base, all }, budget);
  const done = tuning.kinds.filter(({ tunings }) => tunings.length > 0);
  if (done.length > 0) {
    files.set("tuning_loss.svg", await plotLoss(done));
    files.set("tuning_images.svg", await plotCurve(done, "images"));
    files.set("tuning_cells.svg", await plotCurve(done, "cells"));
  }
  if (loop.some(({ rounds }) => rounds.length > 0)) {
    files.set("loop.svg", await plotLoop(loop));
  }
  return {
    ...provenance,
    budget,
    threads,
    baseImages: base.length,
    comparison,
    alignment: aligned.map(({ folder: _, ...row }) => row),
    alignmentImages: test.length,
    tuning,
    loop,
  };
}
