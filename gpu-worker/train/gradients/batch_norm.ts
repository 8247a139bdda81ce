/**
 * Batch norm: by the batch's own statistics in training, by recorded ones
 * where they are frozen.
 *
 * Inference keeps ONNX's node, which the runtime folds into the convolution
 * beside it.
 *
 * @module
 */
import {
  add,
  floatOf,
  type GraphBuilder,
  multiply,
  reshape,
  subtract,
  type Value,
} from "../../../shared/graph/mod.ts";
import { sumOver } from "./broadcast.ts";
import { composite } from "./composite.ts";
import { reciprocal, squareRoot } from "./elementwise.ts";
import { meanOver } from "./reduce.ts";
import { known, type Rules, simple } from "./rule.ts";

/** Axes of one channel. */
const AXES = [0, 2, 3];

/** A norm by the batch's statistics. */
export interface TrainedNorm {
  readonly y: Value;
  /** Recorded mean and variance with this batch's share in them. */
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * Norm by the mean and variance of each channel over the batch.
 *
 * @param x         N×C×H×W
 * @param momentum  share of the batch in the recorded statistics; 0.1 is
 *                  PyTorch's
 *
 * Source: PyTorch 2, BatchNorm2d: the norm takes the variance over n, the
 * record the one over n − 1.
 */
export function batchNormTraining(
  g: GraphBuilder,
  x: Value,
  { scale, shift, mean, variance, epsilon, momentum = 0.1 }: {
    scale: Value;
    shift: Value;
    mean: Value;
    variance: Value;
    epsilon: number;
    momentum?: number;
  },
): TrainedNorm {
  const [count, channels, height, width] = known(x);
  const pixels = count * height * width;
  let centered = x;
  let spread = scale;
  let batchMean = mean;
  let batchVariance = variance;
  const [y] = composite(g, {
    op: "BatchNorm",
    inputs: [x, scale, shift],
    build() {
      batchMean = meanOver(g, x, AXES);
      centered = subtract(g, x, batchMean);
      batchVariance = multiply(
        g,
        dot(g, centered, centered),
        g.float(1 / pixels),
      );
      spread = reciprocal(
        g,
        squareRoot(g, add(g, batchVariance, g.float(epsilon))),
      );
      const factor = multiply(g, spread, lift(g, scale));
      return [add(g, multiply(g, centered, factor), lift(g, shift))];
    },
    rule: simple(({ wanted }, d) => {
      const sum = sumOver(g, d, AXES);
      const products = multiply(g, dot(g, d, centered), spread);
      const perPixel = g.float(1 / pixels);
      const factor = multiply(g, spread, lift(g, scale));
      // d − mean(d) − x̂·mean(d·x̂), all times the factor
      const along = multiply(g, multiply(g, products, perPixel), spread);
      const flat = subtract(g, d, multiply(g, sum, perPixel));
      const left = subtract(g, flat, multiply(g, centered, along));
      return [
        wanted[0] ? multiply(g, left, factor) : null,
        wanted[1] ? reshape(g, products, [channels]) : null,
        wanted[2] ? reshape(g, sum, [channels]) : null,
      ];
    }),
  });
  const record = (old: Value, fresh: Value, share: number) =>
    add(
      g,
      multiply(g, old, g.float(1 - momentum)),
      multiply(g, reshape(g, fresh, [channels]), g.float(share)),
    );
  return {
    y,
    mean: record(mean, batchMean, momentum),
    variance: record(
      variance,
      batchVariance,
      momentum * pixels / Math.max(pixels - 1, 1),
    ),
  };
}

/** Rule of the inference form: recorded statistics, whose gradient is none. */
export const batchNorm: Rules = {
  BatchNormalization: simple(
    ({ g, node, wanted }, d, [x, scale, , mean, variance]) => {
      const epsilon = g.float(floatOf(node, "epsilon", 1e-5));
      const spread = reciprocal(g, squareRoot(g, add(g, variance, epsilon)));
      const [channels] = known(scale);
      const scaleGradient = () => {
        const centered = subtract(g, x, lift(g, mean));
        return multiply(g, reshape(g, dot(g, d, centered), [channels]), spread);
      };
      return [
        wanted[0] ? multiply(g, d, lift(g, multiply(g, scale, spread))) : null,
        wanted[1] ? scaleGradient() : null,
        wanted[2] ? sumOver(g, d, AXES, { drop: true }) : null,
      ];
    },
  ),
};

/** C as 1×C×1×1. */
function lift(g: GraphBuilder, x: Value): Value {
  return reshape(g, x, [1, x.shape[0], 1, 1]);
}

/**
 * Σ a·b of each channel, 1×C×1×1, by a product of matrices: their elementwise
 * product is never written to memory.
 */
function dot(g: GraphBuilder, a: Value, b: Value): Value {
  const [count, channels, height, width] = known(a);
  const shape = [count, channels, 1, height * width];
  const products = g.node(
    "FusedMatMul",
    [reshape(g, a, shape), reshape(g, b, shape)],
    { dtype: a.dtype, shape: [count, channels, 1, 1] },
    { domain: "com.microsoft", attributes: { transB: { int: 1 } } },
  );
  return sumOver(g, products, [0]);
}
