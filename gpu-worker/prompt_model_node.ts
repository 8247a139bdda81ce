/**
 * Networks that answer prompts, on onnxruntime-node.
 *
 * @module
 */
import { basename, join } from "node:path";
import * as ort from "onnxruntime-node";
import { ModelError } from "../shared/errors.ts";
import { explainFailure, explainLoading } from "../shared/models/onnx_run.ts";
import type {
  ModelPrompt,
  PromptModel,
} from "../shared/pipeline/prompt_model.ts";
import { openModelFolder } from "./model_folder.ts";

/** The three graphs of a model. */
const PARTS = ["image_encoder", "prompt_encoder", "mask_decoder"] as const;

type Sessions = Record<typeof PARTS[number], ort.InferenceSession>;

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
  const sessions: Partial<Sessions> = {};
  for (const part of PARTS) {
    const network = json.networks.find(({ name }) => name === part);
    if (network === undefined) {
      throw new ModelError(
        basename(folder),
        `is of family ${model.family}, which answers no prompts; refine takes sam`,
      );
    }
    try {
      sessions[part] = await ort.InferenceSession.create(
        join(folder, network.files[0].name),
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
  const { image_encoder, prompt_encoder, mask_decoder } = sessions as Sessions;
  const port = (part: string, name: string) =>
    json.networks.find((each) => each.name === part)?.inputs
      .find((each) => each.name === name)?.shape.map(Number) ?? [];
  const [, channels, height, width] = port("image_encoder", "x");
  const [, , maskHeight, maskWidth] = port("prompt_encoder", "mask");
  const [, ...features] = port("mask_decoder", "embedding");
  const run = async (
    session: ort.InferenceSession,
    feeds: Record<string, ort.Tensor>,
  ) => {
    try {
      return await session.run(feeds);
    } catch (cause) {
      throw explainFailure(model.name, provider, cause);
    }
  };
  return {
    model,
    digest,
    provider,
    imageSize: { height, width },
    maskSize: { height: maskHeight, width: maskWidth },
    async encodeImage(x) {
      const { embedding } = await run(image_encoder, {
        x: tensor(x, [1, channels, height, width]),
      });
      return (embedding.data as Float32Array).slice();
    },
    async answer(embedding, prompt) {
      const { sparse, dense } = await run(
        prompt_encoder,
        readPrompt(prompt, maskHeight, maskWidth),
      );
      const { masks, scores } = await run(mask_decoder, {
        embedding: tensor(embedding, [1, ...features]),
        sparse,
        dense,
      });
      return {
        masks: (masks.data as Float32Array).slice(),
        scores: (scores.data as Float32Array).slice(),
      };
    },
    async close() {
      for (const part of PARTS) await sessions[part]?.release();
    },
  };
}

function readPrompt(
  { points, labels, mask }: ModelPrompt,
  height: number,
  width: number,
): Record<string, ort.Tensor> {
  return {
    points: tensor(points, [1, labels.length, 2]),
    labels: tensor(labels, [1, labels.length]),
    mask: tensor(mask ?? new Float32Array(height * width), [
      1,
      1,
      height,
      width,
    ]),
    hasMask: tensor(Float32Array.of(mask ? 1 : 0), [1]),
  };
}

function tensor(data: Float32Array, dims: number[]): ort.Tensor {
  return new ort.Tensor("float32", data, dims);
}
