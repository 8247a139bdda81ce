/**
 * Segment Anything's prompt encoder: points, boxes and a rough mask to
 * vectors.
 *
 * Source: Kirillov et al. 2023; package segment_anything 1.0.
 *
 * @module
 */
import {
  add,
  buildGraph,
  cast,
  divide,
  equal,
  gelu,
  type Graph,
  type Value,
  where,
} from "../../shared/graph/mod.ts";
import { type BuildOptions, startLayers } from "./families/family.ts";
import { channelNorm, convolve } from "./layers.ts";
import type { Layers } from "./parameter.ts";
import type { EncoderSizes } from "./sam_encoder.ts";
import { toWaves } from "./waves.ts";
import { fromValues, reshaped, type Weights } from "./weights.ts";

const PREFIX = "prompt_encoder";
/** The norms' between the convolutions of a mask. */
const EPSILON = 1e-6;
/** Label of a point that only fills up the list. */
const NO_POINT = -1;

/**
 * Build the prompt encoder.
 *
 *   points   B×P×2 f32   (x, y), pixels of the encoder's image
 *   labels   B×P f32     1 a point of the cell, 0 of the background, 2 and 3
 *                        a box's corners, −1 none (needed after points
 *                        without a box)
 *   mask     B×1×4h×4w f32  logits of an earlier mask
 *   hasMask  1 f32       0 where `mask` is to be left aside
 *   sparse   B×P×C f32
 *   dense    B×C×h×w f32
 */
export function buildPromptEncoder(
  weights: Weights,
  options: BuildOptions,
  { height, width, patch }: EncoderSizes,
): Graph {
  const g = buildGraph("prompt_encoder");
  const l = startLayers(g, weights, options);
  const points = g.input("points", "f32", ["b", "p", 2]);
  const labels = g.input("labels", "f32", ["b", "p"]);
  const sizes = g.constant(
    "image_size",
    fromValues(Float32Array.of(width * patch, height * patch), [2], "f32"),
  );
  const places = divide(g, add(g, points, g.float(0.5)), sizes);
  g.output("sparse", labelPoints(l, toWaves(l, places), labels));

  const shrink = readShrink(weights);
  const mask = g.input("mask", "f32", [
    "b",
    1,
    height * shrink,
    width * shrink,
  ]);
  const hasMask = g.input("hasMask", "f32", [1]);
  const dense = cast(g, encodeMask(l, mask), "f32");
  const name = `${PREFIX}.no_mask_embed.weight`;
  const channels = Number(dense.shape[1]);
  const none = g.constant(
    name,
    reshaped(
      weights.constant(name, [1, channels], "f32"),
      [1, channels, 1, 1],
    ),
  );
  const isMissing = equal(g, hasMask, g.float(0));
  g.output("dense", where(g, isMissing, [none, dense]));
  return g.finish();
}

/** Add each label's vector to the points that carry it. */
function labelPoints(l: Layers, waves: Value, labels: Value): Value {
  const { g, weights } = l;
  const channels = Number(waves.shape[2]);
  const each = g.node("Unsqueeze", [labels, g.ints([2])], {
    dtype: "f32",
    shape: ["b", "p", 1],
  });
  const vector = (name: string) =>
    g.constant(
      name,
      reshaped(weights.constant(name, [1, channels], "f32"), [1, 1, channels]),
    );
  const isNone = equal(g, each, g.float(NO_POINT));
  let out = where(g, isNone, [
    vector(`${PREFIX}.not_a_point_embed.weight`),
    waves,
  ]);
  const kinds = weights.count(`${PREFIX}.point_embeddings`);
  for (let kind = 0; kind < kinds; kind++) {
    const own = vector(`${PREFIX}.point_embeddings.${kind}.weight`);
    const isKind = equal(g, each, g.float(kind));
    out = add(g, out, where(g, isKind, [own, g.float(0)]));
  }
  return out;
}

/** How many pixels of a mask, along an edge, make one of its vector's. */
function readShrink(weights: Weights): number {
  return [0, 3].reduce((factor, at) => {
    const name = `${PREFIX}.mask_downscaling.${at}.weight`;
    return factor * weights.shape(name, [null, null, null, null])[2];
  }, 1);
}

function encodeMask(l: Layers, mask: Value): Value {
  const { g, weights } = l;
  const name = (at: number) => `${PREFIX}.mask_downscaling.${at}`;
  let x = mask;
  for (const at of [0, 3]) {
    const [, , stride] = weights.shape(`${name(at)}.weight`, [
      null,
      null,
      null,
      null,
    ]);
    const less = convolve(l, x, { prefix: name(at), stride });
    x = gelu(
      g,
      channelNorm(l, less, { prefix: name(at + 1), epsilon: EPSILON }),
    );
  }
  return convolve(l, x, { prefix: name(6) });
}
