/**
 * SPINE of a training as a job: labelled uploads and a parent to a tuned
 * model, taken only where held-out images say that it is not worse.
 *
 *   bring files → tune, judge → store the model if it is adopted
 *
 * What it goes on from is stored now and then and when it is handed back, so
 * that another worker goes on from there, to the same bits.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ArgumentError } from "../shared/errors.ts";
import type { Encoder } from "../shared/pipeline/encoder.ts";
import type { TaskRecord } from "../shared/queue/tasks.ts";
import type { Json } from "../shared/queue/types.ts";
import { TrainingInput, type TrainingOutput } from "../shared/schema/tasks.ts";
import { objectKey } from "../shared/storage/keys.ts";
import type { ObjectStore } from "../shared/storage/types.ts";
import type { Core } from "../wasm/mod.ts";
import { keepTraining, type KeptTraining } from "./kept_training.ts";
import type { HeldFolder, ModelCache } from "./model_cache.ts";
import { download, storeModel } from "./stored_models.ts";
import { openWorkerPreparer } from "./train/open_batches.ts";
import { openTrainable } from "./train/open_trainable.ts";
import type { LogLine } from "./train/run_log.ts";
import type { Trainable } from "./train/trainable.ts";
import {
  collectItems,
  type TrainDeps,
  type TrainRequest,
} from "./train/train_model.ts";
import { tuneModel, type TuneOutcome } from "./train/tune_model.ts";

/** What trainings work with. */
export interface TrainingDeps {
  readonly core: Core;
  readonly store: ObjectStore;
  /** Folder for what is being worked on. */
  readonly work: string;
  /** Folder of a model's files, until it is released. */
  readonly holdFolder: ModelCache["holdFolder"];
  readonly openEncoder: (folder: string) => Promise<Encoder>;
  readonly threads?: number;
  /** Aborts when it must be handed back; the task's signal aborts, too. */
  readonly handBack?: AbortSignal;
  /** Between two times that its checkpoint is stored, ms; default 5 min. */
  readonly keepMs?: number;
  readonly now: () => number;
  /** Add an event to the training. */
  readonly tell: (event: { type: string; data: Json }) => Promise<void>;
}

/** Steps are told at most so often, ms; all other lines are told. */
const STEP_MS = 500;
/** Up to so many images the guard holds each out once. */
const FEW_IMAGES = 12;
/** Images that a validation is measured on. */
const VAL_IMAGES = 32;
const KEEP_MS = 5 * 60_000;
/** For decoded images; more are read again. */
const MEMORY_BYTES = 2 * 2 ** 30;
/** As `train` does by default. */
const EPOCHS = 100;

/**
 * Do a training.
 *
 * @throws {ArgumentError} if nothing can be learned from the images
 * @throws {ModelError} if the parent cannot be trained
 */
