/**
 * The page of the experiments that train.
 *
 * @module
 */
import { list, percent, plusMinus, table } from "../markdown.ts";
import { summarize } from "../statistics.ts";
import { COUNTS, TESTED, TUNED } from "./draws.ts";
import { pictureOf, type TrainingResults } from "./run.ts";
import type { KindTunings } from "./tuning.ts";

/** Write the page; it links to files that are there only. */
export function writeTrainingPage(
  results: TrainingResults,
  files: ReadonlySet<string>,
): string {
  return [
    writeHead(results),
    writeTable1(results),
    writeFigure7(results, files),
    writeTuning(results, files),
    writeLoop(results, files),
  ].join("\n\n") + "\n";
}

function writeHead(results: TrainingResults): string {
  const { date, commit, version, runtime, budget, threads } = results;
  return `# The report's experiments with training

Made by \`deno task report --train DIR --data DIR\` on ${
    date.slice(0, 10)
  } at commit ${commit} (version ${version}, ${runtime}; threads of the processor: ${threads}). AP50 = TP / (TP + FP + FN) at IoU 0.5, mean over images, 1 where there is nothing and nothing is found. All numbers are also in [results.json](results.json).

**Budget of this run.** Every network that starts from nothing has ${budget.steps} steps of 8 crops of 128×128 (AdamW, rate 0.004, cosine; no rendered scenes), which is little beside the shipped model's hours: what is compared here was trained alike, and none of it is the best that can be had. A fine-tuning has ${budget.epochs} epochs of one 256×256×3 crop a step (AdamW, rate ${budget.rate}, weight decay 0.1). Wherever a network is scored here it is told the true median diameter.${
    budget.kind === "" ? "" : ` Only kinds called "${budget.kind}".`
  }`;
}

function writeTable1({ comparison, baseImages }: TrainingResults): string {
  const { rows, trained, missing, images, hasSam } = comparison;
  const heads = ["method", "AP50", "touching cells found", "other cells found"];
  const cells = rows.map((row) => [
    row.method,
    plusMinus(row.ap50),
    `${percent(row.foundTouching)} of ${row.touching}`,
    `${percent(row.foundApart)} of ${row.apart}`,
  ]);
  const times = trained.map(({ network, steps, seconds }) =>
    `${network} ${steps} steps in ${spellTime(seconds)}`
  );
  const idle = rows.filter(({ foundTouching, foundApart }) =>
    foundTouching + foundApart === 0
  );
  const sam = hasSam
    ? "SAM is prompted by the box of every true cell, which no method that looks for cells has: the row shows the mechanism."
    : "SAM is not in the table: `--sam DIR` adds it, prompted by the box of every true cell, as a mechanism.";
  return `## Table 1

Networks of the same cost (1 GFLOP a tile of 256×256), data (${baseImages} images) and budget, on ${images} images that none was trained on: ${
    times.length > 0 ? list(times) : "none was trained"
  }. Mean ± standard deviation over images. A cell touches where one of its pixels lies beside (4 neighbors) another cell's; found is IoU ≥ 0.5.

${table(heads, cells)}${
    missing.length > 0
      ? `\n\nNot measured, for want of time: ${list(missing)}.`
      : ""
  }${
    idle.length > 0
      ? `\n\n${
        list(idle.map(({ method }) => method))
      } found no cell at all: this budget is too small for them, and tells nothing of what they reach with a larger one.`
      : ""
  }

${sam} None of its weights ship with this project.`;
}

function writeFigure7(
  { alignment, alignmentImages }: TrainingResults,
  files: ReadonlySet<string>,
): string {
  const rows = alignment.map((row, k) => [
    row.encoder,
    `${row.selfSteps}`,
    row.isAligned ? `${row.flowSteps}` : "none; head untrained",
    row.found === undefined ? "no time" : `${row.found} of ${row.cells}`,
    row.ap50?.toFixed(3) ?? "–",
    files.has(pictureOf(k))
      ? `![${row.encoder}, ${row.isAligned ? "aligned" : "not aligned"}](${
        pictureOf(k)
      })`
      : "–",
  ]);
  const heads = [
    "encoder",
    "steps of self-supervision",
    "steps of flows",
    "cells found, of true ones",
    "AP50",
    "image, probability, flow, masks",
  ];
  return `## Figure 7

An encoder whose features were never aligned with flows, under a head as it is drawn (normal weights of deviation √(2/fan-in)), and the same after encoder and head were trained on flows. Self-supervision: half of the 16×16 squares of each crop are hidden, and the image is to be given back. Numbers are of ${alignmentImages} images that nothing was trained on; the picture is of \`examples/nuclei_2d.tif\`, truth solid purple, prediction dashed yellow. Cells found that match no true one count against AP50.

${table(heads, rows)}`;
}

