/**
 * Operations with weights, norms and pooling.
 *
 * @module
 */
import { ShapeError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { axisOf, broadcast, knownDim, mapDim, spellShape } from "./shapes.ts";
import type { Dim, Value } from "./types.ts";

/**
 * x·wᵀ + bias.
 *
 * @param x     M×K
 * @param w     N×K, as PyTorch keeps a linear layer's weight
 * @param bias  N
 */
export function gemm(
  g: GraphBuilder,
  x: Value,
  { weight, bias = null }: { weight: Value; bias?: Value | null },
): Value {
  if (x.shape.length !== 2 || x.shape[1] !== weight.shape[1]) {
    throw mismatch("Gemm", x, weight);
  }
  const shape = [x.shape[0], weight.shape[0]];
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return g.node("Gemm", inputs, { dtype: x.dtype, shape }, {
    attributes: { transB: { int: 1 } },
  });
}

/** Matrix product of the last two axes; the others broadcast. */
export function matmul(g: GraphBuilder, a: Value, b: Value): Value {
  const [rows, inner] = a.shape.slice(-2);
  const [inner2, columns] = b.shape.slice(-2);
  if (inner !== inner2 || a.dtype !== b.dtype) throw mismatch("MatMul", a, b);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return g.node("MatMul", [a, b], {
    dtype: a.dtype,
    shape: [...batch, rows, columns],
  });
}

/** What a convolution does beside its weights. */
export interface ConvOptions {
  readonly weight: Value;
  readonly bias?: Value | null;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros on every side, default 0. */
  readonly padding?: number;
}

/**
 * 2-D convolution (without flipping the kernel).
 *
 * @param x  N×C×H×W; weight O×C×kH×kW, bias O
 */
export function conv(
  g: GraphBuilder,
  x: Value,
  { weight, bias = null, stride = 1, padding = 0 }: ConvOptions,
): Value {
  if (x.shape.length !== 4 || x.shape[1] !== weight.shape[1]) {
    throw mismatch("Conv", x, weight);
  }
  const kernel = weight.shape.slice(2).map((d) => knownDim(d, "kernel"));
  const edge = (dim: Dim, size: number) =>
    mapDim(
      dim,
      (d) => Math.floor((d + 2 * padding - size) / stride) + 1,
      (d) =>
        2 * padding - size + stride === 0
          ? stride === 1 ? d : `${d}/${stride}`
          : `(${d}+${2 * padding - size})/${stride}+1`,
    );
  const shape = [
    x.shape[0],
    weight.shape[0],
    edge(x.shape[2], kernel[0]),
    edge(x.shape[3], kernel[1]),
  ];
  return g.node(
    "Conv",
    bias ? [x, weight, bias] : [x, weight],
    { dtype: x.dtype, shape },
    {
      attributes: {
        kernel_shape: { ints: kernel },
        strides: { ints: [stride, stride] },
        pads: { ints: [padding, padding, padding, padding] },
      },
    },
  );
}

/**
 * Transposed 2-D convolution without overlap: the stride is the kernel's edge.
 *
 * @param x  N×C×H×W; weight C×O×k×k, bias O
 */
export function convTranspose(
  g: GraphBuilder,
  x: Value,
  { weight, bias = null }: Pick<ConvOptions, "weight" | "bias">,
): Value {
  if (x.shape.length !== 4 || x.shape[1] !== weight.shape[0]) {
    throw mismatch("ConvTranspose", x, weight);
  }
  const kernel = weight.shape.slice(2).map((d) => knownDim(d, "kernel"));
  const shape = [
    x.shape[0],
    weight.shape[1],
    ...kernel.map((k, i) =>
      mapDim(x.shape[2 + i], (d) => d * k, (d) => `${d}*${k}`)
    ),
  ];
  return g.node(
    "ConvTranspose",
    bias ? [x, weight, bias] : [x, weight],
    { dtype: x.dtype, shape },
    {
      attributes: { kernel_shape: { ints: kernel }, strides: { ints: kernel } },
    },
  );
}

/** Norm over the last axis, then scale and shift. */
export function layerNorm(
  g: GraphBuilder,
  x: Value,
  { scale, shift, epsilon }: { scale: Value; shift: Value; epsilon: number },
): Value {
  const last = x.shape.at(-1);
  if (scale.shape[0] !== last) throw mismatch("LayerNormalization", x, scale);
  return g.node("LayerNormalization", [x, scale, shift], x, {
    attributes: { axis: { int: -1 }, epsilon: { float: epsilon } },
  });
}

/** Norm by recorded mean and variance of each channel. */
export function batchNorm(
  g: GraphBuilder,
  x: Value,
  { scale, shift, mean, variance, epsilon }: {
    scale: Value;
    shift: Value;
    mean: Value;
    variance: Value;
    epsilon: number;
  },
): Value {
  if (scale.shape[0] !== x.shape[1]) {
    throw mismatch("BatchNormalization", x, scale);
  }
  return g.node("BatchNormalization", [x, scale, shift, mean, variance], x, {
    attributes: { epsilon: { float: epsilon } },
  });
}

/** Softmax over the last axis. */
export function softmax(g: GraphBuilder, x: Value): Value {
  return g.node("Softmax", [x], x, { attributes: { axis: { int: -1 } } });
}

/** Largest of each 2×2 square; a last odd row or column is dropped. */
export function maxPool2(g: GraphBuilder, x: Value): Value {
  const shape = x.shape.map((dim, i) =>
    i < 2 ? dim : mapDim(dim, (d) => Math.floor(d / 2), halveName)
  );
  return g.node("MaxPool", [x], { dtype: x.dtype, shape }, {
    attributes: { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } },
  });
}

