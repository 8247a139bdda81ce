/**
 * Cellpose's U-Net (cyto, cyto2, cyto3, nuclei): residual blocks, and a style
 * vector that shifts every block on the way up.
 *
 * Source: cellpose 3.1.1.2, class CPnet; reference section 4.8.
 *
 * @module
 */
import {
  add,
  batchNorm,
  buildGraph,
  cast,
  channelMeans,
  divide,
  lengthAlong,
  maxPool2,
  relu,
  reshape,
  typeFor,
  upsampleNearest,
  type Value,
} from "../../../shared/graph/mod.ts";
import { convolve, linear } from "../layers.ts";
import type { Layers } from "../parameter.ts";
import type { Weights } from "../weights.ts";
import { type Family, formOf, readDiameter, startLayers } from "./family.ts";

const MARKS = [
  "downsample.down.res_down_0.conv.conv_0.2.weight",
  "upsample.up.res_up_0.conv.conv_1.full.weight",
  "output.2.weight",
];

/** BatchNorm's, which no file holds. */
const EPSILON = 1e-5;
/** Share of a batch in the recorded statistics, Cellpose 3's. */
const MOMENTUM = 0.05;
/** Cellpose 3's default tile; the network takes any multiple. */
const DEFAULT_TILE = 224;

/** The family. */
export const cellposeUnet: Family = {
  name: "cellpose-unet",
  marks: MARKS,
  recognizes: (weights) =>
    MARKS.every(weights.has) && weights.peek(MARKS[0])?.length === 4,
  build(weights, options) {
    const g = buildGraph("cellpose-unet");
    const l = startLayers(g, weights, options);
    const levels = countLevels(weights);
    const [, inputs] = weights.shape(MARKS[0], [null, null, null, null]);
    const x = g.input("x", "f32", ["n", inputs, "h", "w"]);

    const maps: Value[] = [];
    for (let level = 0; level < levels; level++) {
      const from = level === 0 ? x : maxPool2(g, maps[level - 1]);
      maps.push(goDown(l, from, `downsample.down.res_down_${level}`));
    }
    const style = readStyle(l, maps[levels - 1]);
    let y = maps[levels - 1];
    for (let level = levels - 1; level >= 0; level--) {
      if (level < levels - 1) y = upsampleNearest(g, y);
      // edges halved and doubled again are those of the map beside them
      y = {
        ...y,
        shape: [...y.shape.slice(0, 2), ...maps[level].shape.slice(2)],
      };
      y = goUp(l, y, {
        prefix: `upsample.up.res_up_${level}`,
        skip: maps[level],
        style,
      });
    }
    const out = normConv(l, y, { prefix: "output", hasRelu: true });
    g.output("y", cast(g, out, "f32"));
    g.output("style", cast(g, style, "f32"));
    return {
      graphs: { model: g.finish() },
      tile: {
        height: DEFAULT_TILE,
        width: DEFAULT_TILE,
        isFixed: false,
        multiple: 2 ** (levels - 1),
      },
      channels: { input: inputs, output: Number(out.shape[1]) },
      outputs: ["dY", "dX", "cellprob"],
      diameter: readDiameter(weights),
      attention: null,
    };
  },
  train(weights, { compute = "f32" } = {}) {
    const options = { compute, attention: "fused" } as const;
    const network = cellposeUnet.build(weights, options);
    return formOf(network, weights, { momentum: MOMENTUM });
  },
};

function countLevels({ has }: Weights): number {
  let levels = 0;
  while (has(`downsample.down.res_down_${levels}.conv.conv_0.2.weight`)) {
    levels++;
  }
  return levels;
}

function goDown(l: Layers, x: Value, prefix: string): Value {
  const { g } = l;
  const block = (from: Value, i: number) =>
    normConv(l, from, { prefix: `${prefix}.conv.conv_${i}`, hasRelu: true });
  const first = add(
    g,
    normConv(l, x, { prefix: `${prefix}.proj`, hasRelu: false }),
    block(block(x, 0), 1),
  );
  return add(g, first, block(block(first, 2), 3));
}

function goUp(
  l: Layers,
  x: Value,
  { prefix, skip, style }: { prefix: string; skip: Value; style: Value },
): Value {
  const { g } = l;
  const styled = (from: Value, i: number) => {
    const block = `${prefix}.conv.conv_${i}`;
    const shift = linear(l, style, { prefix: `${block}.full` });
    const [n, channels] = shift.shape;
    const spread = reshape(g, shift, [n, channels, 1, 1]);
    const shifted = add(g, from, cast(g, spread, from.dtype));
    return normConv(l, shifted, { prefix: `${block}.conv`, hasRelu: true });
  };
  const first = normConv(l, x, {
    prefix: `${prefix}.conv.conv_0`,
    hasRelu: true,
  });
  const sum = add(
    g,
    normConv(l, x, { prefix: `${prefix}.proj`, hasRelu: false }),
    styled(add(g, first, skip), 1),
  );
  return add(g, sum, styled(styled(sum, 2), 3));
}

/** Norm by channel, ReLU where asked, convolution that keeps the size. */
function normConv(
  l: Layers,
  x: Value,
  { prefix, hasRelu }: { prefix: string; hasRelu: boolean },
): Value {
  const normed = channelBatchNorm(l, x, `${prefix}.0`);
  const name = `${prefix}.${hasRelu ? 2 : 1}`;
  const [, , edge] = l.weights.shape(`${name}.weight`, [
    null,
    null,
    null,
    null,
  ]);
  return convolve(l, hasRelu ? relu(l.g, normed) : normed, {
    prefix: name,
    padding: Math.floor(edge / 2),
  });
}

/** Norm by channel, in the precision of the convolution after it. */
function channelBatchNorm(l: Layers, x: Value, prefix: string): Value {
  const channels = Number(x.shape[1]);
  const dtype = typeFor("Conv", l.compute);
  const take = (part: string) => {
    const name = `${prefix}.${part}`;
    return l.g.constant(name, l.weights.constant(name, [channels], dtype));
  };
  return batchNorm(l.g, cast(l.g, x, dtype), {
    scale: take("weight"),
    shift: take("bias"),
    mean: take("running_mean"),
    variance: take("running_var"),
    epsilon: EPSILON,
  });
}

/** Mean of each channel of the deepest map, at length 1. */
function readStyle({ g, compute }: Layers, deepest: Value): Value {
  const means = channelMeans(g, cast(g, deepest, "f32"));
  return cast(g, divide(g, means, lengthAlong(g, means, 1)), compute);
}
