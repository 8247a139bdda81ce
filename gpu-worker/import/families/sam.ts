/**
 * Segment Anything: image encoder, prompt encoder and mask decoder, each a
 * graph of its own, since an image is encoded once for many prompts.
 *
 * Source: Kirillov et al. 2023; package segment_anything 1.0.
 *
 * @module
 */
import { buildGraph, transpose } from "../../../shared/graph/mod.ts";
import { buildMaskDecoder } from "../sam_decoder.ts";
import { encodeImage, readSizes } from "../sam_encoder.ts";
import { buildPromptEncoder } from "../sam_prompt.ts";
import type { Weights } from "../weights.ts";
import {
  type BuildOptions,
  type Family,
  nameAttention,
  startLayers,
} from "./family.ts";

const MARKS = [
  "image_encoder.pos_embed",
  "image_encoder.blocks.0.attn.rel_pos_h",
  "prompt_encoder.no_mask_embed.weight",
  "mask_decoder.iou_token.weight",
];

/** The family. */
export const sam: Family = {
  name: "sam",
  marks: MARKS,
  recognizes: (weights) => MARKS.every(weights.has),
  build(weights, options) {
    const { graph: encoder, sizes } = buildImageEncoder(weights, options);
    const tile = {
      height: sizes.height * sizes.patch,
      width: sizes.width * sizes.patch,
    };
    // small beside the encoder, and a prompt's scores lie close together
    const wide: BuildOptions = {
      ...options,
      compute: "f32",
      isQuantized: false,
    };
    const [masks] = weights.shape("mask_decoder.mask_tokens.weight", [
      null,
      null,
    ]);
    return {
      graphs: {
        image_encoder: encoder,
        prompt_encoder: buildPromptEncoder(weights, wide, sizes),
        mask_decoder: buildMaskDecoder(weights, wide, sizes),
      },
      tile: { ...tile, isFixed: true, multiple: sizes.patch },
      channels: { input: sizes.inputs, output: masks },
      outputs: Array.from({ length: masks }, (_, i) => `mask ${i} logit`),
      diameter: null,
      attention: nameAttention(options),
    };
  },
};

function buildImageEncoder(weights: Weights, options: BuildOptions) {
  const g = buildGraph("image_encoder");
  const l = startLayers(g, weights, options);
  const sizes = readSizes(l, "image_encoder");
  const x = g.input("x", "f32", [
    "n",
    sizes.inputs,
    sizes.height * sizes.patch,
    sizes.width * sizes.patch,
  ]);
  const features = encodeImage(l, x, {
    prefix: "image_encoder",
    isWindowed: true,
  });
  g.output("embedding", transpose(g, features, [0, 3, 1, 2]));
  return { graph: g.finish(), sizes };
}
