/**
 * Networks that answer prompts, on onnxruntime-web: at the edge, in Deno.
 *
 * @module
 */
import * as ort from "onnxruntime-web";
import { ModelError } from "../errors.ts";
import { digestBytes } from "../pipeline/digest.ts";
import type { PromptModel } from "../pipeline/prompt_model.ts";
import { describeModel, type ModelJson } from "../schema/model.ts";
import type { WebEncoderOptions } from "./encoder_web.ts";
import { explainLoading } from "./onnx_run.ts";
import {
  createPromptModel,
  findPart,
  type Part,
  PARTS,
  type PromptRun,
} from "./prompt_run.ts";

/** A model whose files are read one after the other. */
export interface PromptModelFiles {
  readonly name: string;
  readonly json: ModelJson;
  readonly read: (file: string) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Load a model; the digests are checked.
 *
 * @throws {ModelError} if the files are not the model's, it answers no prompts,
 *   or the runtime does not run it
 */
export async function loadWebPromptModel(
  { name, json, read }: PromptModelFiles,
  { wasmPaths, threads }: Omit<WebEncoderOptions, "providers"> = {},
): Promise<PromptModel> {
  const model = describeModel(json, name);
  if (model === undefined) {
    throw new ModelError(name, `family ${json.family} is not known`);
  }
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  if (threads !== undefined) ort.env.wasm.numThreads = threads;
  const sessions: Partial<Record<Part, ort.InferenceSession>> = {};
  for (const part of PARTS) {
    const [graph, ...more] = findPart(json, part, name).files;
    const bytesOf = async (file: typeof graph) => {
      const bytes = await read(file.name);
      if (await digestBytes(bytes) === file.sha256) return bytes;
      throw new ModelError(name, `${file.name} is not what was imported`);
    };
    const externalData = [];
    for (const file of more) {
      externalData.push({ path: file.name, data: await bytesOf(file) });
    }
    const bytes = await bytesOf(graph);
    try {
      sessions[part] = await ort.InferenceSession.create(bytes, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        ...(externalData.length > 0 ? { externalData } : {}),
      });
    } catch (cause) {
      throw explainLoading(model, "wasm", cause);
    }
  }
  return createPromptModel<ort.Tensor>({
    model,
    json,
    digest: json.sha256,
    provider: "wasm",
    sessions: sessions as PromptRun<ort.Tensor>["sessions"],
    createTensor: (data, dims) => new ort.Tensor("float32", data, dims),
  });
}
