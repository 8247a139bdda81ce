/**
 * Cellpose-DINO: a DINOv3 vision transformer with overlapping patches and a
 * linear readout. It has no absolute positions, so any tile of whole patches
 * fits.
 *
 * Source: cellpose 4.2.1.1, class CPDINO; reference section 4.4.
 *
 * @module
 */
import { ShapeError } from "../../../shared/errors.ts";
import {
  buildGraph,
  cast,
  concat,
  expand,
  multiply,
  reshape,
  reshapeTo,
  shapeOf,
  slice,
  transpose,
  type Value,
} from "../../../shared/graph/mod.ts";
import { attend } from "../attention.ts";
import { addWide, convolve, linear, mlp, norm } from "../layers.ts";
import { keepBranch } from "../layer_drop.ts";
import { type Layers, parameter } from "../parameter.ts";
import { readSpread, spreadTokens } from "../readout.ts";
import { readTurns, turn, type Turns } from "../rotary.ts";
import { toHeads, toRows, toTokens } from "../tokens.ts";
import { fromValues, type Weights } from "../weights.ts";
import {
  type Family,
  finishTraining,
  isPatchEmbedding,
  nameAttention,
  readDiameter,
  startLayers,
  startTraining,
} from "./family.ts";

const MARKS = [
  "W2",
  "encoder.cls_token",
  "encoder.storage_tokens",
  "encoder.rope_embed.periods",
  "encoder.blocks.0.ls1.gamma",
  "out.weight",
];

/** DINOv3's LayerNorm. */
const EPSILON = 1e-5;
/** Cellpose's default tile of this family; any whole patches fit. */
const DEFAULT_TILE = 384;

/** Sizes, from the weights. */
interface Sizes {
  readonly inputs: number;
  readonly channels: number;
  readonly kernel: number;
  /** Tokens before those of patches. */
  readonly extra: number;
  readonly heads: number;
}

/** The family. */
export const cellposeDino: Family = {
  name: "cellpose-dino",
  marks: MARKS,
  recognizes: (weights) => MARKS.every(weights.has),
  build(weights, options) {
    const g = buildGraph("cellpose-dino");
    const l = startLayers(g, weights, options);
    const { y, sizes, edge } = run(l);
    g.output("y", y);
    return {
      graphs: { model: g.finish() },
      tile: {
        height: DEFAULT_TILE,
        width: DEFAULT_TILE,
        isFixed: false,
        multiple: edge,
      },
      channels: { input: sizes.inputs, output: Number(y.shape[1]) },
      outputs: ["dY", "dX", "cellprob"],
      diameter: readDiameter(weights),
      attention: nameAttention(options),
    };
  },
  train(weights, options) {
    const g = buildGraph("cellpose-dino");
    const blocks = weights.count("encoder.blocks");
    const l = startTraining(g, weights, { ...options, blocks });
    const { y } = run(l);
    return finishTraining(l, { y, blocks, isFrozen: isPatchEmbedding });
  },
};

/** The network, from its input to n×outputs×h×w f32. */
function run(l: Layers) {
  const { g, weights } = l;
  const sizes = readSizes(weights);
  const { edge } = readSpread(l);
  const x = g.input("x", "f32", ["n", sizes.inputs, "h", "w"]);

  const patches = convolve(l, x, {
    prefix: "encoder.patch_embed.proj",
    stride: edge,
    // patches larger than their step reach over the border
    padding: edge < sizes.kernel ? Math.floor(edge / 2) : 0,
  });
  const planes = {
    ...cast(g, patches, "f32"),
    shape: ["n", sizes.channels, "rows", "columns"],
  };
  const turns = readTurns(l, planes, sizes.extra);
  let tokens = joinTokens(l, planes, sizes);
  const blocks = weights.count("encoder.blocks");
  for (let i = 0; i < blocks; i++) {
    l.training?.boundaries.push(tokens);
    tokens = addBlock(l, tokens, { index: i, sizes, turns });
  }
  l.training?.boundaries.push(tokens);
  const last = norm(l, tokens, { prefix: "encoder.norm", epsilon: EPSILON });
  const out = readOut(l, last, { planes, sizes });
  const spread = spreadTokens(l, out, { edges: ["h", "w"] });
  return { y: cast(g, spread, "f32"), sizes, edge };
}

function readSizes(weights: Weights): Sizes {
  const [channels, inputs, kernel] = weights.shape(
    "encoder.patch_embed.proj.weight",
    [null, null, null, null],
  );
  const [, storage] = weights.shape("encoder.storage_tokens", [
    1,
    null,
    channels,
  ]);
  // a head holds sine and cosine of both axes for every period
  const [periods] = weights.shape("encoder.rope_embed.periods", [null]);
  const heads = channels / (4 * periods);
  if (!Number.isInteger(heads)) {
    throw new ShapeError(
      "encoder.rope_embed.periods",
      `has ${periods} numbers, four times which do not divide ${channels} channels`,
    );
  }
  return { inputs, channels, kernel, extra: 1 + storage, heads };
}

