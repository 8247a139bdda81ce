/**
 * What onnxruntime-node and onnxruntime-web have in common: a model that
 * answers prompts, from its three graphs.
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { Provider } from "../pipeline/encoder.ts";
import type { ModelPrompt, PromptModel } from "../pipeline/prompt_model.ts";
import type { ModelInfo, ModelJson } from "../schema/model.ts";
import { explainFailure, type OnnxSession } from "./onnx_run.ts";

/** The three graphs of a model. */
export const PARTS = [
  "image_encoder",
  "prompt_encoder",
  "mask_decoder",
] as const;

/** One of them. */
export type Part = typeof PARTS[number];

/** A tensor of either runtime. */
interface PromptTensor {
  readonly data: unknown;
}

/** What is needed to run a model. */
export interface PromptRun<Tensor> {
  readonly model: ModelInfo;
  readonly json: ModelJson;
  /** SHA-256 of the model's bytes, lower-case hex. */
  readonly digest: string;
  readonly provider: Provider;
  readonly sessions: Readonly<
    Record<Part, OnnxSession<Tensor> & { release(): Promise<void> }>
  >;
  /** Make an f32 tensor. */
  readonly createTensor: (data: Float32Array, dims: number[]) => Tensor;
}

/**
 * A graph of a model.
 *
 * @throws {ModelError} if the model answers no prompts
 */
export function findPart(
  json: ModelJson,
  part: Part,
  name: string,
): ModelJson["networks"][number] {
  const network = json.networks.find((each) => each.name === part);
  if (network !== undefined) return network;
  throw new ModelError(
    name,
    `is of family ${json.family}, which answers no prompts; refine takes sam`,
  );
}

/** Put a model together from its loaded graphs. */
export function createPromptModel<Tensor extends PromptTensor>(
  { model, json, digest, provider, sessions, createTensor }: PromptRun<Tensor>,
): PromptModel {
  const port = (part: Part, name: string) =>
    findPart(json, part, model.name).inputs
      .find((each) => each.name === name)?.shape.map(Number) ?? [];
  const [, channels, height, width] = port("image_encoder", "x");
  const [, , maskHeight, maskWidth] = port("prompt_encoder", "mask");
  const [, ...features] = port("mask_decoder", "embedding");

  async function run(part: Part, feeds: Record<string, Tensor>) {
    try {
      return await sessions[part].run(feeds) as Record<string, Tensor>;
    } catch (cause) {
      throw explainFailure(model.name, provider, cause);
    }
  }

  const readPrompt = ({ points, labels, mask }: ModelPrompt) => ({
    points: createTensor(points, [1, labels.length, 2]),
    labels: createTensor(labels, [1, labels.length]),
    mask: createTensor(
      mask ?? new Float32Array(maskHeight * maskWidth),
      [1, 1, maskHeight, maskWidth],
    ),
    hasMask: createTensor(Float32Array.of(mask ? 1 : 0), [1]),
  });

  return {
    model,
    digest,
    provider,
    imageSize: { height, width },
    maskSize: { height: maskHeight, width: maskWidth },
    async encodeImage(x) {
      const image = createTensor(x, [1, channels, height, width]);
      const { embedding } = await run("image_encoder", { x: image });
      return copyOf(embedding);
    },
    async answer(embedding, prompt) {
      const { sparse, dense } = await run("prompt_encoder", readPrompt(prompt));
      const { masks, scores } = await run("mask_decoder", {
        embedding: createTensor(embedding, [1, ...features]),
        sparse,
        dense,
      });
      return { masks: copyOf(masks), scores: copyOf(scores) };
    },
    async close() {
      for (const part of PARTS) await sessions[part].release();
    },
  };
}

/** The runtime may reuse its memory. */
function copyOf({ data }: PromptTensor): Float32Array {
  return (data as Float32Array).slice();
}
