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
import type { ModelJson } from "../gpu-worker/import/model_json.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import { VERSION } from "./version.ts";

/** Options of the command. */
export interface ImportCommand
  extends Pick<ImportOptions, "precision" | "attention" | "licence"> {
  readonly out: string;
  /** As the caller spells it. */
  readonly sizeModel?: string;
  readonly json?: boolean;
}

/**
 * Run the command.
 *
 * @param checkpoint  as the caller spells it
 * @throws {Error} with a line that says what is wrong with the checkpoint
 */
export function importCheckpoint(
  checkpoint: string,
  { out, sizeModel, json = false, ...options }: ImportCommand,
): void {
  const path = callerPath(checkpoint);
  const folder = callerPath(out);
  requireFile(path, checkpoint);
  if (sizeModel !== undefined) requireFile(callerPath(sizeModel), sizeModel);
  const started = performance.now();
  const model = attempt(
    checkpoint,
    () =>
      importModel(path, folder, {
        ...options,
        ...(sizeModel === undefined
          ? {}
          : { sizeModel: callerPath(sizeModel) }),
        version: VERSION,
      }),
  );
  if (json) {
    printLine(JSON.stringify(model, null, 2));
    return;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  for (const line of describe(model)) printLine(line);
  printLine(`wrote ${join(folder, "model.json")} in ${seconds} s`);
}

function describe(model: ModelJson): string[] {
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
  ];
  if (unused.length > 0) lines.push(`not needed: ${unused.join(", ")}`);
  if (model.licence === null) {
    lines.push("no licence stated; say --licence TEXT to keep it with results");
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
