/**
 * One image: file → decoded → segmented → files.
 *
 * The description is written last, so that what was cut short is done again.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { decodeImage } from "../../shared/image/decode.ts";
import { outputNames, stemOf } from "../../shared/image/names.ts";
import { digestBytes } from "../../shared/pipeline/digest.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import {
  describeResult,
  type ResultDescription,
  resultId,
} from "../../shared/pipeline/result.ts";
import {
  type Progress,
  segment,
  type SegmentInput,
} from "../../shared/pipeline/segment.ts";
import type { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import type { OutputName } from "./output_kinds.ts";
import { writeOutput } from "./outputs.ts";

/** What all images of a call share. */
export interface ImageJob {
  readonly core: Core;
  readonly coreVersion: string;
  readonly encoders: readonly Encoder[];
  readonly parameters: SegmentParameters;
  readonly outputs: readonly OutputName[];
  /** Folder for results; default: the image's own. */
  readonly out?: string;
  readonly batchSize?: number;
  /** Compute what is finished again. */
  readonly force: boolean;
  readonly onProgress: (progress: Progress) => void;
}

/** `<stem>_result.json` */
export interface WrittenResult extends ResultDescription {
  /** Outputs that were written, and their files. */
  readonly outputs: readonly OutputName[];
  readonly files: readonly string[];
}

/** What became of an image. */
export interface ImageOutcome {
  readonly image: string;
  readonly status: "done" | "finished before";
  readonly result: WrittenResult;
}

/**
 * Segment an image's file, unless its result is there.
 *
 * @throws {SegError | ArgumentError} for what is wrong with file or parameters
 */
export async function segmentFile(
  path: string,
  job: ImageJob,
): Promise<ImageOutcome> {
  const folder = job.out ?? dirname(path);
  const stem = stemOf(path);
  const bytes = new Uint8Array(await readFile(path));
  const key = {
    input: await digestBytes(bytes),
    models: job.encoders.map(({ digest }) => digest),
    parameters: job.parameters,
    core: job.coreVersion,
  };
  const written = join(folder, outputNames(stem).result);
  const before = await readFinished(written, await resultId(key), job.outputs);
  if (before && !job.force) {
    return { image: path, status: "finished before", result: before };
  }

  const { axes, pixelSize: given } = job.parameters;
  const decoded = await decodeImage(bytes, axes === null ? {} : { axes });
  const image = given === null
    ? decoded
    : { ...decoded, pixelSize: { y: given, x: given } };
  const { pixelSize, ...facts } = image;
  const input: SegmentInput = {
    ...facts,
    ...(pixelSize ? { pixelSize: Math.sqrt(pixelSize.y * pixelSize.x) } : {}),
    fileWarnings: image.warnings,
  };
  const { core, encoders, parameters, batchSize, onProgress } = job;
  const result = await segment(input, parameters, {
    core,
    encoders,
    onProgress,
    ...(batchSize === undefined ? {} : { batchSize }),
  });

  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  const context = { core, fileName: basename(path), stem, image, result };
  for (const name of job.outputs) {
    for (const [file, content] of writeOutput(name, context)) {
      await writeWhole(join(folder, file), content);
      files.push(file);
    }
  }
  const described: WrittenResult = {
    ...await describeResult(result, encoders, key),
    outputs: job.outputs,
    files,
  };
  const text = JSON.stringify(described, null, 2) + "\n";
  await writeWhole(written, text);
  return { image: path, status: "done", result: described };
}

/** The result that is there, if it is this one with all that is asked for. */
async function readFinished(
  path: string,
  id: string,
  outputs: readonly OutputName[],
): Promise<WrittenResult | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const result: WrittenResult = JSON.parse(await readFile(path, "utf8"));
    const isComplete = result.id === id &&
      outputs.every((name) => result.outputs.includes(name)) &&
      result.files.every((file) => existsSync(join(dirname(path), file)));
    return isComplete ? result : undefined;
  } catch {
    // not ours, or cut short: it is computed and written again
    return undefined;
  }
}

/** Write a file so that it is there whole or not at all. */
async function writeWhole(
  path: string,
  content: Uint8Array | string,
): Promise<void> {
  // OME-Zarr has folders of its own
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}
