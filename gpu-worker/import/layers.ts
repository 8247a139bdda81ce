/**
 * Layers that several families share: weights by PyTorch's names to nodes.
 *
 * Norms, softmax and sums along the network stay in f32; products with
 * weights run in the precision of the import, where ONNX has them in it.
 *
 * @module
 */
import {
  add,
  cast,
  conv,
  convTranspose,
  gelu,
  gemm,
  layerNorm,
  quantizedGemm,
  quantizeWeight,
  type relu,
  transpose,
  typeFor,
  type Value,
} from "../../shared/graph/mod.ts";
import { type Layers, parameter, type Part } from "./parameter.ts";
import { reshaped, rows } from "./weights.ts";

/**
 * Linear layer, `prefix.weight` N×K and `prefix.bias` N where there is one.
 *
 * A kernel of 1×1 counts as linear too.
 *
 * @param x     M×K
 * @param part  of the weight's rows, where several layers share one tensor
 */
export function linear(
  l: Layers,
  x: Value,
  { prefix, part }: { prefix: string; part?: Part },
): Value {
  const inner = Number(x.shape[1]);
  const name = `${prefix}.weight`;
  const isKernel = l.weights.peek(name)?.length === 4;
  const wanted = isKernel ? [null, inner, 1, 1] : [null, inner];
  const [outer] = l.weights.shape(name, wanted);
  const shared = part ? { part } : {};
  const biasName = `${prefix}.bias`;
  const bias = l.weights.has(biasName)
    ? parameter(l, biasName, { wanted: [outer], ...shared })
    : null;
  const shape = [outer / (part?.of ?? 1), inner];
  if (l.isQuantized) {
    const whole = reshaped(l.weights.constant(name, wanted, l.compute), [
      outer,
      inner,
    ]);
    const start = (part?.index ?? 0) * shape[0];
    const own = part ? rows(whole, [start, start + shape[0]]) : whole;
    const { weight, scale } = quantizeWeight(own);
    const label = part ? `${name}[${start}:${start + shape[0]}]` : name;
    return quantizedGemm(l.g, cast(l.g, x, "f32"), {
      weight: l.g.constant(label, weight),
      scale: l.g.constant(`${label}.scale`, scale),
      bias,
    });
  }
  return gemm(l.g, cast(l.g, x, l.compute), {
    weight: parameter(l, name, { wanted, shape, ...shared }),
    bias,
  });
}

/**
 * Norm over the last axis, `prefix.weight` and `prefix.bias`.
 *
 * @returns  f32
 */
export function norm(
  l: Layers,
  x: Value,
  { prefix, epsilon }: { prefix: string; epsilon: number },
): Value {
  const wanted = [Number(x.shape.at(-1))];
  const take = (name: string) => parameter(l, name, { wanted, dtype: "f32" });
  return layerNorm(l.g, cast(l.g, x, "f32"), {
    scale: take(`${prefix}.weight`),
    shift: take(`${prefix}.bias`),
    epsilon,
  });
}

/** Norm over the channels of N×C×H×W. */
export function channelNorm(
  l: Layers,
  x: Value,
  options: { prefix: string; epsilon: number },
): Value {
  const last = transpose(l.g, x, [0, 2, 3, 1]);
  return transpose(l.g, norm(l, last, options), [0, 3, 1, 2]);
}

/** Two linear layers with an activation between. */
export function mlp(
  l: Layers,
  x: Value,
  { first, second, activation = gelu }: {
    first: string;
    second: string;
    activation?: typeof gelu | typeof relu;
  },
): Value {
  const hidden = activation(l.g, linear(l, x, { prefix: first }));
  return linear(l, hidden, { prefix: second });
}

/** x + y in f32. */
export function addWide(l: Layers, x: Value, y: Value): Value {
  return add(l.g, x, cast(l.g, y, x.dtype));
}

/**
 * Convolution, `prefix.weight` O×C×k×k and `prefix.bias` where there is one.
 *
 * @returns  of the precision of convolutions: see `typeFor`
 */
export function convolve(
  l: Layers,
  x: Value,
  { prefix, stride = 1, padding = 0 }: {
    prefix: string;
    stride?: number;
    padding?: number;
  },
): Value {
  const name = `${prefix}.weight`;
  const wanted = [null, Number(x.shape[1]), null, null];
  const [outer] = l.weights.shape(name, wanted);
  const biasName = `${prefix}.bias`;
  const dtype = typeFor("Conv", l.compute);
  const bias = l.weights.has(biasName)
    ? parameter(l, biasName, { wanted: [outer], dtype })
    : null;
  return conv(l.g, cast(l.g, x, dtype), {
    weight: parameter(l, name, { wanted, dtype }),
    bias,
    stride,
    padding,
  });
}

/**
 * Transposed convolution that enlarges a map, `prefix.weight` C×O×k×k and
 * `prefix.bias` where there is one.
 *
 * @returns  of the precision of such convolutions
 */
export function enlargeBy(
  l: Layers,
  x: Value,
  { weight: name, bias: biasName }: { weight: string; bias?: string },
): Value {
  const { g, weights } = l;
  const dtype = typeFor("ConvTranspose", l.compute);
  const wanted = [Number(x.shape[1]), null, null, null];
  const weight = weights.constant(name, wanted, dtype);
  const [, outer] = weight.shape;
  return convTranspose(g, cast(g, x, dtype), {
    weight: g.constant(name, weight),
    bias: biasName === undefined
      ? null
      : g.constant(biasName, weights.constant(biasName, [outer], dtype)),
  });
}
