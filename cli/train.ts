/**
 * `train --images DIR… --out DIR`: labelled images to a model that `segment`
 * takes; from scratch, from a model (tuned, and guarded), from a teacher.
 *
 * Exits 0 when the training ended, also where the guard kept the parent; 1 if
 * it failed; 2 for wrong usage.
 *
 * @module
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadNodeEncoder } from "../gpu-worker/encoder_node.ts";
import { openWorkerPreparer } from "../gpu-worker/train/open_batches.ts";
import { openTrainable } from "../gpu-worker/train/open_trainable.ts";
import { meanByKind } from "../gpu-worker/train/score_model.ts";
import { readLog } from "../gpu-worker/train/run_log.ts";
import { splitByName } from "../gpu-worker/train/split_items.ts";
import {
  collectItems,
  type TrainDeps,
  trainOn,
  type TrainRequest,
  writeWhole,
} from "../gpu-worker/train/train_model.ts";
import { FILES } from "../gpu-worker/train/train_loop.ts";
import { tuneModel } from "../gpu-worker/train/tune_model.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import {
  checkOptions,
  readTrainOptions,
  type TrainCommand,
  type TrainOptions,
} from "./train/options.ts";
import { decide, makeRequest } from "./train/request.ts";
import { UsageError } from "./usage_error.ts";

/** Up to so many images the guard holds each out once. */
const FEW_IMAGES = 12;

/**
 * Run the command.
 *
 * @throws {UsageError} for wrong usage
 * @throws {SegError | ArgumentError} for what is wrong with images or models
 */
export async function train(given: Record<string, unknown>): Promise<void> {
  const command = readTrainOptions(given);
  const out = callerPath(command.out);
  const options = command.options ?? readStored(out, command.out);
  if (command.options !== null) refuseBegun(out);
  const say = (line: string) => {
    if (!command.json) printLine(line);
  };
  const core = await loadCore();
  const network = await openTrainable({
    network: options.network,
    from: options.from === null ? null : callerPath(options.from),
    seed: options.seed,
    weightDecay: decide(options).weightDecay,
    threads: command.threads,
    provider: command.provider,
    precision: options.precision,
  });
  // not before: what could not be opened is no training to go on with
  if (command.options !== null) begin(out, command);
  const { precision } = network;
  if (precision) say(`trained in ${precision.used}: ${precision.reason}`);
  const threads = command.threads === undefined
    ? {}
    : { threads: command.threads };
  const preparer = await openWorkerPreparer(core);
  const deps: TrainDeps = {
    core,
    preparer,
    openEncoder: (folder) =>
      loadNodeEncoder(folder, { providers: ["cpu"], ...threads }),
    say,
    onLine: (line) => {
      if (command.json) printLine(JSON.stringify(line));
      else if (line.event === "step" && line.step % 100 === 0) {
        say(`step ${line.step}: loss ${Number(line.loss).toFixed(4)}`);
      } else if (line.event === "warning") {
        say(`warning: ${line.name}: ${line.message}`);
      }
    },
  };
  try {
    const request = await makeRequest(options, { network, out, deps, core });
    const report = await run(options, { request, out, deps });
    writeWhole(
      join(out, "report.json"),
      `${JSON.stringify(report, null, 2)}\n`,
    );
    if (command.json) printLine(JSON.stringify(report));
    else say(`wrote ${join(out, "model.json")} and report.json`);
  } finally {
    preparer.close();
  }
}

async function run(
  options: TrainOptions,
  { request, out, deps }: {
    request: TrainRequest;
    out: string;
    deps: TrainDeps;
  },
) {
  const items = await collectItems(request, deps);
  const { usable, leftOut } = items;
  const cells = usable.reduce((sum, { facts }) => sum + facts.cells, 0);
  deps.say(`${usable.length} images with ${cells} cells`);
  const { precision } = request.network;
  const facts = {
    images: usable.length,
    cells,
    leftOut,
    options,
    ...(precision ? { precision } : {}),
  };
  if (options.from === null || !options.guard) {
    const { loop, scores } = await trainOn(
      splitByName(usable, options.valShare),
      { folder: out, request, deps },
    );
    const { reason, step, best, seconds } = loop;
    const kinds = meanByKind(scores);
    const warnings = readLog(join(out, FILES.log))
      .filter(({ event }) => event === "warning");
    return {
      event: "report",
      reason,
      step,
      best,
      seconds,
      kinds,
      warnings,
      ...facts,
    };
  }
  const parent = callerPath(options.from);
  const outcome = await tuneModel(items, {
    parent,
    valShare: options.valShare,
    fewImages: FEW_IMAGES,
    maxFolds: options.maxFolds,
  }, { folder: out, request, deps });
  const { verdict, parentScores, tunedScores, loop } = outcome;
  if (!verdict.isAdopted) {
    // the tuned one is kept beside, for whoever wants to look
    mkdirSync(join(out, "tuned"), { recursive: true });
    for (const file of filesOf(out)) {
      cpSync(join(out, file), join(out, "tuned", file));
    }
    for (const file of filesOf(parent)) {
      cpSync(join(parent, file), join(out, file));
    }
  }
  const { reason, step, seconds } = loop;
  return {
    event: "report",
    reason,
    step,
    seconds,
    verdict,
    parentScores,
    tunedScores,
    ...facts,
  };
}

/** Files of a model's folder. */
function filesOf(folder: string): string[] {
  const json = JSON.parse(readFileSync(join(folder, "model.json"), "utf8")) as {
    networks: { files: { name: string }[] }[];
  };
  const files = json.networks.flatMap(({ files }) => files);
  return ["model.json", ...files.map(({ name }) => name)];
}

/** Trainings must not be mixed up in a folder. */
function refuseBegun(out: string): void {
  const path = join(out, "train.json");
  if (!existsSync(path)) return;
  throw new UsageError(
    `${path} is there: go on with --resume, or give another --out`,
  );
}

/** Start a folder. */
function begin(out: string, { options }: TrainCommand): void {
  const path = join(out, "train.json");
  mkdirSync(out, { recursive: true });
  // the folders may be meant relative to another place when it is resumed
  const { images, from, teacher, ...rest } = options as TrainOptions;
  const absolute = {
    ...rest,
    images: images.map(callerPath),
    from: from === null ? null : callerPath(from),
    teacher: teacher === null ? null : callerPath(teacher),
  };
  writeWhole(path, `${JSON.stringify(absolute, null, 2)}\n`);
}

function readStored(out: string, spelled: string): TrainOptions {
  const path = join(out, "train.json");
  if (!existsSync(path)) {
    throw new UsageError(`option --resume: ${spelled} holds no training`);
  }
  return checkOptions(JSON.parse(readFileSync(path, "utf8")));
}
