/**
 * `score --true DIR --pred DIR`: scores of predicted against true masks, one
 * line an image and in total.
 *
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ArgumentError } from "../shared/errors.ts";
import { imageStemOf, stemOf } from "../shared/image/names.ts";
import type { DecodedLabels } from "../shared/image/read_labels.ts";
import { isVolume } from "../shared/ndarray.ts";
import { summarizeScores } from "../shared/pipeline/summarize_scores.ts";
import { type Core, loadCore, type MaskScores } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { readLabelFile } from "./label_files.ts";
import { printLine } from "./print.ts";

/** Options of the command. */
export interface ScoreCommand {
  /** Folder of true masks, or one file. */
  readonly true: string;
  /** Folder of predicted masks, or one file. */
  readonly pred: string;
  /** IoU thresholds, as "0.5,0.75,0.9". */
  readonly thresholds?: string;
  readonly json?: boolean;
}

/** Label files, the likeliest first where an image has several. */
const ENDINGS = [
  /\.(ome\.)?tiff?$/i,
  /\.png$/i,
  /(?<!_seg)\.np[yz]$/i,
  /_seg\.npy$/i,
  /\.zarr$/i,
  /\.zip$/i,
  /\.geojson$/i,
  /\.json$/i,
];

/** What segmentation writes besides labels. */
const NO_LABELS =
  /_(?:flows|flows_cp_masks|dP_cp_masks|cellprob_cp_masks|outlines_cp_masks|overlay_cp_masks|cp_output_cp_masks|result|cells)$/i;

/** Scores of one image. */
interface ImageScores {
  readonly name: string;
  readonly scores: MaskScores;
}

/**
 * Score two folders and print the result.
 *
 * @returns  the exit code: 1 if true masks have no prediction
 */
export async function score(options: ScoreCommand): Promise<number> {
  const thresholds = parseThresholds(options.thresholds);
  const truths = await listLabelFiles(callerPath(options.true));
  const predictions = await listLabelFiles(callerPath(options.pred));
  const isPair = truths.size === 1 && predictions.size === 1;
  const core = await loadCore();
  const images: ImageScores[] = [];
  const missing: string[] = [];
  for (const [name, truth] of truths) {
    // two files are a pair, whatever their names
    const prediction = isPair
      ? [...predictions.values()][0]
      : predictions.get(name);
    if (prediction === undefined) missing.push(name);
    else {
      const scores = await scorePair(core, { truth, prediction, thresholds });
      images.push({ name, scores });
      if (!options.json) printLine(describe(name, scores));
    }
  }
  const extra = isPair
    ? []
    : [...predictions.keys()].filter((name) => !truths.has(name));
  if (images.length === 0) {
    throw new ArgumentError("--pred", "no file belongs to a file of --true");
  }
  const total = summarizeScores(images.map(({ scores }) => scores));
  if (options.json) {
    printLine(JSON.stringify({
      images: images.map(({ name, scores }) => ({ name, ...scores })),
      total,
      missing,
      extra,
    }));
  } else {
    printTotal(total, images.length);
    for (const name of missing) printLine(`no prediction for ${name}`);
    for (const name of extra) printLine(`no true masks for ${name}`);
  }
  return missing.length > 0 ? 1 : 0;
}

/** Label files of a folder by the stem of their image, in natural order. */
async function listLabelFiles(path: string): Promise<Map<string, string>> {
  const isFile = !(await stat(path)).isDirectory() || /\.zarr$/i.test(path);
  const names = isFile ? [basename(path)] : await readdir(path);
  const folder = isFile ? dirname(path) : path;
  const found = new Map<string, { name: string; rank: number }>();
  names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  for (const name of names) {
    const ending = ENDINGS.findIndex((pattern) => pattern.test(name));
    if (ending < 0 || NO_LABELS.test(stemOf(name))) continue;
    const stem = imageStemOf(name);
    // a bare name may be the image itself
    const rank = ending + (stem === stemOf(name) ? ENDINGS.length : 0);
    const other = found.get(stem);
    if (!other || rank < other.rank) found.set(stem, { name, rank });
  }
  if (found.size === 0) {
    throw new ArgumentError("path", `${path} holds no label file`);
  }
  return new Map(
    [...found].map(([stem, { name }]) => [stem, join(folder, name)]),
  );
}

async function scorePair(
  core: Core,
  { truth, prediction, thresholds }: {
    truth: string;
    prediction: string;
    thresholds: readonly number[];
  },
): Promise<MaskScores> {
  const want = await readLabelFile(truth);
  // polygons do not tell the size of their image
  const found = await readLabelFile(
    prediction,
    isVolume(want.size) ? {} : { size: want.size },
  );
  if (shape(want) !== shape(found)) {
    throw new ArgumentError(
      "--pred",
      `${prediction} is ${shape(found)}, ${truth} is ${shape(want)}`,
    );
  }
  return core.scoreMasks(want.masks, found.masks, want.size, { thresholds });
}

function shape({ size }: DecodedLabels): string {
  return Object.values(size).join("×");
}

function describe(name: string, scores: MaskScores): string {
  const { precision, aji, panoptic, boundary, cells } = scores;
  return [
    name,
    `cells ${cells.truth}/${cells.prediction}`,
    ...precision.map(({ threshold, ap }) => `AP@${threshold} ${fixed(ap)}`),
    ...aji.map(({ kind, aji }) => `AJI(${kind}) ${fixed(aji)}`),
    `PQ ${fixed(panoptic.pq)}`,
    ...boundary.map(({ scale, f }) => `F@${scale} ${fixed(f)}`),
  ].join("  ");
}

function printTotal(
  total: ReturnType<typeof summarizeScores>,
  count: number,
): void {
  printLine();
  printLine(
    `${count} images, ${total.cells.truth} true and ${total.cells.prediction} predicted cells`,
  );
  const row = (name: string, value: number) =>
    printLine(`${name.padEnd(28)} ${fixed(value)}`);
  for (const { threshold, ap } of total.precision) {
    row(`AP@${threshold}, all cells together`, ap);
  }
  for (const { threshold, ap } of total.meanPrecision) {
    row(`AP@${threshold}, mean`, ap);
  }
  for (const { kind, aji } of total.aji) row(`AJI (${kind}), mean`, aji);
  row("PQ, mean", total.panoptic.pq);
  for (const { scale, f } of total.boundary) {
    row(`boundary F@${scale}, mean`, f);
  }
}

function fixed(value: number): string {
  return value.toFixed(4);
}

function parseThresholds(text = "0.5,0.75,0.9"): number[] {
  const thresholds = text.split(/[\s,]+/).filter(Boolean).map(Number);
  if (
    thresholds.length === 0 ||
    !thresholds.every((value) => value > 0 && value <= 1)
  ) {
    throw new ArgumentError(
      "--thresholds",
      `"${text}" must be numbers above 0, at most 1, as 0.5,0.75`,
    );
  }
  return thresholds;
}
