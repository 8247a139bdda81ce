/**
 * Plain U-Net for semantic masks: pairs of convolution, norm and ReLU, with
 * the maps of the way down joined on the way up.
 *
 * Source: Ronneberger et al. 2015; keys as in milesial's Pytorch-UNet, which
 * pads its convolutions and norms its maps.
 *
 * @module
 */
import {
  batchNorm,
  buildGraph,
  cast,
  concat,
  type Dim,
  maxPool2,
  relu,
  type Value,
} from "../../../shared/graph/mod.ts";
import { convolve, enlargeBy } from "../layers.ts";
import type { Layers } from "../parameter.ts";
import type { Weights } from "../weights.ts";
import { type Family, formOf, startLayers } from "./family.ts";

const MARKS = [
  "inc.double_conv.0.weight",
  "down1.maxpool_conv.1.double_conv.0.weight",
  "up1.conv.double_conv.0.weight",
  "outc.conv.weight",
];

/** BatchNorm's, which no file holds. */
const EPSILON = 1e-5;
/** Tile where nothing else is asked: the network takes any multiple. */
const DEFAULT_TILE = 256;

/** The family. */
export const unet: Family = {
  name: "unet",
  marks: MARKS,
  recognizes: (weights) => MARKS.every(weights.has),
  build(weights, options) {
    const g = buildGraph("unet");
    const l = startLayers(g, weights, options);
    const levels = countLevels(weights);
    const [, inputs] = weights.shape(MARKS[0], [null, null, null, null]);
    const x = g.input("x", "f32", ["n", inputs, "h", "w"]);

    const maps = [convPair(l, x, "inc")];
    for (let level = 1; level <= levels; level++) {
      maps.push(
        convPair(
          l,
          maxPool2(g, maps[level - 1]),
          `down${level}.maxpool_conv.1`,
        ),
      );
    }
    let y = maps[levels];
    for (let step = 1; step <= levels; step++) {
      const skip = maps[levels - step];
      const up = withEdges(doubled(l, y, `up${step}.up`), skip.shape.slice(2));
      y = convPair(l, concat(g, [skip, up], 1), `up${step}.conv`);
    }
    const out = convolve(l, y, { prefix: "outc.conv" });
    g.output("y", cast(g, out, "f32"));
    return {
      graphs: { model: g.finish() },
      tile: {
        height: DEFAULT_TILE,
        width: DEFAULT_TILE,
        isFixed: false,
        multiple: 2 ** levels,
      },
      channels: { input: inputs, output: Number(out.shape[1]) },
      outputs: Array.from(
        { length: Number(out.shape[1]) },
        (_, i) => `class ${i} logit`,
      ),
      diameter: null,
      attention: null,
    };
  },
  train(weights, { compute = "f32" } = {}) {
    const options = { compute, attention: "fused" } as const;
    return formOf(unet.build(weights, options), weights);
  },
};

function countLevels({ has }: Weights): number {
  let levels = 0;
  while (has(`down${levels + 1}.maxpool_conv.1.double_conv.0.weight`)) levels++;
  return levels;
}

function convPair(l: Layers, x: Value, prefix: string): Value {
  const first = convNorm(l, x, { prefix: `${prefix}.double_conv`, at: 0 });
  return convNorm(l, first, { prefix: `${prefix}.double_conv`, at: 3 });
}

function convNorm(
  l: Layers,
  x: Value,
  { prefix, at }: { prefix: string; at: number },
): Value {
  const name = `${prefix}.${at}`;
  const [channels, , edge] = l.weights.shape(`${name}.weight`, [
    null,
    null,
    null,
    null,
  ]);
  const y = convolve(l, x, { prefix: name, padding: Math.floor(edge / 2) });
  const take = (part: string) => {
    const key = `${prefix}.${at + 1}.${part}`;
    return l.g.constant(key, l.weights.constant(key, [channels], y.dtype));
  };
  return relu(
    l.g,
    batchNorm(l.g, y, {
      scale: take("weight"),
      shift: take("bias"),
      mean: take("running_mean"),
      variance: take("running_var"),
      epsilon: EPSILON,
    }),
  );
}

/** Twice the size: by a learned kernel, or bilinear where there is none. */
function doubled(l: Layers, x: Value, prefix: string): Value {
  const { g, weights } = l;
  const weight = `${prefix}.weight`;
  if (weights.has(weight)) {
    weights.shape(weight, [Number(x.shape[1]), null, 2, 2]);
    return enlargeBy(l, x, { weight, bias: `${prefix}.bias` });
  }
  const scales = Float32Array.of(1, 1, 2, 2);
  const factor = g.constant(`${prefix}.scales`, {
    dtype: "f32",
    shape: [4],
    read: () => new Uint8Array(scales.buffer),
  });
  return g.node(
    "Resize",
    [x, null, factor],
    { dtype: x.dtype, shape: x.shape },
    {
      attributes: {
        mode: { text: "linear" },
        coordinate_transformation_mode: { text: "align_corners" },
      },
    },
  );
}

/** Edges halved and doubled again are those of the map beside them. */
function withEdges(x: Value, edges: readonly Dim[]): Value {
  return { ...x, shape: [...x.shape.slice(0, 2), ...edges] };
}
