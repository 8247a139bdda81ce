/**
 * `import CHECKPOINT --out DIR`: weights of PyTorch to a model that ONNX
 * Runtime runs.
 *
 * @module
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { isSegError } from "../shared/errors.ts";
import {
  importModel,
  type ImportOptions,
} from "../gpu-worker/import/import_model.ts";
import type { Accuracy, ModelJson } from "../gpu-worker/import/model_json.ts";
import { callerPath } from "./caller_path.ts";
import { calibrate } from "./import/calibrate.ts";
import { printLine } from "./print.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "../shared/version.ts";

/** Options of the command. */
export interface ImportCommand
  extends Pick<ImportOptions, "precision" | "attention" | "licence"> {
  readonly out: string;
  /** As the caller spells it. */
  readonly sizeModel?: string;
  /** Images, folders or patterns to compare with fp32 on. */
  readonly calibrate?: readonly string[];
  readonly json?: boolean;
}

/**
 * Run the command.
 *
 * @param checkpoint  as the caller spells it
 * @throws {Error} with a line that says what is wrong with the checkpoint
 */
export async function importCheckpoint(
  checkpoint: string,
  { out, sizeModel, calibrate: images, json = false, ...given }: ImportCommand,
): Promise<void> {
  const path = callerPath(checkpoint);
  const folder = callerPath(out);
  requireFile(path, checkpoint);
  if (sizeModel !== undefined) requireFile(callerPath(sizeModel), sizeModel);
  if (images !== undefined && (given.precision ?? "fp32") === "fp32") {
    throw new UsageError(
      "option --calibrate: compares a precision with fp32; give --precision",
    );
  }
  const started = performance.now();
  const options = {
    ...given,
    ...(sizeModel === undefined ? {} : { sizeModel: callerPath(sizeModel) }),
    version: VERSION,
  };
  let model = attempt(checkpoint, () => importModel(path, folder, options));
  if (images !== undefined) {
    model = await calibrate({
      checkpoint: path,
      folder,
      model,
      options,
      images: images.map(callerPath),
    });
  }
  if (json) {
    printLine(JSON.stringify(model, null, 2));
    return;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  for (const line of describe(model, given.precision)) printLine(line);
  printLine(`wrote ${join(folder, "model.json")} in ${seconds} s`);
}

function describe(model: ModelJson, wanted = "fp32"): string[] {
  const { family, tile, channels, precision, nodes, attention } = model;
  const bytes = model.networks.flatMap(({ files }) => files)
    .reduce((sum, file) => sum + file.bytes, 0);
  const { unused } = model.provenance;
  const lines = [
    `${family}, ${precision}, ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    `tile ${tile.height}×${tile.width}${
      tile.isFixed ? "" : `, or any multiples of ${tile.multiple}`
    }, ${channels.input} channels in, ${channels.output} out`,
    `${nodes} nodes${attention ? `, attention by ${attention}` : ""}`,
    `sha256 ${model.sha256}`,
    ...describePrecision(model, wanted),
  ];
  if (model.accuracy) lines.push(...describeAccuracy(model.accuracy));
  if (unused.length > 0) lines.push(`not needed: ${unused.join(", ")}`);
  if (model.licence === null) {
    lines.push("no licence stated; say --licence TEXT to keep it with results");
  }
  return lines;
}

/** What the precision asked for means for this model. */
function describePrecision(
  { precision, inFp32 = {} }: ModelJson,
  wanted: string,
): string[] {
  const wide = Object.entries(inFp32).map(([op, count]) => `${op} ${count}`);
  const lines = [];
  if (wide.length > 0) {
    lines.push(
      `in fp32, as ONNX's operator set 20 has no ${wanted} for them: ${
        wide.join(", ")
      }`,
    );
  }
  if (precision !== wanted) {
    lines.push(`nothing of it is left in ${wanted}: the model is ${precision}`);
  }
  if (precision === "bf16") {
    lines.push("it runs on CUDA only; processors have no bf16 products");
  }
  return lines;
}

function describeAccuracy(accuracy: Accuracy): string[] {
  const { meanAp, iou, counted, cells, cellsFp32 } = accuracy;
  const faster = accuracy.encodeMsFp32 / accuracy.encodeMs;
  const lines = [
    `beside fp32 on ${counted} images: AP@${iou} ${meanAp.toFixed(4)} (change ${
      (1 - meanAp).toFixed(4)
    }), ${cells} cells to ${cellsFp32}`,
    `${faster.toFixed(2)}× fp32's speed on this processor`,
  ];
  if (faster <= 1) {
    lines.push("it is not faster here: fp32 is the better choice");
  }
  return lines;
}

function requireFile(path: string, spelled: string): void {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isFile()) return;
  throw new Error(
    facts ? `${spelled} is no file` : `${spelled} does not exist`,
  );
}

function attempt(checkpoint: string, run: () => ModelJson): ModelJson {
  try {
    return run();
  } catch (err) {
    const isExpected = isSegError(err) || err instanceof RangeError;
    if (!isExpected) throw err;
    throw new Error(`${checkpoint}: ${err.message}`, { cause: err });
  }
}
