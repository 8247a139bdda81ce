/**
 * Parts of the designs: convolutions with norms, and their initial weights.
 *
 * @module
 */
import {
  add,
  batchNorm,
  buildGraph,
  conv,
  convTranspose,
  type Dim,
  fromFloat32,
  type GraphBuilder,
  multiply,
  relu,
  upsampleNearest,
  type Value,
} from "../../../shared/graph/mod.ts";
import { createRandom, type Random } from "../../../shared/synthetic/random.ts";
import { INPUT_CHANNELS } from "./design.ts";

/** BatchNorm's usual one: it keeps the square root away from 0. */
const EPSILON = 1e-5;

/**
 * Factor of the last layers: flows are 5 long, and the optimizer's steps have
 * the same size for every weight.
 */
const GAIN = 8;

/** A graph under construction and the stream of its initial weights. */
export interface Parts {
  readonly g: GraphBuilder;
  readonly random: Random;
}

/** A convolution followed by a norm. */
export interface ConvNorm {
  /** Prefix of its constants. */
  readonly name: string;
  readonly channels: number;
  /** Edge of the kernel; default 3. The map keeps its size, over the stride. */
  readonly edge?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Pixels from one tap of the kernel to the next; default 1. */
  readonly dilation?: number;
  /** Each channel by itself; default false. */
  readonly isDepthwise?: boolean;
  /** The norm's first scale is 0, so that a residual starts as nothing. */
  readonly startsAtZero?: boolean;
}

/**
 * Start a design's graph.
 *
 * @returns its parts and its input
 */
export function startParts(
  name: string,
  seed: number,
): { parts: Parts; x: Value } {
  const g = buildGraph(name);
  const x = g.input("x", "f32", ["n", INPUT_CHANNELS, "h", "w"]);
  return { parts: { g, random: createRandom(seed) }, x };
}

/**
 * Convolution, then norm by channel: an activation follows where one is due.
 *
 * @param x  N×C×H×W, edges that the stride divides
 *
 * Source: He et al. 2015 (weights of deviation √(2/fan-in)); Goyal et al. 2017
 * §5.1 (residuals that start as nothing).
 */
export function convNorm({ g, random }: Parts, x: Value, part: ConvNorm) {
  const { name, channels, edge = 3, stride = 1, dilation = 1 } = part;
  const inner = part.isDepthwise ? 1 : Number(x.shape[1]);
  const weight = constant(g, `${name}.weight`, [channels, inner, edge, edge], {
    values: drawHe(random, channels * inner * edge ** 2, inner * edge ** 2),
  });
  const before = Math.floor((dilation * (edge - 1) - (stride - 1)) / 2 + 0.5);
  const after = dilation * (edge - 1) - (stride - 1) - before;
  const y = g.node("Conv", [x, weight], {
    dtype: "f32",
    shape: [
      x.shape[0],
      channels,
      ...x.shape.slice(2).map((d) => over(d, stride)),
    ],
  }, {
    attributes: {
      kernel_shape: { ints: [edge, edge] },
      strides: { ints: [stride, stride] },
      pads: { ints: [before, before, after, after] },
      ...(dilation === 1 ? {} : { dilations: { ints: [dilation, dilation] } }),
      ...(part.isDepthwise ? { group: { int: channels } } : {}),
    },
  });
  const fill = (label: string, value: number) =>
    constant(g, `${name}.${label}`, [channels], {
      values: new Float32Array(channels).fill(value),
    });
  return batchNorm(g, y, {
    scale: fill("scale", part.startsAtZero ? 0 : 1),
    shift: fill("shift", 0),
    mean: fill("mean", 0),
    variance: fill("variance", 1),
    epsilon: EPSILON,
  });
}

/** Convolution, norm, ReLU. */
export function convRelu(parts: Parts, x: Value, part: ConvNorm): Value {
  return relu(parts.g, convNorm(parts, x, part));
}

/** Twice the size by repetition, plus the map beside it. */
export function joinFiner({ g }: Parts, coarse: Value, fine: Value): Value {
  const doubled = upsampleNearest(g, coarse);
  // edges halved and doubled again are those of the map beside them
  return add(g, fine, { ...doubled, shape: [...fine.shape] });
}

/**
 * Last layer: planes at twice the size, by a kernel for each of the four
 * pixels. It starts at 0: no flow, a probability of one half.
 */
export function head({ g }: Parts, x: Value, planes: number): Value {
  const inner = Number(x.shape[1]);
  const weight = constant(g, "head.weight", [inner, planes, 2, 2], {
    values: new Float32Array(inner * planes * 4),
  });
  const bias = constant(g, "head.bias", [planes], {
    values: new Float32Array(planes),
  });
  const y = multiply(g, convTranspose(g, x, { weight, bias }), g.float(GAIN));
  return { ...y, shape: [y.shape[0], planes, "h", "w"] };
}

/** Last layer at the map's own size, from 0. */
export function pointwise(
  { g }: Parts,
  x: Value,
  { name, channels }: { name: string; channels: number },
): Value {
  const inner = Number(x.shape[1]);
  const weight = constant(g, `${name}.weight`, [channels, inner, 1, 1], {
    values: new Float32Array(channels * inner),
  });
  const bias = constant(g, `${name}.bias`, [channels], {
    values: new Float32Array(channels),
  });
  return multiply(g, conv(g, x, { weight, bias }), g.float(GAIN));
}

/** Weight and bias of a linear layer, to × from. */
export function drawLinear(
  { g, random }: Parts,
  name: string,
  { from, to }: { from: number; to: number },
): { weight: Value; bias: Value } {
  const values = drawHe(random, to * from, from);
  return {
    weight: constant(g, `${name}.weight`, [to, from], { values }),
    bias: constant(g, `${name}.bias`, [to], { values: new Float32Array(to) }),
  };
}

function constant(
  g: GraphBuilder,
  name: string,
  shape: number[],
  { values }: { values: Float32Array },
): Value {
  const read = () => fromFloat32(values, "f32");
  return g.constant(name, { dtype: "f32", shape, read });
}

/** Normal numbers of deviation √(2/fan-in). */
function drawHe(random: Random, count: number, fanIn: number): Float32Array {
  const deviation = Math.sqrt(2 / fanIn);
  return Float32Array.from(
    { length: count },
    () => deviation * random.normal(),
  );
}

/** An edge over the stride, which divides it. */
function over(dim: Dim, stride: number): Dim {
  if (stride === 1) return dim;
  if (typeof dim === "number") return dim / stride;
  const [, base, divisor] = /^(.*?)(?:\/(\d+))?$/.exec(dim) ?? [];
  return `${base}/${Number(divisor ?? 1) * stride}`;
}
