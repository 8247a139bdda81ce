/**
 * Cellpose-SAM: Segment Anything's image encoder with small patches, every
 * block looking at all tokens, and a linear readout.
 *
 * Source: cellpose 4.2.1.1, class CPSAM.
 *
 * @module
 */
import {
  buildGraph,
  cast,
  product,
  reshape,
  type Value,
} from "../../../shared/graph/mod.ts";
import { linear } from "../layers.ts";
import { readSpread, spreadTokens, toGrid } from "../readout.ts";
import type { Layers } from "../parameter.ts";
import { encodeImage, readSizes } from "../sam_encoder.ts";
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
  "encoder.pos_embed",
  "encoder.patch_embed.proj.weight",
  "encoder.blocks.0.attn.rel_pos_h",
  "encoder.neck.0.weight",
  "out.weight",
];

/** The family. */
export const cellposeSam: Family = {
  name: "cellpose-sam",
  marks: MARKS,
  recognizes: (weights) => MARKS.every(weights.has),
  build(weights, options) {
    const g = buildGraph("cellpose-sam");
    const l = startLayers(g, weights, options);
    const { y, tile, sizes } = run(l);
    g.output("y", y);
    return {
      graphs: { model: g.finish() },
      tile: { ...tile, isFixed: true, multiple: sizes.patch },
      channels: { input: sizes.inputs, output: Number(y.shape[1]) },
      outputs: ["dY", "dX", "cellprob"],
      diameter: readDiameter(weights),
      attention: nameAttention(options),
    };
  },
  train(weights, options) {
    const g = buildGraph("cellpose-sam");
    const blocks = weights.count("encoder.blocks");
    const l = startTraining(g, weights, { ...options, blocks });
    const { y } = run(l);
    return finishTraining(l, { y, blocks, isFrozen: isPatchEmbedding });
  },
};

/** The network, from its input to n×outputs×H×W f32. */
function run(l: Layers) {
  const { g } = l;
  const sizes = readSizes(l, "encoder");
  const { height, width, patch, inputs } = sizes;
  const { edge } = readSpread(l);
  const tile = { height: height * patch, width: width * patch };
  const x = g.input("x", "f32", ["n", inputs, tile.height, tile.width]);
  const features = encodeImage(l, x, { prefix: "encoder", isWindowed: false });
  const rows = reshape(g, features, [
    product(["n", height, width]),
    Number(features.shape[3]),
  ]);
  const out = toGrid(l, linear(l, rows, { prefix: "out" }), [
    "n",
    height,
    width,
  ]);
  const edges = [height * edge, width * edge] as const;
  const y: Value = cast(g, spreadTokens(l, out, { edges }), "f32");
  return { y, tile, sizes };
}
