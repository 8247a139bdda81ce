/**
 * An image as a network that answers prompts takes it.
 *
 *   channels → bytes → longest edge to the network's → standardized → padded
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import type { Core } from "../../wasm/mod.ts";
import { type ChannelRequest, chooseChannels } from "./channels.ts";
import type { Plane } from "./planes.ts";
import type { PromptModel } from "./prompt_model.ts";
import { normalizeRows } from "./rows.ts";
import type { Warning } from "./warnings.ts";

/** Mean and deviation of bytes that the network was trained with. */
const MEAN = [123.675, 116.28, 103.53];
const DEVIATION = [58.395, 57.12, 57.375];

/** How an image's values become bytes. */
export interface PromptImageOptions {
  /** As `chooseChannels`; default: the first three, or the only one thrice. */
  readonly channels?: ChannelRequest;
  /** Scale by percentiles 1 and 99; default: all but images of bytes. */
  readonly normalize?: boolean;
}

/** An image for the network, and how it came about. */
export interface PromptImage {
  /** C×H×W f32 of the network's image size */
  readonly x: Float32Array;
  /** The part of it that is the image. */
  readonly inputSize: Size2D;
  readonly isNormalized: boolean;
  readonly warnings: readonly Warning[];
}

/**
 * Prepare an image.
 *
 * @throws {ArgumentError} `channels`
 * @throws {ModelError} if the network does not take three channels
 *
 * Source: segment_anything 1.0 `ResizeLongestSide`, `Sam.preprocess`.
 * Differs: images of other types than bytes are scaled by percentiles.
 */
export async function preparePromptImage(
  core: Core,
  plane: Plane,
  { model, imageSize }: Pick<PromptModel, "model" | "imageSize">,
  options: PromptImageOptions = {},
): Promise<PromptImage> {
  if (model.channels !== MEAN.length) {
    throw new ModelError(
      model.name,
      `takes ${model.channels} channels, ${MEAN.length} are expected`,
    );
  }
  const { size, data } = plane;
  const { normalize = !(data instanceof Uint8Array) } = options;
  const request = options.channels ??
    (plane.channels === 1 ? [1, 1, 1] : null);
  const chosen = chooseChannels(plane, model, request);
  const { source } = normalizeRows(core, plane, chosen.sources, {
    normalize,
    normPercentile: [1, 99],
    invert: false,
  });
  const whole = await source.rows(0, size.height);
  const bytes = normalize ? core.toBytes(whole) : whole;
  const inputSize = fitInto(size, imageSize);
  const channels = model.channels;
  const resized = core.resampleImage(
    bytes,
    { ...size, channels },
    inputSize,
    true,
  );
  const x = core.placeImage(resized, { ...inputSize, channels }, imageSize, {
    mean: MEAN,
    deviation: DEVIATION,
  });
  return { x, inputSize, isNormalized: normalize, warnings: chosen.warnings };
}

/** The longer edge becomes the network's. */
export function fitInto(size: Size2D, target: Size2D): Size2D {
  const edge = Math.max(target.height, target.width);
  const scale = edge / Math.max(size.height, size.width);
  const fit = (length: number) => Math.max(1, Math.trunc(length * scale + 0.5));
  return { height: fit(size.height), width: fit(size.width) };
}
