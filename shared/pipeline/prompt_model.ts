/**
 * What answers prompts; the pipeline knows no ONNX runtime.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { ModelInfo } from "../schema/model.ts";
import type { Provider } from "./encoder.ts";

/** Points and a rough mask, as the network takes them. */
export interface ModelPrompt {
  /** P×2 f32 (x, y), pixels of the network's image */
  readonly points: Float32Array;
  /** P f32: 1 cell, 0 background, 2 and 3 a box's corners, −1 none */
  readonly labels: Float32Array;
  /** h×w f32 of `maskSize`, logits; none: left aside */
  readonly mask?: Float32Array;
}

/** What the network answers. */
export interface ModelAnswer {
  /** M×h×w f32 of `maskSize`, logits */
  readonly masks: Float32Array;
  /** M f32, expected IoU */
  readonly scores: Float32Array;
}

/** An image's features, as the model keeps them. */
export type Embedding = Float32Array;

/** A model that is loaded, and where. */
export interface PromptModel {
  readonly model: ModelInfo;
  /** SHA-256 of the model's bytes, lower-case hex. */
  readonly digest: string;
  readonly provider: Provider;
  /** Size of the image that it takes. */
  readonly imageSize: Size2D;
  /** Size of masks, in and out. */
  readonly maskSize: Size2D;
  /**
   * Encode an image: the long step.
   *
   * @param x  C×H×W f32 of `imageSize`, standardized
   * @throws {ModelError} if it does not run
   */
  encodeImage(x: Float32Array): Promise<Embedding>;
  /**
   * Answer a prompt.
   *
   * @throws {ModelError} if it does not run
   */
  answer(embedding: Embedding, prompt: ModelPrompt): Promise<ModelAnswer>;
  /** Free what the model holds. */
  close(): Promise<void>;
}
