/**
 * One image: file → decoded → segmented → files.
 *
 * The description is written last, so that what was cut short is done again.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { DecodedArray } from "../../shared/image/decoded.ts";
import { outputNames, stemOf } from "../../shared/image/names.ts";
import { decodedBytes, type OpenedImage } from "../../shared/image/open.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { openStoreFolder } from "../../shared/pipeline/file_store.ts";
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
import {
  type BandInput,
  segmentBands,
} from "../../shared/pipeline/segment_bands.ts";
import type { SegmentParameters } from "../../shared/schema/parameters.ts";
import type { Core } from "../../wasm/mod.ts";
import { writeOutput } from "../../shared/pipeline/write_outputs.ts";
import type { OutputName } from "../../shared/schema/output_kinds.ts";
import { writeBandOutput } from "./band_outputs.ts";
import { type ImageFile, openImageFile } from "./image_file.ts";
import { type MemoryPlan, planMemory } from "./memory.ts";
import { writeWhole } from "./part_file.ts";

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
  /** Bytes; `null`: see `planMemory`. */
  readonly memoryBudget: number | null;
  /** Folder for images larger than memory; default: that of the results. */
  readonly scratch?: string;
  /** Compute what is finished again. */
  readonly force: boolean;
  readonly onProgress: (progress: Progress) => void;
}

/** `<stem>_result.json` */
export interface WrittenResult extends ResultDescription {
  readonly run: ResultDescription["run"] & { readonly memory: MemoryPlan };
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
  const file = openImageFile(path);
  try {
    const key = {
      input: file.digest,
      models: job.encoders.map(({ digest }) => digest),
      parameters: job.parameters,
      core: job.coreVersion,
    };
    const written = join(folder, outputNames(stem).result);
    const id = await resultId(key);
    const before = await readFinished(written, id, job.outputs);
    if (before && !job.force) {
      return { image: path, status: "finished before", result: before };
    }
    const done = await segmentOpened(file, { ...job, folder, path, stem });
    const { run, ...described } = await describeResult(
      done.result,
      job.encoders,
      key,
    );
    const result: WrittenResult = {
      ...described,
      run: { ...run, memory: done.memory },
      outputs: job.outputs,
      files: done.files,
    };
    await writeWhole(written, JSON.stringify(result, null, 2) + "\n");
    return { image: path, status: "done", result };
  } finally {
    file.close();
  }
}

/** A job and the image's place. */
interface FileJob extends ImageJob {
  readonly folder: string;
  readonly path: string;
  readonly stem: string;
}

/** Segment in memory or in bands, and write what was asked for. */
async function segmentOpened(file: ImageFile, job: FileJob) {
  const { axes } = job.parameters;
  const options = axes === null ? {} : { axes };
  const opened = await file.open(options);
  const decoded = opened ? undefined : await file.decode(options);
  const size = opened?.size ?? { height: 1, width: decoded?.data.length ?? 1 };
  const pixels = decodedBytes(opened ?? decoded!);
  const memory = planMemory({
    size,
    depth: opened?.depth ?? 1,
    bytes: file.bytes + pixels,
  }, job);
  await mkdir(job.folder, { recursive: true });
  const done = opened && memory.mode === "bands"
    ? await segmentInBands(opened, job)
    : await segmentInMemory(decoded ?? await file.decode(options), job);
  return { ...done, memory };
}

async function segmentInMemory(decoded: DecodedArray, job: FileJob) {
  const { core, path, stem, folder } = job;
  const image = withPixelSize(decoded, job);
  const { pixelSize: _, ...facts } = image;
  const input: SegmentInput = { ...facts, ...factsOf(image) };
  const result = await segment(input, job.parameters, depsOf(job));
  const files: string[] = [];
  const context = { core, fileName: basename(path), stem, image, result };
  for (const name of job.outputs) {
    for (const [file, content] of writeOutput(name, context)) {
      await writeWhole(join(folder, file), content);
      files.push(file);
    }
  }
  return { result, files };
}

async function segmentInBands(opened: OpenedImage, job: FileJob) {
  const { core, stem, folder, path } = job;
  const image = withPixelSize(opened, job);
  const { pixelSize: _, dtype, ...facts } = image;
  const stores = openStoreFolder(job.scratch ?? folder);
  try {
    const input: BandInput = {
      ...facts,
      ...factsOf(image),
      isInteger: !dtype.startsWith("float"),
    };
    const deps = { ...depsOf(job), stores };
    const result = await segmentBands(input, job.parameters, deps);
    const fileName = basename(path);
    const context = { core, stem, fileName, folder, image, result, stores };
    const files: string[] = [];
    for (const name of job.outputs) {
      files.push(...await writeBandOutput(name, context));
    }
    return { result, files };
  } finally {
    stores.close();
  }
}

/** The pixel size that was given goes before the file's. */
function withPixelSize<T extends Pick<DecodedArray, "pixelSize">>(
  image: T,
  { parameters: { pixelSize } }: ImageJob,
): T {
  return pixelSize === null
    ? image
    : { ...image, pixelSize: { y: pixelSize, x: pixelSize } };
}

function factsOf(
  { pixelSize, warnings }: Pick<DecodedArray, "pixelSize" | "warnings">,
) {
  return {
    ...(pixelSize ? { pixelSize: Math.sqrt(pixelSize.y * pixelSize.x) } : {}),
    fileWarnings: warnings,
  };
}

function depsOf({ core, encoders, batchSize, onProgress }: ImageJob) {
  return {
    core,
    encoders,
    onProgress,
    ...(batchSize === undefined ? {} : { batchSize }),
  };
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
