/**
 * Integers that can be told without running: what a graph computes of the
 * shapes of its values.
 *
 * @module
 */
import { intOf } from "./attributes.ts";
import { type InferCall, sliceRanges } from "./infer.ts";

type Fold = (call: InferCall) => number[] | undefined;

const arithmetic =
  (compute: (a: number, b: number) => number): Fold => ({ numbers }) => {
    const [a, b] = [numbers(0), numbers(1)];
    if (a === undefined || b === undefined) return undefined;
    const length = a.length === 1 ? b.length : a.length;
    return Array.from(
      { length },
      (_, i) => compute(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]),
    );
  };

const kept: Fold = ({ numbers }) => numbers(0);

const FOLDS: Readonly<Record<string, Fold>> = {
  Shape: ({ node, inputs: [x] }) =>
    x?.shape.slice(intOf(node, "start", 0), intOf(node, "end", x.shape.length)),
  Identity: kept,
  Squeeze: kept,
  Unsqueeze: kept,
  Cast: kept,
  Concat({ inputs, numbers }) {
    const parts = inputs.map((_, i) => numbers(i));
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  },
  Gather({ inputs: [x], numbers }) {
    const [values, indices] = [numbers(0), numbers(1)];
    if (values === undefined || indices === undefined) return undefined;
    if (x?.shape.length !== 1) return undefined;
    return indices.map((i) => values.at(i)!);
  },
  Slice(call) {
    const values = call.numbers(0);
    if (values === undefined || call.inputs[0]?.shape.length !== 1) {
      return undefined;
    }
    const range = sliceRanges(call, [values.length]).get(0);
    return range &&
      Array.from(
        { length: range.length },
        (_, i) => values[range.start + i * range.step],
      );
  },
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => Math.trunc(a / b)),
  Max: arithmetic(Math.max),
  Min: arithmetic(Math.min),
};

/** The integers a node gives; undefined where they depend on the data. */
export function foldIntegers(call: InferCall): number[] | undefined {
  return call.node.domain === "" ? FOLDS[call.node.op]?.(call) : undefined;
}
