/**
 * Layers that several families share: weights by PyTorch's names to nodes.
 *
 * Norms, softmax and sums along the network stay in f32; products with
 * weights run in the precision of the import.
 *
 * @module
 */
import {
  add,
  cast,
  type Constant,
  conv,
  type Dtype,
  gelu,
  gemm,
  type GraphBuilder,
  layerNorm,
  type relu,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";
import { reshaped, rows, type Weights } from "./weights.ts";

/** Form in which attention is written. */
export type AttentionForm = "fused" | "plain";

/** A graph under construction and where its weights come from. */
export interface Layers {
  readonly g: GraphBuilder;
  readonly weights: Weights;
  /** Element type of products with weights. */
  readonly compute: Dtype;
  readonly attention: AttentionForm;
  /** Values that several layers share, by a name of their own. */
  readonly shared: Map<string, Value>;
}

/** A value that is made once. */
export function once(
  { shared }: Layers,
  name: string,
  make: () => Value,
): Value {
  const known = shared.get(name) ?? make();
  shared.set(name, known);
  return known;
}

/**
 * Linear layer, `prefix.weight` N×K and `prefix.bias` N where there is one.
 *
 * A kernel of 1×1 counts as linear too.
 *
 * @param x     M×K
 * @param part  rows of the weight, where several layers share one tensor
 */
export function linear(
  l: Layers,
  x: Value,
  { prefix, part }: { prefix: string; part?: readonly [number, number] },
): Value {
  const inner = Number(x.shape[1]);
  const take = (whole: Constant, label: string) =>
    part
      ? l.g.constant(`${label}[${part[0]}:${part[1]}]`, rows(whole, part))
      : l.g.constant(label, whole);
  const name = `${prefix}.weight`;
  const isKernel = l.weights.peek(name)?.length === 4;
  const weight = l.weights.constant(
    name,
    isKernel ? [null, inner, 1, 1] : [null, inner],
    l.compute,
  );
  const [outer] = weight.shape;
  const biasName = `${prefix}.bias`;
  const bias = l.weights.has(biasName)
    ? take(l.weights.constant(biasName, [outer], l.compute), biasName)
    : null;
  return gemm(l.g, cast(l.g, x, l.compute), {
    weight: take(reshaped(weight, [outer, inner]), name),
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
  const edge = Number(x.shape.at(-1));
  const take = (name: string) =>
    l.g.constant(name, l.weights.constant(name, [edge], "f32"));
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

/** Convolution, `prefix.weight` O×C×k×k and `prefix.bias` where there is one. */
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
  const weight = l.weights.constant(
    name,
    [null, Number(x.shape[1]), null, null],
    l.compute,
  );
  const biasName = `${prefix}.bias`;
  const bias = l.weights.has(biasName)
    ? l.g.constant(
      biasName,
      l.weights.constant(biasName, [weight.shape[0]], l.compute),
    )
    : null;
  return conv(l.g, cast(l.g, x, l.compute), {
    weight: l.g.constant(name, weight),
    bias,
    stride,
    padding,
  });
}
