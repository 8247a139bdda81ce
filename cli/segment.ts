/**
 * `segment IMAGE|FOLDER|GLOB… --model DIR --out DIR`: images to cells.
 *
 * Exits 0 if every image was segmented, also where it has no cell; 1 if one
 * failed (the others are done); 2 for wrong usage.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  loadNodeEncoder,
  type NodeEncoder,
  type NodeProvider,
  PROVIDERS,
} from "../gpu-worker/encoder_node.ts";
import { findShippedModel } from "../shared/models/shipped.ts";
import { stemOf } from "../shared/image/names.ts";
import type { Warning } from "../shared/pipeline/warnings.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { explainError } from "./explain_error.ts";
import { printLine } from "./print.ts";
import { findImages } from "./segment/find_images.ts";
import { type ImageOutcome, segmentFile } from "./segment/one_image.ts";
import { readSegmentOptions, type SegmentCommand } from "./segment/options.ts";
import { type ProgressBar, showProgress } from "./segment/progress.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "../shared/version.ts";

const CORE = new URL("../wasm/dist/core.wasm", import.meta.url);

/** An image that could not be segmented. */
interface Failure {
  readonly image: string;
  readonly status: "failed";
  readonly error: string;
}

/**
 * Run the command.
 *
 * @returns the exit code
 * @throws {UsageError} for wrong usage
 */
export async function segment(
  inputs: readonly string[],
  given: Record<string, unknown>,
): Promise<number> {
  const command = readSegmentOptions(given);
  const images = readImages([...inputs, ...command.images], command);
  const encoders = await loadModels(command);
  const bytes = new Uint8Array(await readFile(CORE));
  const job = {
    ...command,
    core: await loadCore(bytes),
    coreVersion: `${VERSION} ${
      createHash("sha256").update(bytes).digest("hex").slice(0, 16)
    }`,
    encoders,
    out: command.out === undefined ? undefined : callerPath(command.out),
  };
  const { out, batchSize, scratch, ...rest } = job;
  const optional = {
    ...(scratch === undefined ? {} : { scratch: callerPath(scratch) }),
    ...(out === undefined ? {} : { out }),
    ...(batchSize === undefined ? {} : { batchSize }),
  };

  const outcomes: (ImageOutcome | Failure)[] = [];
  const bar = command.json ? showProgress(0) : showProgress(images.length);
  for (const image of images) {
    bar.start(basename(image));
    const outcome = await attempt(image, () =>
      segmentFile(image, {
        ...rest,
        ...optional,
        onProgress: bar.update,
      }));
    outcomes.push(outcome);
    bar.finish();
    if (!command.json) report(outcome, bar);
  }
  bar.stop();
  for (const encoder of encoders) await encoder.close();
  summarize(outcomes, encoders, command);
  return outcomes.some(({ status }) => status === "failed") ? 1 : 0;
}

function readImages(
  inputs: readonly string[],
  { recursive, imageFilter, out }: SegmentCommand,
): string[] {
  if (inputs.length === 0) {
    throw new UsageError("missing required argument 'images'");
  }
  const images = findImages(inputs.map(callerPath), { recursive, imageFilter });
  const seen = new Map<string, string>();
  for (const image of images) {
    const target = join(out ?? dirname(image), stemOf(image));
    const other = seen.get(target);
    if (other !== undefined) {
      throw new UsageError(
        `${image} and ${other} would be written to the same files; segment them apart`,
      );
    }
    seen.set(target, image);
  }
  return images;
}

async function loadModels(
  { models, providers, threads }: SegmentCommand,
): Promise<NodeEncoder[]> {
  const shipped = findShippedModel();
  if (models.length === 0 && shipped === undefined) {
    throw new UsageError(
      "no model comes with this version; make one with `import CHECKPOINT --out DIR` and give --model DIR",
    );
  }
  const wrong = providers?.find((each) =>
    !(PROVIDERS as readonly string[]).includes(each)
  );
  if (wrong !== undefined) {
    throw new UsageError(
      `option --provider: ${wrong} is none of ${PROVIDERS.join(", ")}`,
    );
  }
  const options = {
    ...(providers ? { providers: providers as NodeProvider[] } : {}),
    ...(threads === undefined ? {} : { threads }),
  };
  const encoders: NodeEncoder[] = [];
  const folders = models.length > 0 ? models.map(callerPath) : [shipped!];
  for (const folder of folders) {
    encoders.push(await loadNodeEncoder(folder, options));
  }
  return encoders;
}

async function attempt(
  image: string,
  work: () => Promise<ImageOutcome>,
): Promise<ImageOutcome | Failure> {
  try {
    return await work();
  } catch (err) {
    return { image, status: "failed", error: explainError(err) };
  }
}

function report(outcome: ImageOutcome | Failure, bar: ProgressBar): void {
  const name = basename(outcome.image);
  const lines: string[] = [];
  if (outcome.status === "failed") {
    lines.push(`${name}  failed: ${outcome.error}`);
  } else {
    const { result, status } = outcome;
    const cells = result.count === 1 ? "1 cell" : `${result.count} cells`;
    const seconds = (result.run.timings.total / 1000).toFixed(1);
    lines.push(
      `${name}  ${cells}  ${status === "done" ? `${seconds} s` : status}`,
    );
    if (status === "done") lines.push(...listWarnings(result.warnings));
  }
  bar.print(lines);
}

/** One line a code; stacks have the same warning for many planes. */
function listWarnings(warnings: readonly Warning[]): string[] {
  const codes = Map.groupBy(warnings, ({ code }) => code);
  return [...codes].map(([code, [{ message, plane }, ...more]]) => {
    if (plane === undefined) return `  ${code}: ${message}`;
    const others = more.length > 0 ? ` and ${more.length} more` : "";
    return `  ${code} (plane ${plane}${others}): ${message}`;
  });
}

function summarize(
  outcomes: readonly (ImageOutcome | Failure)[],
  encoders: readonly NodeEncoder[],
  { json }: SegmentCommand,
): void {
  const count = (status: string) =>
    outcomes.filter((each) => each.status === status).length;
  const [{ provider, passedOver }] = encoders;
  const total = {
    images: outcomes.length,
    done: count("done"),
    finishedBefore: count("finished before"),
    failed: count("failed"),
    provider,
  };
  if (json) {
    const all = { ...total, passedOver, results: outcomes };
    return printLine(JSON.stringify(all));
  }
  printLine(
    `${total.images} images: ${total.done} done, ${total.finishedBefore} finished before, ${total.failed} failed (on ${provider})`,
  );
}
