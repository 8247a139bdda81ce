/**
 * SPINE of `train`: folders → items → split → the loop → a model folder, its
 * curves and its report. One file although long: the order of the steps and
 * what goes from one to the next is read together.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ArgumentError } from "../../shared/errors.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import type { Core } from "../../wasm/mod.ts";
import { readTensors } from "./checkpoint.ts";
import { drawCurves } from "./draw_curves.ts";
import { findItems, type ItemFile } from "./find_items.ts";
import { cropsOfDiameter } from "./crops_of_diameter.ts";
import { fitLooks } from "./fit_looks.ts";
import type { BatchSpec } from "./make_batches.ts";
import type { Batches, Preparer } from "./open_batches.ts";
import type { ItemFacts, LeftOut } from "./read_item.ts";
import { type LogLine, readLog } from "./run_log.ts";
import {
  type ImageScore,
  mean,
  meanByKind,
  type ScoredItem,
  scoreModel,
} from "./score_model.ts";
import { pickAcrossKinds, type Split } from "./split_items.ts";
import {
  FILES,
  type LoopPlan,
  type LoopResult,
  runLoop,
} from "./train_loop.ts";
import type { Trainable, TrainedFacts } from "./trainable.ts";
import type { TrainBatch, Trainer } from "./trainer_port.ts";
import { judgePredictions } from "./watch_training.ts";

/** What is trained, on what, how. */
export interface TrainRequest {
  /** Absolute paths of folders. */
  readonly images: readonly string[];
  readonly network: Trainable;
  readonly batches: Omit<BatchSpec, "files">;
  readonly plan:
    & Omit<LoopPlan, "fingerprint" | "stepsPerEpoch">
    & { readonly epochs?: number; readonly stepsPerEpoch?: number };
  /** Images that AP is measured on at a validation, at most. */
  readonly valImages: number;
  readonly licence: string | null;
  /** Kept in `model.json`. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** What training works with. */
export interface TrainDeps {
  readonly core: Core;
  readonly preparer: Preparer;
  readonly openEncoder: (folder: string) => Promise<Encoder>;
  readonly onLine?: (line: LogLine) => void;
  /** Called when what a training goes on from has changed. */
  readonly onSaved?: () => Promise<void>;
  /** As that of the loop. */
  readonly handBack?: AbortSignal;
  /** A sentence for whoever watches. */
  readonly say: (line: string) => void;
}

/** Items that can be learned from. */
export interface Items {
  readonly usable: readonly (ScoredItem & {
    readonly name: string;
    readonly kind: string;
  })[];
  readonly leftOut: readonly LeftOut[];
}

/** What a training gave. */
export interface TrainOutcome {
  readonly loop: LoopResult;
  readonly scores: readonly ImageScore[];
}

/** Batches whose loss is the validation loss. */
const VAL_BATCHES = 4;
/** Cellpose's seed of validation crops. */
const VAL_SEED = 42;

/**
 * Find and read the items.
 *
 * @throws {ArgumentError} if none can be learned from
 */
export async function collectItems(
  { images, batches }: Pick<TrainRequest, "images" | "batches">,
  { preparer, say }: Pick<TrainDeps, "preparer" | "say">,
): Promise<Items> {
  const files = images.length > 0 ? findItems(images) : [];
  // minutes, for thousands of large images
  say(`reading ${files.length} images`);
  const survey = await preparer.survey({ ...batches, files });
  const byName = new Map(files.map((file) => [file.name, file]));
  const usable = survey.facts.map((facts: ItemFacts) => ({
    name: facts.name,
    kind: facts.kind,
    file: byName.get(facts.name) as ItemFile,
    facts,
  }));
  for (const { name, fault, detail } of survey.leftOut) {
    say(`left out ${name}: ${fault}: ${detail}`);
  }
  if (usable.length === 0 && batches.scenes === undefined) {
    const [first] = survey.leftOut;
    throw new ArgumentError(
      "images",
      `none of ${files.length} images can be learned from; ${first.name}: ${first.fault}: ${first.detail}`,
    );
  }
  return { usable, leftOut: survey.leftOut };
}

/**
 * Train on some items, validate on others, write the model.
 *
 * @param folder  for the model and all that belongs to the training
 * @returns       how it ended, and the last scores on the held-out images
 */
export async function trainOn(
  { train, held }: Split<Items["usable"][number]>,
  { folder, request, deps }: {
    folder: string;
    request: TrainRequest;
    deps: TrainDeps;
  },
): Promise<TrainOutcome> {
  mkdirSync(folder, { recursive: true });
  const { network, batches, valImages } = request;
  const spec: BatchSpec = { ...batches, files: train.map(({ file }) => file) };
  const plan = planLoop(request, train);
  const scored = pickAcrossKinds(held, valImages);
  const opened = await deps.preparer.open(spec);
  const facts = describe(train, request);
  try {
    const valBatches = await makeValBatches(held, { spec, deps });
    let scores: ImageScore[] = [];
    const validate = async (trainer: Trainer, step: number) => {
      const loss = mean(await evaluateAll(trainer, valBatches));
      const { tensors } = await trainer.state();
      const candidate = join(folder, "candidate");
      await network.writeModel(candidate, tensors, facts);
      scores = await scoreFolder(candidate, scored, deps);
      const kinds = meanByKind(scores);
      const score = mean(Object.values(kinds));
      const finding = judgePredictions(scores);
      const text = Object.entries(kinds)
        .map(([kind, ap]) => `${kind} ${ap.toFixed(3)}`).join(", ");
      deps.say(
        `step ${step}: validation loss ${loss.toFixed(4)}, AP@0.5 ${
          score.toFixed(3)
        } (${text})`,
      );
      return {
        score,
        findings: finding === undefined ? [] : [finding],
        facts: { loss, ap: score, kinds },
      };
    };
    const loop = await runLoop(plan, {
      folder,
      openTrainer: network.openTrainer,
      batches: opened,
      ...(held.length > 0 ? { validate } : {}),
      ...(deps.onLine ? { onLine: deps.onLine } : {}),
      ...(deps.onSaved ? { onSaved: deps.onSaved } : {}),
      handBack: deps.handBack,
    });
    const { tensors, kept } = chooseWeights(folder, loop);
    if (loop.average !== undefined && scored.length > 0) {
      const candidate = join(folder, "candidate");
      await network.writeModel(candidate, tensors, facts);
      scores = await scoreFolder(candidate, scored, deps);
      const score = mean(Object.values(meanByKind(scores)));
      deps.say(
        `mean of ${loop.average.count} weights: AP@0.5 ${score.toFixed(3)}`,
      );
    }
    rmSync(join(folder, "candidate"), { recursive: true, force: true });
    const size = await network.fitSize?.(
      tensors,
      (diameter) =>
        cropsOfDiameter(diameter, { train, spec, preparer: deps.preparer }),
    );
    if (size) deps.say(`size estimate: ${size.summary}`);
    const told: TrainedFacts = {
      ...facts,
      ...(size ? { sizeHead: size.head } : {}),
      training: {
        ...facts.training,
        steps: loop.step,
        ...kept,
        ...(size ? { sizeError: size.error } : {}),
      },
    };
    await network.writeModel(folder, tensors, told);
    if (size) {
      const looks = await fitLooks(folder, train, deps);
      if (looks) await network.writeModel(folder, tensors, { ...told, looks });
    }
    const log = readLog(join(folder, FILES.log));
    writeWhole(join(folder, "curves.svg"), await drawCurves(log));
    return { loop, scores };
  } finally {
    opened.close();
  }
}

/** The average where one was made, else the best validated, else the last. */
function chooseWeights(
  folder: string,
  { average, best, state, step }: LoopResult,
) {
  if (average !== undefined) {
    return { ...average, kept: { averaged: average.count } };
  }
  if (best === null) return { ...state, kept: { keptStep: step } };
  const { tensors } = readTensors(join(folder, FILES.best));
  return { tensors, kept: { keptStep: best.step } };
}

/** Score a model folder on images. */
export async function scoreFolder(
  folder: string,
  items: readonly ScoredItem[],
  { core, openEncoder }: Pick<TrainDeps, "core" | "openEncoder">,
): Promise<ImageScore[]> {
  const encoder = await openEncoder(folder);
  try {
    return await scoreModel(core, encoder, items);
  } finally {
    await encoder.close();
  }
}

/** Write a file so that it is there whole or not at all. */
export function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

/** Steps of an epoch and of all, and what the result depends on. */
function planLoop(request: TrainRequest, train: Items["usable"]): LoopPlan {
  const { batches, network } = request;
  const { epochs, steps, ...plan } = request.plan;
  const stepsPerEpoch = plan.stepsPerEpoch ??
    Math.max(1, Math.ceil(train.length / batches.batch));
  const total = steps ??
    (epochs === undefined ? undefined : epochs * stepsPerEpoch);
  // where files lie and how much memory they may take changes nothing
  const { memoryBytes: _, fields, scenes, ...numbers } = batches;
  const fingerprint = createHash("sha256").update(JSON.stringify({
    network: network.identity,
    numbers,
    scenes: scenes && { share: scenes.share, count: scenes.count },
    fields: Object.keys(fields ?? {}),
    // where checkpoints lie changes nothing but an average of them
    plan: plan.average === undefined ? { ...plan, checkpointEvery: 0 } : plan,
    stepsPerEpoch,
    total,
    images: train.map(({ facts }) => facts),
  })).digest("hex");
  return {
    ...plan,
    ...(total === undefined ? {} : { steps: total }),
    stepsPerEpoch,
    fingerprint,
    // how many are handed over together changes nothing but the time
    ...(network.chunk === undefined ? {} : { chunk: network.chunk }),
  };
}

async function makeValBatches(
  held: readonly ScoredItem[],
  { spec, deps }: { spec: BatchSpec; deps: TrainDeps },
): Promise<TrainBatch[]> {
  if (held.length === 0) return [];
  const { scenes: _, ...rest } = spec;
  const opened: Batches = await deps.preparer.open({
    ...rest,
    files: held.map(({ file }) => file),
    seed: VAL_SEED,
    intensity: 0,
    weights: "count",
  }, 0);
  const batches: TrainBatch[] = [];
  for (let i = 0; i < VAL_BATCHES; i++) batches.push(await opened.get(i));
  opened.close();
  return batches;
}

async function evaluateAll(
  trainer: Trainer,
  batches: readonly TrainBatch[],
): Promise<number[]> {
  const losses: number[] = [];
  for (const batch of batches) losses.push(await trainer.evaluate(batch));
  return losses;
}

/** What `model.json` tells of a training. */
function describe(
  train: Items["usable"],
  request: TrainRequest,
): TrainedFacts {
  const { batches, plan, licence, provenance } = request;
  const known = train.map(({ facts }) => facts.diameter).filter((d) => d > 0);
  const licences = new Set(
    train.map(({ file }) => file.licence ?? "not stated"),
  );
  const images = train.map(({ name }) => name);
  return {
    diameter: known.length > 0 ? mean(known) : request.network.diameter,
    licence,
    training: {
      ...provenance,
      images: images.length,
      imagesDigest: createHash("sha256").update(images.join("\n"))
        .digest("hex"),
      cells: train.reduce((sum, { facts }) => sum + facts.cells, 0),
      dataLicences: [...licences].sort(),
      seed: batches.seed,
      batch: batches.batch,
      cropSize: batches.cropSize,
      rate: plan.rate,
      schedule: plan.schedule,
    },
  };
}