export async function runTraining(
  deps: TrainingDeps,
  task: TaskRecord,
  signal: AbortSignal,
): Promise<TrainingOutput> {
  const input = TrainingInput.parse(task.input);
  await mkdir(deps.work, { recursive: true });
  const folder = await mkdtemp(join(deps.work, "training-"));
  const preparer = await openWorkerPreparer(deps.core);
  const teller = createTeller(deps, signal);
  let held: HeldFolder | undefined;
  try {
    const images = join(folder, "images");
    await bringImages(deps, { input, tenant: task.tenant, images }, signal);
    held = await deps.holdFolder(input.model, task.tenant);
    const parent = held.folder;
    const network = await openTrainable({
      network: null,
      from: parent,
      seed: input.settings.seed,
      weightDecay: input.settings.weightDecay,
      threads: deps.threads,
    });
    const request = makeRequest(input, { images, network });
    const out = join(folder, "out");
    const kept = keepTraining(deps.store, task);
    const trainDeps: TrainDeps = {
      core: deps.core,
      preparer,
      openEncoder: deps.openEncoder,
      onLine: teller.line,
      onSaved: createKeeper(deps, { kept, out, say: teller.say }),
      ...(deps.handBack ? { handBack: deps.handBack } : {}),
      say: teller.say,
    };
    const items = await collectItems(request, trainDeps);
    signal.throwIfAborted();
    const tune = () =>
      tuneModel(items, {
        parent,
        valShare: input.settings.valShare,
        fewImages: FEW_IMAGES,
        maxFolds: input.settings.maxFolds,
      }, { folder: out, request, deps: trainDeps });
    const outcome = await kept.restore(out)
      ? await tune().catch(async (err: unknown) => {
        const isOther = err instanceof ArgumentError &&
          err.argument === "resume";
        if (!isOther) throw err;
        teller.say("what was kept is of another version: it starts again");
        await rm(out, { recursive: true, force: true });
        return await tune();
      })
      : await tune();
    await teller.done();
    return {
      ...describe(outcome),
      images: items.usable.length,
      cells: items.usable.reduce((sum, { facts }) => sum + facts.cells, 0),
      leftOut: items.leftOut.map(({ name, fault, detail }) => ({
        name: name.replace(/^images\//, ""),
        fault,
        detail,
      })),
      model: outcome.verdict.isAdopted
        ? await storeModel(deps.store, out, {
          tenant: task.tenant,
          name: input.name,
        })
        : null,
    };
  } finally {
    held?.release();
    preparer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Write images and labels, and the manifest that says which belong together. */
async function bringImages(
  { store }: TrainingDeps,
  { input, tenant, images }: {
    input: TrainingInput;
    tenant: string;
    images: string;
  },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(images, { recursive: true });
  const entries = [];
  for (const [i, item] of input.items.entries()) {
    const files = [
      [item.image, `${i}_${spell(item.imageName)}`],
      [item.labels, `${i}_labels_${spell(item.labelsName)}`],
    ];
    for (const [upload, file] of files) {
      signal.throwIfAborted();
      const key = objectKey(tenant, "uploads", ...upload.split("/"));
      await download(store, key, join(images, file));
    }
    entries.push({ file: files[0][1], labels: files[1][1] });
  }
  const manifest = JSON.stringify({ images: entries });
  await writeFile(join(images, "manifest.json"), manifest);
}

function makeRequest(
  { settings, licence }: TrainingInput,
  { images, network }: { images: string; network: Trainable },
): TrainRequest {
  const cropSize = network.fixedCrop ?? settings.crop;
  if (cropSize % network.multiple !== 0) {
    throw new ArgumentError(
      "crop",
      `this model takes multiples of ${network.multiple}, ${cropSize} is none`,
    );
  }
  const { epochs, steps, minutes } = settings;
  const isEndless = epochs === undefined && steps === undefined &&
    minutes === undefined;
  return {
    images: [images],
    network,
    valImages: VAL_IMAGES,
    licence,
    provenance: { network: network.name, from: network.identity },
    batches: {
      seed: settings.seed,
      batch: settings.batch,
      cropSize,
      channels: network.channels,
      diameter: network.diameter,
      scaleRange: 0.5,
      rotate: true,
      flip: true,
      focus: 0.5,
      intensity: 1,
      layout: "first",
      minMasks: settings.minMasks,
      weights: "root",
      memoryBytes: MEMORY_BYTES,
    },
    plan: {
      rate: settings.rate,
      schedule: "cellpose",
      validateEvery: 500,
      checkpointEvery: 100,
      ...(steps === undefined ? {} : { steps }),
      ...(minutes === undefined ? {} : { minutes }),
      ...(isEndless ? { epochs: EPOCHS } : {}),
      ...(epochs === undefined ? {} : { epochs }),
    },
  };
}

function describe({ verdict, loop }: TuneOutcome) {
  return {
    isAdopted: verdict.isAdopted,
    reason: verdict.reason,
    parent: verdict.parent,
    tuned: verdict.tuned,
    heldOut: verdict.images,
    steps: loop.step,
    seconds: loop.seconds,
  };
}

/** Stores checkpoints now and then, and the last one of a hand-back. */
function createKeeper(
  { now, handBack, keepMs = KEEP_MS }: TrainingDeps,
  { kept, out, say }: {
    kept: KeptTraining;
    out: string;
    say: (text: string) => void;
  },
): () => Promise<void> {
  let last = now();
  return async () => {
    if (!handBack?.aborted && now() - last < keepMs) return;
    last = now();
    try {
      await kept.keep(out);
    } catch (err) {
      // it goes on; where it falls, more of it is done again
      const error = err instanceof Error ? err.message : String(err);
      say(`the checkpoint could not be stored: ${error}`);
    }
  };
}

/** Tells the log's lines as events, in their order; a stop ends the loop. */
function createTeller(
  { tell, now, handBack }: TrainingDeps,
  signal: AbortSignal,
) {
  let told: Promise<unknown> = Promise.resolve();
  let lastStep = -Infinity;
  let withheld: LogLine | undefined;
  const add = (event: { type: string; data: Json }) => {
    // a line that is lost is no harm
    told = told.then(() => tell(event)).catch(() => {});
  };
  const addLine = (line: LogLine) =>
    add({ type: "log", data: line as unknown as Json });
  // the last step before anything else is always told: curves end where the
  // training ended, however short it was
  const release = () => {
    if (withheld) addLine(withheld);
    withheld = undefined;
  };
  return {
    line(line: LogLine) {
      // one that is handed back goes on to its next checkpoint
      if (!handBack?.aborted) signal.throwIfAborted();
      if (line.event !== "step") release();
      else if (now() - lastStep < STEP_MS) {
        withheld = line;
        return;
      } else {
        lastStep = now();
        withheld = undefined;
      }
      addLine(line);
    },
    say: (text: string) => add({ type: "message", data: { text } }),
    done: () => {
      release();
      return told;
    },
  };
}

/** File names come from users. */
function spell(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, "_").slice(-100);
}
