/**
 * Segment Anything's mask decoder: an image's features and a prompt's vectors
 * to masks and their scores.
 *
 * Source: Kirillov et al. 2023, appendix A; package segment_anything 1.0.
 *
 * @module
 */
import {
  add,
  buildGraph,
  cast,
  concat,
  expand,
  gelu,
  type Graph,
  matmul,
  relu,
  reshape,
  shapeOf,
  slice,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { attend } from "./attention.ts";
import { type BuildOptions, startLayers } from "./families/family.ts";
import { channelNorm, enlargeBy, linear, mlp, norm } from "./layers.ts";
import type { Layers } from "./parameter.ts";
import type { EncoderSizes } from "./sam_encoder.ts";
import { toHeads, toRows, toTokens } from "./tokens.ts";
import { toWaves } from "./waves.ts";
import { fromValues, type Weights } from "./weights.ts";

const PREFIX = "mask_decoder";
/** Every published model has eight, and no weight tells. */
const HEADS = 8;
/** LayerNorm's default, which the transformer keeps. */
const EPSILON = 1e-5;
/** The norm's between the steps that enlarge the map. */
const MAP_EPSILON = 1e-6;

/** Tokens and the image's features, with their positions. */
interface Streams {
  /** B×T×C. */
  readonly queries: Value;
  /** B×(h·w)×C. */
  readonly keys: Value;
  readonly queryPlaces: Value;
  readonly keyPlaces: Value;
}

/**
 * Build the mask decoder.
 *
 *   embedding  1×C×h×w f32   of the image encoder
 *   sparse     B×P×C f32     of the prompt encoder
 *   dense      B×C×h×w f32   of the prompt encoder
 *   masks      B×M×4h×4w f32 logits; the first is for an unambiguous prompt,
 *                            the others answer an ambiguous one
 *   scores     B×M f32       expected IoU
 */
export function buildMaskDecoder(
  weights: Weights,
  options: BuildOptions,
  { height, width }: EncoderSizes,
): Graph {
  const g = buildGraph("mask_decoder");
  const l = startLayers(g, weights, options);
  const [count, channels] = weights.shape(`${PREFIX}.mask_tokens.weight`, [
    null,
    null,
  ]);
  const embedding = g.input("embedding", "f32", [1, channels, height, width]);
  const sparse = g.input("sparse", "f32", ["b", "p", channels]);
  const dense = g.input("dense", "f32", ["b", channels, height, width]);

  const image = add(g, embedding, dense);
  const flat = reshape(g, image, ["b", channels, height * width]);
  const tokens = joinTokens(l, sparse);
  const streams = {
    queries: tokens,
    keys: transpose(g, flat, [0, 2, 1]),
    queryPlaces: tokens,
    keyPlaces: placeGrid(l, { height, width }),
  };
  const { queries, keys } = transform(l, streams);

  const map = enlarge(l, keys, { channels, height, width });
  const [, narrow, rows, columns] = map.shape;
  const pixels = reshape(g, map, [
    "b",
    narrow,
    Number(rows) * Number(columns),
  ]);
  const filters = Array.from({ length: count }, (_, i) => {
    const token = pick(l, queries, 1 + i);
    const own = head(l, token, `${PREFIX}.output_hypernetworks_mlps.${i}`);
    return g.node("Unsqueeze", [cast(g, own, "f32"), g.ints([1])], {
      dtype: "f32",
      shape: ["b", 1, narrow],
    });
  });
  const masks = matmul(g, concat(g, filters, 1), pixels);
  g.output("masks", reshape(g, masks, ["b", count, rows, columns]));
  const scores = head(l, pick(l, queries, 0), `${PREFIX}.iou_prediction_head`);
  g.output("scores", cast(g, scores, "f32"));
  return g.finish();
}

/** The score's token, the masks' tokens, then the prompt's: B×T×C. */
function joinTokens({ g, weights }: Layers, sparse: Value): Value {
  const channels = Number(sparse.shape[2]);
  const own = ["iou_token", "mask_tokens"].map((part) => {
    const name = `${PREFIX}.${part}.weight`;
    return g.constant(name, weights.constant(name, [null, channels], "f32"));
  });
  const rows = concat(g, own, 0);
  const count = Number(rows.shape[0]);
  const one = reshape(g, rows, [1, count, channels]);
  const edges = concat(g, [
    shapeOf(g, sparse, [0, 1]),
    g.ints([count, channels]),
  ], 0);
  const every = expand(g, one, { edges, shape: ["b", count, channels] });
  const joined = concat(g, [every, sparse], 1);
  return { ...joined, shape: ["b", "t", channels] };
}

/** Positions of the image's features: 1×(h·w)×C. */
function placeGrid(
  l: Layers,
  { height, width }: { height: number; width: number },
): Value {
  const places = new Float32Array(height * width * 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      places[(y * width + x) * 2] = (x + 0.5) / width;
      places[(y * width + x) * 2 + 1] = (y + 0.5) / height;
    }
  }
  const shape = [1, height * width, 2];
  return toWaves(l, l.g.constant("grid", fromValues(places, shape, "f32")));
}

