/**
 * One step of the optimizer for all weights, as nodes.
 *
 * Small tensors (norms, biases, tables) are joined to one: a step of AdamW is
 * 13 nodes, and a node of few elements costs the runtime more than its
 * arithmetic. Every element is computed as it would be alone, so joining
 * changes no bit.
 *
 * @module
 */
import {
  concat,
  type GraphBuilder,
  reshape,
  type Value,
} from "../../shared/graph/mod.ts";
import {
  type AdamWOptions,
  adamwStep,
  clipGradients,
  type Moments,
  splitFactors,
  withDefaults,
} from "./adamw.ts";
import { known } from "./gradients/rule.ts";

/** Tensors of more elements stay alone: joining would cost them two copies. */
const SMALL = 16384;
/** Elements joined at most: they stay in a processor's cache. */
const JOINED = 131072;

/** Names of a weight's states. */
export const momentNames = (name: string) =>
  ({ mean: `${name}:mean`, square: `${name}:square` }) as const;

/**
 * States after a step of the optimizer.
 *
 * @param values     weights and their means, by name of the state
 * @param gradients  by name of the weight
 * @param factors    3 f32, see `stepFactors`
 * @returns          by name of the state
 */
export function optimize(
  g: GraphBuilder,
  { values, gradients, factors, options }: {
    values: ReadonlyMap<string, Value>;
    gradients: ReadonlyMap<string, Value>;
    factors: Value;
    options: AdamWOptions;
  },
): Map<string, Value> {
  const names = [...gradients.keys()];
  const { clipNorm, isUndecayed } = withDefaults(options);
  const clipped = new Map(
    clipGradients(g, [...gradients.values()], clipNorm)
      .map((gradient, i) => [names[i], gradient] as const),
  );
  const parts = splitFactors(g, factors);
  const next = new Map<string, Value>();
  const groups = [true, false].flatMap((undecayed) =>
    groupSmall(
      names.filter((name) => isUndecayed(name) === undecayed),
      (name) => count(values.get(name)!),
    )
  );
  for (const group of groups) {
    const labels = group.map(momentNames);
    const gather = (list: readonly string[], of = values) =>
      join(g, list.map((name) => of.get(name)!));
    const moved: Moments = adamwStep(g, {
      weight: gather(group),
      mean: gather(labels.map(({ mean }) => mean)),
      square: gather(labels.map(({ square }) => square)),
    }, {
      name: group[0],
      gradient: gather(group, clipped),
      factors: parts,
      options,
    });
    const like = group.map((name) => values.get(name)!);
    const scatter = (list: readonly string[], whole: Value) =>
      part(g, whole, like).forEach((value, i) => next.set(list[i], value));
    scatter(group, moved.weight);
    scatter(labels.map(({ mean }) => mean), moved.mean);
    scatter(labels.map(({ square }) => square), moved.square);
  }
  return next;
}

/** Names in groups; large tensors are groups of one. */
function groupSmall(
  names: readonly string[],
  size: (name: string) => number,
): string[][] {
  const alone = names.filter((name) => size(name) > SMALL);
  const groups: string[][] = [];
  let room = 0;
  for (const name of names.filter((name) => size(name) <= SMALL)) {
    if (groups.length === 0 || room < size(name)) {
      groups.push([]);
      room = JOINED;
    }
    groups[groups.length - 1].push(name);
    room -= size(name);
  }
  return [...groups, ...alone.map((name) => [name])];
}

/**
 * Tensors one after another, flat. One alone stays as it is unless its last
 * axis is 1, as in a kernel of 1×1, which the runtime multiplies by a number
 * element by element, in seven times the time.
 */
function join(g: GraphBuilder, tensors: readonly Value[]): Value {
  if (tensors.length === 1 && tensors[0].shape.at(-1) !== 1) return tensors[0];
  const flat = tensors.map((x) => withShape(g, x, [count(x)]));
  return flat.length === 1 ? flat[0] : concat(g, flat, 0);
}

/** The tensors that were joined, in the shapes of `like`. */
function part(
  g: GraphBuilder,
  whole: Value,
  like: readonly Value[],
): Value[] {
  if (like.length === 1) return [withShape(g, whole, known(like[0]))];
  const sizes = like.map(count);
  const pieces = g.nodes(
    "Split",
    [whole, g.ints(sizes)],
    sizes.map((size) => ({ dtype: whole.dtype, shape: [size] })),
    { attributes: { axis: { int: 0 } } },
  );
  return pieces.map((piece, i) => withShape(g, piece, known(like[i])));
}

function withShape(
  g: GraphBuilder,
  x: Value,
  shape: readonly number[],
): Value {
  return `${x.shape}` === `${shape}` ? x : reshape(g, x, shape);
}

function count(x: Value): number {
  return known(x).reduce((a, b) => a * b, 1);
}
