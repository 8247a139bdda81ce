/**
 * Networks that answer prompts, on onnxruntime-node.
 *
 * @module
 */
import { basename, join } from "node:path";
import * as ort from "onnxruntime-node";
import { explainLoading } from "../shared/models/onnx_run.ts";
import {
  createPromptModel,
  findPart,
  type Part,
  PARTS,
  type PromptRun,
} from "../shared/models/prompt_run.ts";
import type { PromptModel } from "../shared/pipeline/prompt_model.ts";
import { openModelFolder } from "./model_folder.ts";

/** How a model is loaded. */
export interface NodePromptOptions {
  /** The runtime's name of a provider; default: the processor. */
  readonly provider?: "cuda" | "webgpu" | "cpu";
  /** Threads of the processor; default: the runtime's choice. */
  readonly threads?: number;
}

/**
 * Load a model from its folder.
 *
 * @param folder  holds model.json and what it names; digests are checked
 * @throws {ModelError} if the folder is broken or answers no prompts, or the
 *   provider does not run it
 */
export async function loadNodePromptModel(
  folder: string,
  { provider = "cpu", threads }: NodePromptOptions = {},
): Promise<PromptModel> {
  const { model, json, digest } = await openModelFolder(folder);
  const sessions: Partial<Record<Part, ort.InferenceSession>> = {};
  for (const part of PARTS) {
    const { files } = findPart(json, part, basename(folder));
    try {
      sessions[part] = await ort.InferenceSession.create(
        join(folder, files[0].name),
        {
          executionProviders: [provider],
          graphOptimizationLevel: "all",
          logSeverityLevel: 4,
          ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        },
      );
    } catch (cause) {
      throw explainLoading(model, provider, cause);
    }
  }
  return createPromptModel<ort.Tensor>({
    model,
    json,
    digest,
    provider,
    sessions: sessions as PromptRun<ort.Tensor>["sessions"],
    createTensor: (data, dims) => new ort.Tensor("float32", data, dims),
  });
}
