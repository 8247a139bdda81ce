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
} from "../../../shared/graph/mod.ts";
import { linear } from "../layers.ts";
import { readSpread, spreadTokens, toGrid } from "../readout.ts";
import { encodeImage, readSizes } from "../sam_encoder.ts";
import {
  type Family,
  nameAttention,
  readDiameter,
  startLayers,
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
    const sizes = readSizes(l, "encoder");
    const { outputs, edge } = readSpread(l);
    const tile = {
      height: sizes.height * sizes.patch,
      width: sizes.width * sizes.patch,
    };
    const x = g.input("x", "f32", ["n", sizes.inputs, tile.height, tile.width]);
    const features = encodeImage(l, x, {
      prefix: "encoder",
      isWindowed: false,
    });
    const channels = Number(features.shape[3]);
    const rows = reshape(g, features, [
      product(["n", sizes.height, sizes.width]),
      channels,
    ]);
    const out = toGrid(l, linear(l, rows, { prefix: "out" }), [
      "n",
      sizes.height,
      sizes.width,
    ]);
    const spread = spreadTokens(l, out, {
      edges: [sizes.height * edge, sizes.width * edge],
    });
    g.output("y", cast(g, spread, "f32"));
    return {
      graphs: { model: g.finish() },
      tile: { ...tile, isFixed: true, multiple: sizes.patch },
      channels: { input: sizes.inputs, output: outputs },
      outputs: ["dY", "dX", "cellprob"],
      diameter: readDiameter(weights),
      attention: nameAttention(options),
    };
  },
};
