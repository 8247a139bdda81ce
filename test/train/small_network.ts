/** A network of a few weights, and batches for it. */
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
} from "../../shared/graph/mod.ts";
import type { TrainBatch } from "../../gpu-worker/train/trainer.ts";
import { scattered } from "./gradients.ts";

/** Values as a constant. */
export function constant(
  g: GraphBuilder,
  name: string,
  { shape, values }: { shape: readonly number[]; values: ArrayLike<number> },
): Value {
  const data = Float32Array.from(values);
  return g.constant(name, {
    dtype: "f32",
    shape,
    read: () => new Uint8Array(data.buffer),
  });
}

/** Two convolutions with a norm, one half the size; and an unused weight. */
export function smallNetwork({ hasNorm = true } = {}): Graph {
  const g = buildGraph("small");
  const random = (name: string, shape: number[], seed: number) =>
    constant(g, name, { shape, values: scattered(shape, seed).data });
  const x = g.input("x", "f32", ["n", 2, "h", "w"]);
  const first = conv(g, x, {
    weight: random("first.weight", [4, 2, 3, 3], 1),
    bias: random("first.bias", [4], 2),
    padding: 1,
  });
  const normed = hasNorm
    ? batchNorm(g, first, {
      scale: random("norm.weight", [4], 3),
      shift: random("norm.bias", [4], 4),
      mean: constant(g, "norm.running_mean", {
        shape: [4],
        values: [0, 0.1, -0.1, 0.2],
      }),
      variance: constant(g, "norm.running_var", {
        shape: [4],
        values: [1, 2, 1.5, 0.5],
      }),
      // exact in f32, as a file keeps it
      epsilon: 2 ** -16,
    })
    : first;
  const small = conv(g, maxPool2(g, relu(g, normed)), {
    weight: random("second.weight", [4, 4, 3, 3], 5),
    padding: 1,
  });
  const up = {
    ...upsampleNearest(g, small),
    shape: normed.shape,
  };
  g.output(
    "y",
    conv(g, add(g, normed, up), {
      weight: random("out.weight", [3, 4, 1, 1], 6),
      bias: random("out.bias", [3], 7),
    }),
  );
  const unused = random("unused.weight", [3], 8);
  g.output("unused", add(g, unused, unused));
  return g.finish();
}

/** A batch of noise, always the same for a seed. */
export function smallBatch(
  seed: number,
  { count = 2, height = 8, width = 6, hasPixelWeights = false } = {},
): TrainBatch {
  const floats = (depth: number, plus: number) =>
    Float32Array.from(
      scattered([count, depth, height, width], seed * 10 + plus).data,
    );
  return {
    images: floats(2, 1),
    targets: floats(3, 2),
    ...(hasPixelWeights ? { pixelWeights: floats(1, 3).map(Math.abs) } : {}),
    count,
    channels: 2,
    height,
    width,
  };
}