/** Mean of each channel: N×C×H×W → N×C. */
export function channelMeans(g: GraphBuilder, x: Value): Value {
  const pooled = g.node("GlobalAveragePool", [x], {
    dtype: x.dtype,
    shape: [x.shape[0], x.shape[1], 1, 1],
  });
  return g.node("Flatten", [pooled], {
    dtype: x.dtype,
    shape: x.shape.slice(0, 2),
  });
}

/** Euclidean length along an axis, which stays as an edge of 1. */
export function lengthAlong(g: GraphBuilder, x: Value, axis: number): Value {
  const at = axisOf(x.shape, axis);
  const shape = x.shape.map((dim, i) => i === at ? 1 : dim);
  return g.node("ReduceL2", [x, g.ints([at])], { dtype: x.dtype, shape }, {
    attributes: { keepdims: { int: 1 } },
  });
}

/**
 * Attention of all heads at once, by the runtime's fused operator.
 *
 * @param parts  query B×S×(heads·d), key B×L×(heads·d), value B×L×(heads·e)
 * @returns      B×S×(heads·e)
 */
export function multiHeadAttention(
  g: GraphBuilder,
  { query, key, value }: { query: Value; key: Value; value: Value },
  { heads, scale }: { heads: number; scale: number },
): Value {
  if (query.shape.at(-1) !== key.shape.at(-1)) {
    throw mismatch("MultiHeadAttention", query, key);
  }
  return g.node("MultiHeadAttention", [query, key, value], {
    dtype: query.dtype,
    shape: [...query.shape.slice(0, 2), value.shape[2]],
  }, {
    domain: "com.microsoft",
    attributes: { num_heads: { int: heads }, scale: { float: scale } },
  });
}

function halveName(dim: string): string {
  const halves = /^(.*)\/(\d+)$/.exec(dim);
  return halves ? `${halves[1]}/${Number(halves[2]) * 2}` : `${dim}/2`;
}

function mismatch(op: string, a: Value, b: Value): ShapeError {
  return new ShapeError(
    op,
    `${a.name} (${a.dtype} ${
      spellShape(a.shape)
    }) does not fit ${b.name} (${b.dtype} ${spellShape(b.shape)})`,
  );
}
