/**
 * `report --train DIR… --data DIR`: the experiments that train networks.
 *
 * What is trained is kept in `--work` (`out/report-training/`), by a digest of
 * all it depends on: a run that was stopped, or that `--minutes` ended, goes on
 * where it was when the command is given again.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadNodeEncoder } from "../gpu-worker/encoder_node.ts";
import { loadNodePromptModel } from "../gpu-worker/prompt_model_node.ts";
import { openWorkerPreparer } from "../gpu-worker/train/open_batches.ts";
import { DESIGNS } from "../gpu-worker/train/networks/mod.ts";
import {
  collectItems,
  type TrainDeps,
} from "../gpu-worker/train/train_model.ts";
import {
  type LabelledImage,
  readImages,
} from "../test/experiments/model/images.ts";
import type { Files } from "../test/experiments/pictures.ts";
import type { Provenance } from "../test/experiments/run.ts";
import {
  type Budget,
  FULL,
  QUICK,
} from "../test/experiments/training/budget.ts";
import { openLab } from "../test/experiments/training/lab.ts";
import { writeTrainingPage } from "../test/experiments/training/page.ts";
import { runTrainingExperiments } from "../test/experiments/training/run.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import { UsageError } from "./usage_error.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = join(ROOT, "out");
/** The picture of Figure 7, which may be published. */
const SHOWN = "nuclei_2d.tif";

/** Options as the command line gives them. */
export interface TrainingReportOptions {
  /** Folders to train on. */
  readonly train: readonly string[];
  /** Folder to measure on; fine-tuning draws from it, too. */
  readonly data?: string;
  readonly sam?: string;
  readonly work?: string;
  readonly quick?: boolean;
  readonly minutes?: string;
  readonly threads?: string;
  readonly network?: string;
  readonly steps?: string;
  readonly epochs?: string;
  readonly rate?: string;
  readonly draws?: string;
  readonly guarded?: string;
  readonly rounds?: string;
  readonly corrections?: string;
  readonly kind?: string;
}

/** Run the experiments and write their page. */
export async function reportTraining(
  options: TrainingReportOptions,
  provenance: Provenance,
  toJson: (value: unknown) => string,
): Promise<void> {
  const { data, sam } = options;
  if (data === undefined) {
    throw new UsageError("option --data: --train needs images to measure on");
  }
  const budget = readBudget(options);
  const threads = readNumber("threads", options.threads) ?? 2;
  const minutes = readNumber("minutes", options.minutes) ?? Infinity;
  const deadline = Date.now() + 60_000 * minutes;
  const isQuick = options.quick === true;
  const core = await loadCore();
  const preparer = await openWorkerPreparer(core);
  const deps: TrainDeps = {
    core,
    preparer,
    openEncoder: (folder) =>
      loadNodeEncoder(folder, { providers: ["cpu"], threads }),
    say: (line) =>
      printLine(`${new Date().toISOString().slice(11, 19)} ${line}`),
  };
  try {
    const folders = [...options.train, data].map(callerPath);
    const { usable } = await collectItems({
      images: folders,
      batches: SURVEY,
    }, deps);
    const isMeasured = ({ file }: (typeof usable)[number]) =>
      file.image.startsWith(callerPath(data) + sep);
    const measured = (await readImages(callerPath(data))).filter(isLabelled);
    const examples = (await readImages(join(ROOT, "examples"))).filter(
      isLabelled,
    );
    const lab = openLab({
      deps,
      folder: options.work
        ? callerPath(options.work)
        : join(OUT, "report-training"),
      threads,
      deadline,
    });
    const files: Files = new Map();
    const prompts = sam && await loadNodePromptModel(callerPath(sam));
    const results = await runTrainingExperiments(lab, {
      base: usable.filter((item) => !isMeasured(item)),
      all: usable,
      measured,
      tested: usable.filter(isMeasured),
      shown: examples.find(({ name }) => name === SHOWN)!,
      ...(prompts ? { sam: prompts } : {}),
      budget,
      provenance,
      threads,
    }, files);
    if (prompts) await prompts.close();
    const names = new Set(files.keys());
    files.set("results.json", toJson(results));
    files.set("README.md", writeTrainingPage(results, names));
    // numbers of a first look never take the place of committed ones
    const target = isQuick
      ? join(OUT, "report-training-quick")
      : join(ROOT, "docs", "report", "training");
    await mkdir(target, { recursive: true });
    for (const [name, content] of files) {
      await writeFile(join(target, name), content);
    }
    const place = relative(process.cwd(), target) || ".";
    printLine(`Wrote ${files.size} files to ${place}/`);
  } finally {
    preparer.close();
  }
}

/** How items are read: with any number of cells. */
const SURVEY = {
  seed: 0,
  batch: 1,
  weights: "count",
  memoryBytes: 2 ** 30,
  minMasks: 0,
  cropSize: 256,
  channels: 3,
  diameter: 20,
  scaleRange: 0,
  rotate: false,
  flip: false,
  focus: 0,
  intensity: 0,
  layout: "first",
} as const;

function isLabelled(
  image: { readonly truth?: Uint32Array },
): image is LabelledImage {
  return image.truth !== undefined;
}

function readBudget(options: TrainingReportOptions): Budget {
  const start = options.quick === true ? QUICK : FULL;
  const { network = start.network, kind = start.kind } = options;
  if (DESIGNS[network]?.outputs.length !== 3) {
    throw new UsageError(
      `option --network: ${network} is no design that predicts flows`,
    );
  }
  const read = (name: Exclude<keyof Budget, "network" | "kind">) =>
    readNumber(name, options[name]) ?? start[name];
  return {
    network,
    kind,
    steps: read("steps"),
    epochs: read("epochs"),
    rate: read("rate"),
    draws: read("draws"),
    guarded: read("guarded"),
    rounds: read("rounds"),
    corrections: read("corrections"),
  };
}

function readNumber(
  name: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0)) {
    throw new UsageError(`option --${name}: ${text} is no number of 0 or more`);
  }
  return value;
}
