/**
 * Weights as values of a graph.
 *
 * For running, what is done to a weight (parts, shapes, element types) is done
 * when the graph is written. In the training form the checkpoint's tensor is
 * whole and f32 under its own name, so that it can be trained, and what is
 * done to it is nodes.
 *
 * @module
 */
import {
  cast,
  type Dtype,
  type GraphBuilder,
  reshape,
  type Value,
} from "../../shared/graph/mod.ts";
import { reshaped, rows, type WantedShape, type Weights } from "./weights.ts";

/** Form in which attention is written. */
export type AttentionForm = "fused" | "plain";

/** What the training form gathers while it is built. */
export interface Training {
  /** Weights by the checkpoint's names, whole and f32. */
  readonly parameters: Map<string, Value>;
  /** Between one block and the next: where the graph is narrow. */
  readonly boundaries: Value[];
  /** n×blocks f32, 0 where an image skips a block; null: none does. */
  readonly kept: Value | null;
}

/** A graph under construction and where its weights come from. */
export interface Layers {
  readonly g: GraphBuilder;
  readonly weights: Weights;
  /** Element type of products with weights. */
  readonly compute: Dtype;
  readonly attention: AttentionForm;
  /** Linear layers' weights in 8 bits. */
  readonly isQuantized?: boolean;
  /** What only the training form has; null for running. */
  readonly training: Training | null;
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

/** Which of several equal parts of a tensor's first axis. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

/**
 * A weight as a value.
 *
 * @param wanted  shape in the checkpoint, null where any edge fits
 * @param dtype   default: that of products with weights
 * @param part    of the first axis, where several layers share one tensor
 * @param shape   the same elements in another shape
 */
export function parameter(
  l: Layers,
  name: string,
  { wanted, dtype = l.compute, part, shape }: {
    wanted: WantedShape;
    dtype?: Dtype;
    part?: Part;
    shape?: readonly number[];
  },
): Value {
  const { g, training } = l;
  const whole = l.weights.constant(name, wanted, training ? "f32" : dtype);
  if (!training) {
    const edge = part ? whole.shape[0] / part.of : 0;
    const range = part && [part.index * edge, (part.index + 1) * edge] as const;
    const taken = range ? rows(whole, range) : whole;
    return g.constant(
      range ? `${name}[${range[0]}:${range[1]}]` : name,
      shape ? reshaped(taken, shape) : taken,
    );
  }
  const known = once(l, name, () => {
    const value = g.constant(name, whole);
    training.parameters.set(name, value);
    return value;
  });
  const label = `${name} ${dtype}`;
  const typed = once(l, label, () => cast(g, known, dtype));
  const taken = part ? takePart(l, typed, { label, part }) : typed;
  return shape && `${shape}` !== `${taken.shape}`
    ? reshape(g, taken, shape)
    : taken;
}

/** One part of a value; all are cut at once, so that their gradients join. */
function takePart(
  l: Layers,
  whole: Value,
  { label, part }: { label: string; part: Part },
): Value {
  const [edge, ...rest] = whole.shape;
  const shape = [Number(edge) / part.of, ...rest];
  const name = (i: number) => `${label} ${i}/${part.of}`;
  if (!l.shared.has(name(0))) {
    const results = Array.from(
      { length: part.of },
      () => ({ dtype: whole.dtype, shape }),
    );
    l.g.nodes("Split", [whole], results, {
      attributes: { axis: { int: 0 }, num_outputs: { int: part.of } },
    }).forEach((value, i) => l.shared.set(name(i), value));
  }
  return l.shared.get(name(part.index)) as Value;
}
