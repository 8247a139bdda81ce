/**
 * AdamW as nodes: one step of each tensor.
 *
 * What depends on the number of the step only is computed outside of the
 * graph, in 64 bits, and enters as three numbers.
 *
 * @module
 */
import {
  add,
  divide,
  type GraphBuilder,
  multiply,
  slice,
  subtract,
  type Value,
} from "../../shared/graph/mod.ts";
import { sumOver } from "./gradients/broadcast.ts";
import { squareRoot } from "./gradients/elementwise.ts";

/** Settings of the optimizer; defaults are PyTorch's, decay Cellpose's. */
export interface AdamWOptions {
  /** Decay of the mean of gradients, default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of their squares, default 0.999. */
  readonly beta2?: number;
  /** Added to the root of that mean, default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled weight decay, default 0.1 (Cellpose's). */
  readonly weightDecay?: number;
  /** Tensors that do not decay, such as norms and biases; default none. */
  readonly isUndecayed?: (name: string) => boolean;
  /** Largest length of all gradients together; default no limit. */
  readonly clipNorm?: number;
}

/** Options with their defaults. */
export function withDefaults({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.1,
  isUndecayed = () => false,
  clipNorm = Infinity,
}: AdamWOptions): Required<AdamWOptions> {
  return { beta1, beta2, epsilon, weightDecay, isUndecayed, clipNorm };
}

/** The numbers of a step, one element each. */
export type Factors<Number> = readonly [
  decay: Number,
  rate: Number,
  root: Number,
];

/**
 * Numbers of one step.
 *
 * @param rate  learning rate
 * @param step  from 1
 * @returns     1 − rate·decay, rate / (1 − β1^step), 1 / √(1 − β2^step)
 */
export function stepFactors(
  options: AdamWOptions,
  { rate, step }: { rate: number; step: number },
): Factors<number> {
  const { beta1, beta2, weightDecay } = withDefaults(options);
  return [
    1 - rate * weightDecay,
    rate / (1 - beta1 ** step),
    1 / Math.sqrt(1 - beta2 ** step),
  ];
}

/**
 * The numbers of a step, taken apart.
 *
 * @param factors  3 f32, see `stepFactors`
 */
export function splitFactors(g: GraphBuilder, factors: Value): Factors<Value> {
  const part = (i: number) =>
    slice(g, factors, { axis: 0, start: i, end: i + 1 });
  return [part(0), part(1), part(2)];
}

/** A tensor with its means; their shapes are one. */
export interface Moments {
  readonly weight: Value;
  /** Mean of gradients. */
  readonly mean: Value;
  /** Mean of their squares. */
  readonly square: Value;
}

/**
 * A tensor after one step.
 *
 *   m ← β1·m + (1 − β1)·g        v ← β2·v + (1 − β2)·g²
 *   w ← w·(1 − rate·decay) − rate/(1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε)
 *
 * @param gradient  already clipped
 * @param factors   see `stepFactors`
 *
 * Source: Loshchilov and Hutter 2019; PyTorch 2, torch.optim.AdamW
 */
export function adamwStep(
  g: GraphBuilder,
  { weight, mean, square }: Moments,
  { name, gradient, factors, options }: {
    name: string;
    gradient: Value;
    factors: Factors<Value>;
    options: AdamWOptions;
  },
): Moments {
  const { beta1, beta2, epsilon, isUndecayed } = withDefaults(options);
  const [decay, rate, root] = factors;
  const blend = (old: Value, fresh: Value, beta: number) =>
    add(
      g,
      multiply(g, old, g.float(beta)),
      multiply(g, fresh, g.float(1 - beta)),
    );
  const newMean = blend(mean, gradient, beta1);
  const newSquare = blend(square, multiply(g, gradient, gradient), beta2);
  const scale = add(
    g,
    multiply(g, squareRoot(g, newSquare), root),
    g.float(epsilon),
  );
  const move = multiply(g, divide(g, newMean, scale), rate);
  const kept = isUndecayed(name) ? weight : multiply(g, weight, decay);
  return {
    weight: subtract(g, kept, move),
    mean: newMean,
    square: newSquare,
  };
}

/**
 * Gradients shortened together where their length exceeds a limit.
 *
 * Source: PyTorch 2, clip_grad_norm_, whose 1e-6 keeps a length of 0 from
 * dividing
 */
export function clipGradients(
  g: GraphBuilder,
  gradients: readonly Value[],
  limit: number,
): Value[] {
  if (limit === Infinity) return [...gradients];
  const squares = gradients.map((gradient) => sumSquares(g, gradient));
  const length = squareRoot(g, g.node("Sum", squares, squares[0]));
  const share = divide(
    g,
    g.float(limit),
    add(g, length, g.float(1e-6)),
  );
  const factor = g.node("Min", [share, g.float(1)], share);
  return gradients.map((gradient) => multiply(g, gradient, factor));
}

function sumSquares(g: GraphBuilder, x: Value): Value {
  const axes = [...x.shape.keys()];
  return sumOver(g, multiply(g, x, x), axes, { drop: true });
}