/** Class and storage tokens, then the patches: N×L×C. */
function joinTokens(
  l: Layers,
  planes: Value,
  { channels, extra }: Sizes,
): Value {
  const { g } = l;
  const take = (name: string, count: number) =>
    parameter(l, name, { wanted: [1, count, channels], dtype: "f32" });
  const first = concat(g, [
    take("encoder.cls_token", 1),
    take("encoder.storage_tokens", extra - 1),
  ], 1);
  const edges = concat(g, [
    shapeOf(g, planes, [0, 1]),
    g.ints([extra, channels]),
  ], 0);
  const every = expand(g, first, { edges, shape: ["n", extra, channels] });
  const flat = reshape(g, planes, ["n", channels, "rows*columns"]);
  const joined = concat(g, [every, transpose(g, flat, [0, 2, 1])], 1);
  return { ...joined, shape: ["n", "tokens", channels] };
}

function addBlock(
  l: Layers,
  tokens: Value,
  { index, sizes, turns }: { index: number; sizes: Sizes; turns: Turns },
): Value {
  const { g } = l;
  const block = `encoder.blocks.${index}`;
  const keep = (branch: Value) =>
    keepBranch(l, branch, { block: index, images: tokens.shape });
  const first = norm(l, tokens, { prefix: `${block}.norm1`, epsilon: EPSILON });
  const seen = selfAttend(l, first, { prefix: `${block}.attn`, sizes, turns });
  const sum = addWide(
    l,
    tokens,
    keep(scaled(l, seen, `${block}.ls1.gamma`)),
  );
  const second = norm(l, sum, { prefix: `${block}.norm2`, epsilon: EPSILON });
  const hidden = mlp(l, toRows(g, second), {
    first: `${block}.mlp.fc1`,
    second: `${block}.mlp.fc2`,
  });
  const mixed = toTokens(g, hidden, tokens);
  return addWide(l, sum, keep(scaled(l, mixed, `${block}.ls2.gamma`)));
}

function selfAttend(
  l: Layers,
  x: Value,
  { prefix, sizes, turns }: { prefix: string; sizes: Sizes; turns: Turns },
): Value {
  const { g } = l;
  const { channels, heads } = sizes;
  const size = channels / heads;
  const scale = 1 / Math.sqrt(size);
  const masked = maskBias(l, `${prefix}.qkv`, channels);
  const typed = cast(g, toRows(g, x), l.compute);
  const [query, key, value] = [0, 1, 2].map((i) => {
    const part = { index: i, of: 3 };
    const product = linear(masked, typed, { prefix: `${prefix}.qkv`, part });
    return toHeads(g, product, { like: x, heads });
  });
  const attended = attend(l, {
    query: turn(l, query, turns),
    key: turn(l, key, turns),
    value,
  }, scale);
  return toTokens(g, linear(l, attended, { prefix: `${prefix}.proj` }), x);
}

/** The same layers with a bias that its mask, if any, has been applied to. */
function maskBias(l: Layers, prefix: string, channels: number): Layers {
  const { weights } = l;
  const mask = `${prefix}.bias_mask`;
  if (!weights.has(mask)) return l;
  const edge = 3 * channels;
  if (l.training) {
    const bias = parameter(l, `${prefix}.bias`, {
      wanted: [edge],
      dtype: "f32",
    });
    const factors = l.g.constant(mask, weights.constant(mask, [edge], "f32"));
    // in place of the bias, wherever the layers ask for it
    const masked = cast(l.g, multiply(l.g, bias, factors), l.compute);
    l.shared.set(`${prefix}.bias ${l.compute}`, masked);
    return l;
  }
  const factors = weights.floats(mask, [edge]);
  const bias = weights.floats(`${prefix}.bias`, [edge])
    .map((value, i) => value * factors[i]);
  return {
    ...l,
    weights: {
      ...weights,
      constant: (name, wanted, dtype) =>
        name === `${prefix}.bias`
          ? fromValues(bias, [edge], dtype)
          : weights.constant(name, wanted, dtype),
    },
  };
}

function readOut(
  l: Layers,
  tokens: Value,
  { planes, sizes }: { planes: Value; sizes: Sizes },
): Value {
  const { g } = l;
  const patches = slice(g, tokens, {
    axis: 1,
    start: sizes.extra,
    edge: "patches",
  });
  const out = linear(l, toRows(g, patches), { prefix: "out" });
  const [channels] = out.shape.slice(-1);
  const edges = concat(g, [
    shapeOf(g, planes, [0, 1]),
    shapeOf(g, planes, [2, 4]),
    g.ints([Number(channels)]),
  ], 0);
  return reshapeTo(g, out, {
    edges,
    shape: ["n", "rows", "columns", channels],
  });
}

/** x · gamma, channel by channel. */
function scaled(l: Layers, x: Value, name: string): Value {
  const { g } = l;
  const wanted = [Number(x.shape.at(-1))];
  const gamma = parameter(l, name, { wanted, dtype: "f32" });
  return multiply(g, cast(g, x, "f32"), gamma);
}
