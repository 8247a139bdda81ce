/**
 * The small residual U-Net that training is timed with; run_torch.py holds
 * the same for PyTorch.
 *
 * @module
 */
import {
  add,
  batchNorm,
  buildGraph,
  conv,
  type Graph,
  type GraphBuilder,
  maxPool2,
  relu,
  upsampleNearest,
  type Value,
} from "../../../shared/graph/mod.ts";

import type { TrainBatch } from "../../../gpu-worker/train/trainer.ts";

/** Channels of each level; 1.0 M parameters. */
export const WIDTHS = [32, 64, 128, 160];

/** Numbers in 0–1 that are the same in both programs. */
function* noise(length: number, seed: number): Iterable<number> {
  for (let i = 1; i <= length; i++) {
    const u = Math.sin(i * 12.9898 + seed * 78.233) * 43758.5453;
    yield u - Math.floor(u);
  }
}

/** Weights that are the same in both programs. */
function fillWeights(shape: readonly number[], seed: number): Float32Array {
  const fan = shape.slice(1).reduce((a, b) => a * b, 1);
  const bound = Math.sqrt(6 / fan);
  const numbers = noise(fan * shape[0], seed);
  return Float32Array.from(numbers, (u) => (2 * u - 1) * bound);
}

/** Noise as images and targets, the same in both programs. */
export function makeBatch(
  seed: number,
  { edge, count = 4, channels = 3 }: {
    edge: number;
    count?: number;
    channels?: number;
  },
): TrainBatch {
  const plane = edge * edge;
  const size = { count, channels, height: edge, width: edge };
  return {
    ...size,
    images: Float32Array.from(noise(count * channels * plane, seed)),
    // foreground in 0–1, flows in ±0.5
    targets: Float32Array.from(
      noise(count * 3 * plane, seed + 50),
      (u, i) => Math.floor(i / plane) % 3 === 0 ? u : Math.fround(u) - 0.5,
    ),
  };
}

/** N×C×H×W → N×3×H×W; edges are multiples of 8. */
export function buildUnet(
  { channels = 3, widths = WIDTHS }: {
    channels?: number;
    widths?: readonly number[];
  } = {},
): Graph {
  const g = buildGraph("unet");
  let seed = 0;
  const constant = (
    name: string,
    shape: readonly number[],
    data: Float32Array,
  ) =>
    g.constant(name, {
      dtype: "f32",
      shape,
      read: () => new Uint8Array(data.buffer),
    });
  const convolve = (x: Value, outer: number, edge: number) => {
    const name = `conv${seed}`;
    const shape = [outer, Number(x.shape[1]), edge, edge];
    return conv(g, x, {
      weight: constant(`${name}.weight`, shape, fillWeights(shape, seed++)),
      bias: constant(`${name}.bias`, [outer], new Float32Array(outer)),
      padding: (edge - 1) / 2,
    });
  };
  let norms = 0;
  const normConv = (x: Value, outer: number, edge: number) => {
    const name = `norm${norms++}`;
    const inner = Number(x.shape[1]);
    const part = (label: string, value: number) =>
      constant(
        `${name}.${label}`,
        [inner],
        new Float32Array(inner).fill(value),
      );
    const normed = batchNorm(g, x, {
      scale: part("weight", 1),
      shift: part("bias", 0),
      mean: part("running_mean", 0),
      variance: part("running_var", 1),
      epsilon: 1e-5,
    });
    return convolve(relu(g, normed), outer, edge);
  };
  const block = (x: Value, outer: number) => {
    const skip = x.shape[1] === outer ? x : convolve(x, outer, 1);
    return add(g, skip, normConv(normConv(x, outer, 3), outer, 3));
  };

  const x = g.input("x", "f32", ["n", channels, "h", "w"]);
  let y = block(convolve(x, widths[0], 3), widths[0]);
  const maps = [y];
  for (const width of widths.slice(1)) {
    y = block(maxPool2(g, y), width);
    maps.push(y);
  }
  for (let level = widths.length - 2; level >= 0; level--) {
    const skip = maps[level];
    const up = withEdges(g, convolve(y, widths[level], 1), skip);
    y = block(add(g, up, skip), widths[level]);
  }
  g.output("y", normConv(y, 3, 1));
  return g.finish();
}

/** Twice the size; edges halved and doubled again are the map's. */
function withEdges(g: GraphBuilder, x: Value, skip: Value): Value {
  return { ...upsampleNearest(g, x), shape: skip.shape };
}
