/** Tensors of 64-bit floats: slow, plain, what gradients are compared with. */
import { fail } from "node:assert/strict";

/** C order. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** A tensor filled by its index. */
export function fill(
  shape: readonly number[],
  value: (index: readonly number[]) => number,
): Tensor64 {
  const data = new Float64Array(size(shape));
  eachIndex(shape, (index, at) => data[at] = value(index));
  return { shape, data };
}

/** Every index of a shape, in C order. */
export function eachIndex(
  shape: readonly number[],
  visit: (index: readonly number[], at: number) => void,
): void {
  const index = shape.map(() => 0);
  const count = size(shape);
  for (let at = 0; at < count; at++) {
    visit(index, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]++;
      if (index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** The element at an index. */
export function at(x: Tensor64, index: readonly number[]): number {
  let place = 0;
  x.shape.forEach((edge, axis) => place = place * edge + index[axis]);
  return x.data[place];
}

/** The element at an index, 0 outside. */
export function atOrZero(x: Tensor64, index: readonly number[]): number {
  const isInside = index.every((i, axis) => i >= 0 && i < x.shape[axis]);
  return isInside ? at(x, index) : 0;
}

/** The element of a tensor that is broadcast to the index's shape. */
export function stretched(x: Tensor64, index: readonly number[]): number {
  const lead = index.length - x.shape.length;
  return at(
    x,
    x.shape.map((edge, axis) => edge === 1 ? 0 : index[axis + lead]),
  );
}

/** Shape to which all broadcast. */
export function together(tensors: readonly Tensor64[]): number[] {
  const rank = Math.max(...tensors.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(
      ...tensors.map(({ shape }) => shape[axis - rank + shape.length] ?? 1),
    ));
}

export function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Compare, naming the worst element. */
export function expectClose(
  name: string,
  found: Tensor64,
  wanted: Tensor64,
  tolerance: number,
): void {
  if (`${found.shape}` !== `${wanted.shape}`) {
    fail(`${name} is ${found.shape}, not ${wanted.shape}`);
  }
  const largest = wanted.data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  let worst = 0;
  wanted.data.forEach((x, i) => {
    const off = Math.abs(x - found.data[i]);
    if (!(off <= Math.abs(wanted.data[worst] - found.data[worst]))) worst = i;
  });
  const off = Math.abs(wanted.data[worst] - found.data[worst]);
  if (!(off <= tolerance * Math.max(largest, 1e-6))) {
    fail(
      `${name} ${wanted.shape} is off by ${off} at ${worst} (largest ${largest}): ` +
        [...wanted.data.slice(0, 5)].map((x, i) => `${x} ${found.data[i]}`)
          .join(", "),
    );
  }
}