/** Tokens look at each other, at the image, and the image at them. */
function transform(
  l: Layers,
  streams: Streams,
): Pick<Streams, "queries" | "keys"> {
  const { g, weights } = l;
  const { queryPlaces, keyPlaces } = streams;
  const prefix = `${PREFIX}.transformer`;
  let { queries, keys } = streams;
  const depth = weights.count(`${prefix}.layers`);
  for (let i = 0; i < depth; i++) {
    const layer = `${prefix}.layers.${i}`;
    const normed = (x: Value, at: number) =>
      norm(l, x, { prefix: `${layer}.norm${at}`, epsilon: EPSILON });

    // the first layer's tokens are their own positions
    const self = i === 0 ? queries : add(g, queries, queryPlaces);
    const seen = look(l, { query: self, key: self, value: queries }, {
      prefix: `${layer}.self_attn`,
    });
    queries = normed(i === 0 ? seen : add(g, queries, seen), 1);

    let placed = add(g, queries, queryPlaces);
    let placedKeys = add(g, keys, keyPlaces);
    queries = normed(
      add(
        g,
        queries,
        look(l, { query: placed, key: placedKeys, value: keys }, {
          prefix: `${layer}.cross_attn_token_to_image`,
        }),
      ),
      2,
    );

    const mixed = mlp(l, toRows(g, queries), {
      first: `${layer}.mlp.lin1`,
      second: `${layer}.mlp.lin2`,
      activation: relu,
    });
    const wide = cast(g, toTokens(g, mixed, queries), "f32");
    queries = normed(add(g, queries, wide), 3);

    placed = add(g, queries, queryPlaces);
    placedKeys = add(g, keys, keyPlaces);
    keys = normed(
      add(
        g,
        keys,
        look(l, { query: placedKeys, key: placed, value: queries }, {
          prefix: `${layer}.cross_attn_image_to_token`,
        }),
      ),
      4,
    );
  }
  const last = look(l, {
    query: add(g, queries, queryPlaces),
    key: add(g, keys, keyPlaces),
    value: keys,
  }, { prefix: `${prefix}.final_attn_token_to_image` });
  return {
    queries: norm(l, add(g, queries, last), {
      prefix: `${prefix}.norm_final_attn`,
      epsilon: EPSILON,
    }),
    keys,
  };
}

/** Attention between two sequences, each projected by itself; f32. */
function look(
  l: Layers,
  inputs: { query: Value; key: Value; value: Value },
  { prefix }: { prefix: string },
): Value {
  const { g } = l;
  const project = (x: Value, part: string) => {
    const rows = linear(l, toRows(g, x), { prefix: `${prefix}.${part}` });
    return toHeads(g, rows, { like: x, heads: HEADS });
  };
  const query = project(inputs.query, "q_proj");
  const scale = 1 / Math.sqrt(Number(query.shape[3]));
  const rows = attend(l, {
    query,
    key: project(inputs.key, "k_proj"),
    value: project(inputs.value, "v_proj"),
  }, scale);
  const out = linear(l, rows, { prefix: `${prefix}.out_proj` });
  return cast(g, toTokens(g, out, inputs.query), "f32");
}

/** The image's features at four times the size, with fewer channels; f32. */
function enlarge(
  l: Layers,
  keys: Value,
  { channels, height, width }: {
    channels: number;
    height: number;
    width: number;
  },
): Value {
  const { g } = l;
  const planes = reshape(g, transpose(g, keys, [0, 2, 1]), [
    "b",
    channels,
    height,
    width,
  ]);
  const double = (x: Value, at: number) => {
    const name = `${PREFIX}.output_upscaling.${at}`;
    return enlargeBy(l, x, { weight: `${name}.weight`, bias: `${name}.bias` });
  };
  const first = channelNorm(l, double(planes, 0), {
    prefix: `${PREFIX}.output_upscaling.1`,
    epsilon: MAP_EPSILON,
  });
  return cast(g, gelu(g, double(gelu(g, first), 3)), "f32");
}

/** One token of each prompt: B×C. */
function pick({ g }: Layers, tokens: Value, at: number): Value {
  const one = slice(g, tokens, { axis: 1, start: at, end: at + 1 });
  return reshape(g, one, ["b", tokens.shape[2]]);
}

/** Linear layers with ReLU between. */
function head(l: Layers, x: Value, prefix: string): Value {
  const depth = l.weights.count(`${prefix}.layers`);
  let y = x;
  for (let i = 0; i < depth; i++) {
    y = linear(l, y, { prefix: `${prefix}.layers.${i}` });
    if (i < depth - 1) y = relu(l.g, y);
  }
  return y;
}