function writeTuning(
  { tuning, budget }: TrainingResults,
  files: ReadonlySet<string>,
): string {
  const { kinds, unmeasurable, left, planned } = tuning;
  const measured = kinds.filter(({ tunings }) =>
    tunings.some(({ images }) => images === TUNED)
  );
  const heads = [
    `tuned on ${TUNED}, tested on ${TESTED} others`,
    "draws",
    "base: steps, time",
    "loss, first → last epoch",
    "reduction",
    "AP50 before",
    "AP50 after",
    "with the guard",
    "time",
  ];
  const waiting = kinds.filter((row) => !measured.includes(row))
    .map(({ kind }) => kind);
  const curve = writeCurve(measured);
  return `## Tables 5 and 6, Figures 8 and 9

Published: loss 1.1469 → 0.9568 (16.6 %), AP50 0.761 after, in about 25 minutes.

The base model has seen all kinds but this one, yet others may be like it (there are two histologies, and bacteria in two kinds of light). Images of one recording may be among tuned and tested ones. Losses are means over the steps of an epoch, in training; mean ± standard deviation over draws. The guard (for ${budget.guarded} of ${budget.draws} draws) tunes on four and looks at the fifth, five times, and keeps the base model where the tuned ones were worse; the time includes it.

${
    measured.length > 0
      ? table(heads, measured.map(tuningRow))
      : "No kind was measured."
  }${
    waiting.length > 0
      ? `\n\nNot measured, for want of time: ${waiting.join("; ")}.`
      : ""
  }${
    left > 0
      ? `\n\n${left} of ${planned} fine-tunings were not run, for want of time.`
      : ""
  }${
    unmeasurable.length > 0
      ? `\n\nNot measurable, having fewer than ${
        TUNED + TESTED
      } labelled images: ${
        unmeasurable.map(({ kind, images }) => `${kind} (${images})`).join("; ")
      }.`
      : ""
  }${curve}${
    showAll(files, [
      ["tuning_loss.svg", "Loss against the epoch"],
      ["tuning_images.svg", "AP50 against corrected images"],
      ["tuning_cells.svg", "AP50 against corrected cells"],
    ])
  }`;
}

function tuningRow({ kind, base, tunings }: KindTunings): string[] {
  const own = tunings.filter(({ images }) => images === TUNED);
  const first = summarize(own.map(({ losses }) => losses[0]));
  const last = summarize(own.map(({ losses }) => losses.at(-1)!));
  const guarded = own.flatMap(({ guarded }) => guarded ?? []);
  return [
    kind,
    `${own.length}`,
    `${base.steps}, ${spellTime(base.seconds)}`,
    `${first.mean.toFixed(4)} → ${last.mean.toFixed(4)}`,
    `${(100 * (1 - last.mean / first.mean)).toFixed(1)} %`,
    overDraws(own.map(({ before }) => before)),
    overDraws(own.map(({ after }) => after)),
    guarded.length > 0 ? overDraws(guarded) : "not asked",
    spellTime(summarize(own.map(({ seconds }) => seconds)).mean),
  ];
}

/** One draw has no deviation to tell. */
function overDraws(values: readonly number[]): string {
  return values.length === 1
    ? values[0].toFixed(3)
    : plusMinus(summarize(values));
}

function writeCurve(kinds: readonly KindTunings[]): string {
  if (kinds.length === 0) return "";
  const heads = [
    "AP50 after (corrected cells)",
    "0 images",
    ...COUNTS.map((count) => `${count}`),
  ];
  const rows = kinds.map(({ kind, tunings }) => [
    kind,
    summarize(tunings.map(({ before }) => before)).mean.toFixed(3),
    ...COUNTS.map((count) => {
      const own = tunings.filter(({ images }) => images === count);
      if (own.length === 0) return "–";
      const ap = summarize(own.map(({ after }) => after)).mean;
      const cells = summarize(own.map((tuning) => tuning.cells)).mean;
      return `${ap.toFixed(3)} (${cells.toFixed(0)})`;
    }),
  ]);
  return `\n\n${table(heads, rows)}`;
}

function writeLoop(
  { loop, budget }: TrainingResults,
  files: ReadonlySet<string>,
): string {
  const rounds = Math.max(0, ...loop.map((row) => row.rounds.length));
  const heads = [
    "kind",
    "AP50 before",
    ...Array.from({ length: rounds }, (_, k) => `round ${k + 1}`),
  ];
  const rows = loop.map((row) => [
    row.kind,
    row.before.toFixed(3),
    ...Array.from({ length: rounds }, (_, k) => {
      const round = row.rounds[k];
      if (round === undefined) return "–";
      const { needed, made, cells, after } = round;
      return `${made} of ${needed} (${cells} cells), ${after.toFixed(3)}`;
    }),
  ]);
  return `## A human in the loop

Each round predicts an image that was not seen before, corrects its worst cells from the truth, at most ${budget.corrections} (a cell to draw, or one to erase, IoU below 0.5, the lowest first), and tunes the base model on all that was corrected so far. A round's entry: corrections made of those needed (true cells of the image), then AP50 on ${TESTED} other images.

${rounds > 0 ? table(heads, rows) : "Not run, for want of time."}${
    showAll(files, [["loop.svg", "Corrections that each round needs"]])
  }`;
}

function showAll(
  files: ReadonlySet<string>,
  pictures: readonly (readonly [file: string, title: string])[],
): string {
  return pictures.filter(([file]) => files.has(file))
    .map(([file, title]) => `\n\n![${title}](${file})`).join("");
}

function spellTime(seconds: number): string {
  return seconds < 120
    ? `${seconds.toFixed(0)} s`
    : `${(seconds / 60).toFixed(1)} min`;
}
