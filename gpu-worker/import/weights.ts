/**
 * A checkpoint's tensors as the weights of a network: shapes are checked,
 * element types changed, and what nothing asked for is known at the end.
 *
 * @module
 */
import { ShapeError } from "../../shared/errors.ts";
import {
  type Constant,
  countElements,
  type Dtype,
  fromFloat32,
  spellShape,
  toFloat32,
} from "../../shared/graph/mod.ts";
import type { Tensor, Tensors } from "./tensors.ts";

/** A wanted shape; null fits any edge. */
export type WantedShape = readonly (number | null)[];

/** Tensors by name, with what has been asked for. */
export interface Weights {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** Shape of a tensor as it is; null where it is missing. */
  peek(name: string): readonly number[] | null;
  /**
   * Shape of a tensor.
   *
   * @throws {ShapeError} if the tensor is missing or does not fit
   */
  shape(name: string, wanted: WantedShape): number[];
  /** Number of modules `prefix.0`, `prefix.1`, … without a gap. */
  count(prefix: string): number;
  /** Values as f32. */
  floats(name: string, wanted: WantedShape): Float32Array;
  /** A tensor as a constant of a graph, read when the graph is written. */
  constant(name: string, wanted: WantedShape, dtype: Dtype): Constant;
  /** Names that nothing asked for. */
  unused(): string[];
}

/** Treat tensors as weights. */
export function openWeights(tensors: Tensors): Weights {
  const used = new Set<string>();
  const names = [...tensors.keys()];

  function find(name: string, wanted: WantedShape): Tensor {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      throw new ShapeError(name, "is missing from the checkpoint");
    }
    const { shape } = tensor;
    const fits = shape.length === wanted.length &&
      wanted.every((edge, i) => edge === null || edge === shape[i]);
    if (!fits) {
      throw new ShapeError(
        name,
        `is ${spellShape(shape)}, the rest of the network needs ${
          spellShape(wanted.map((edge) => edge ?? "?"))
        }`,
      );
    }
    used.add(name);
    return tensor;
  }

  return {
    names,
    has: (name) => tensors.has(name),
    peek: (name) => tensors.get(name)?.shape ?? null,
    shape: (name, wanted) => [...find(name, wanted).shape],
    count(prefix) {
      let count = 0;
      while (names.some((name) => name.startsWith(`${prefix}.${count}.`))) {
        count++;
      }
      return count;
    },
    floats(name, wanted) {
      const tensor = find(name, wanted);
      return toFloat32(tensor.read(), tensor.dtype);
    },
    constant(name, wanted, dtype) {
      const tensor = find(name, wanted);
      return {
        dtype,
        shape: tensor.shape,
        read: () =>
          tensor.dtype === dtype
            ? tensor.read()
            : fromFloat32(toFloat32(tensor.read(), tensor.dtype), dtype),
      };
    },
    unused: () =>
      names.filter((name) =>
        // a counter of training, in no network's output
        !used.has(name) && !name.endsWith(".num_batches_tracked")
      ),
  };
}

/** The same elements in another shape. */
export function reshaped(
  constant: Constant,
  shape: readonly number[],
): Constant {
  if (countElements(shape) !== countElements(constant.shape)) {
    throw new ShapeError(
      "shape",
      `${spellShape(constant.shape)} is not ${spellShape(shape)}`,
    );
  }
  return { ...constant, shape };
}

/** Rows `start` to `end` (exclusive) of the first axis. */
export function rows(
  constant: Constant,
  [start, end]: readonly [number, number],
): Constant {
  const [count, ...rest] = constant.shape;
  return {
    dtype: constant.dtype,
    shape: [end - start, ...rest],
    read() {
      const bytes = constant.read();
      const row = bytes.length / count;
      return bytes.subarray(start * row, end * row);
    },
  };
}

/** f32 values as a constant of any floating type. */
export function fromValues(
  values: Float32Array,
  shape: readonly number[],
  dtype: Dtype,
): Constant {
  return { dtype, shape, read: () => fromFloat32(values, dtype) };
}
