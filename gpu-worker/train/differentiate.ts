/**
 * Reverse-mode differentiation of a graph under construction.
 *
 *   nodes so far, a scalar  →  more nodes: its gradients
 *
 * The gradients of one node's outputs give those of its inputs by the rule of
 * its operator (gradients/rule.ts says what a rule is, registry.ts holds
 * them). Only nodes on a path from a wanted value to the scalar are visited.
 *
 * @module
 */
import { ArgumentError, ShapeError } from "../../shared/errors.ts";
import {
  add,
  cast,
  type GraphBuilder,
  type Node,
  spellShape,
  type Value,
} from "../../shared/graph/mod.ts";
import { listComposites } from "./gradients/composite.ts";
import { findRule } from "./gradients/registry.ts";
import type { Rule } from "./gradients/rule.ts";

/** A node, or several that are differentiated as one. */
interface Step {
  readonly node: Node;
  readonly rule: Rule | undefined;
}

/**
 * Append the nodes that compute the gradients of a scalar.
 *
 * @param loss    a scalar, or a value of one element
 * @param wanted  any values of the graph, such as its weights
 * @returns       in the order of `wanted`, each of its value's shape; null
 *                where the loss does not depend on it
 * @throws {ArgumentError} if an operator on the way has no rule
 */
export function differentiate(
  g: GraphBuilder,
  loss: Value,
  wanted: readonly Value[],
): (Value | null)[] {
  if (loss.shape.some((edge) => edge !== 1)) {
    throw new ShapeError("loss", `is ${spellShape(loss.shape)}, not a scalar`);
  }
  const steps = listSteps(g);
  const active = findDependent(g.added, wanted);
  const gradients = new Map<string, Value>();
  if (active.has(loss.name)) gradients.set(loss.name, ones(g, loss));
  const stops = new Set(wanted.map(({ name }) => name));
  for (const step of steps.toReversed()) {
    const { node } = step;
    const isReached = node.outputs.some((name) => gradients.has(name));
    if (!isReached || !node.inputs.some((name) => active.has(name))) continue;
    const given = applyRule(g, step, { gradients, active });
    for (const [name, gradient] of given) {
      const known = gradients.get(name);
      gradients.set(name, known ? add(g, known, gradient) : gradient);
    }
    // read once: the map keeps what is still to come, and what was asked for
    for (const name of node.outputs) {
      if (!stops.has(name)) gradients.delete(name);
    }
  }
  return wanted.map(({ name }) => gradients.get(name) ?? null);
}

/** What there is to differentiate; a copy, as the rules append nodes. */
function listSteps(g: GraphBuilder): Step[] {
  const steps: Step[] = [];
  let at = 0;
  const addUntil = (end: number) => {
    for (; at < end; at++) {
      const node = g.added[at];
      steps.push({ node, rule: findRule(node) });
    }
  };
  for (const { start, end, node, rule } of listComposites(g)) {
    addUntil(start);
    steps.push({ node, rule });
    at = end;
  }
  addUntil(g.added.length);
  return steps;
}

/** Names of the wanted values and of all that depends on them. */
function findDependent(
  nodes: readonly Node[],
  wanted: readonly Value[],
): Set<string> {
  const names = new Set(wanted.map(({ name }) => name));
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((name) => names.has(name))) continue;
    for (const name of outputs) names.add(name);
  }
  return names;
}

/** Gradients of a node's inputs by name; a name may come twice. */
function applyRule(
  g: GraphBuilder,
  { node, rule }: Step,
  { gradients, active }: {
    gradients: ReadonlyMap<string, Value>;
    active: ReadonlySet<string>;
  },
): [string, Value][] {
  if (rule === undefined) {
    throw new ArgumentError(
      "graph",
      `${node.op} (${node.outputs[0]}) has no gradient rule`,
    );
  }
  const valueOf = (name: string): Value => {
    const value = g.find(name);
    if (value) return value;
    throw new ArgumentError("graph", `${name} is not in it`);
  };
  const isWanted = node.inputs.map((name) => active.has(name));
  const results = rule({
    g,
    node,
    inputs: node.inputs.map((name) => name === "" ? null : valueOf(name)),
    outputs: node.outputs.map(valueOf),
    gradients: node.outputs.map((name) => gradients.get(name) ?? null),
    wanted: isWanted,
  });
  return node.inputs.flatMap((name, i): [string, Value][] => {
    const gradient = results[i] ?? null;
    if (!isWanted[i] || gradient === null) return [];
    const { shape, dtype } = valueOf(name);
    if (`${gradient.shape}` !== `${shape}`) {
      throw new ShapeError(
        node.op,
        `gradient of ${name} is ${spellShape(gradient.shape)}, not ${
          spellShape(shape)
        }`,
      );
    }
    return [[name, cast(g, gradient, dtype)]];
  });
}

function ones(g: GraphBuilder, { shape, dtype }: Value): Value {
  const { length } = shape;
  if (length === 0 && dtype === "f32") return g.float(1);
  return g.constant("gradient_of_the_loss", {
    dtype: "f32",
    shape: shape.map(Number),
    read: () => new Uint8Array(Float32Array.of(1).buffer),
  });
}
