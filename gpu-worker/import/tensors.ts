/**
 * Named tensors of a checkpoint, read when they are needed.
 *
 * @module
 */
import { countElements, type Dtype, DTYPES } from "../../shared/graph/mod.ts";

/** A tensor that is still in its file. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian bytes, C order; a copy. */
  read(): Uint8Array;
}

/** Tensors by name, in the file's order. */
export type Tensors = ReadonlyMap<string, Tensor>;

/**
 * Put strided elements in C order.
 *
 * @param bytes  elements from the tensor's first to its last
 */
export function gather(
  bytes: Uint8Array,
  { dtype, shape, strides }: {
    dtype: Dtype;
    shape: readonly number[];
    strides: readonly number[];
  },
): Uint8Array {
  const size = DTYPES[dtype].bytes;
  const count = countElements(shape);
  const out = new Uint8Array(count * size);
  const at = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < size; byte++) {
      out[i * size + byte] = bytes[from * size + byte];
    }
    // count up the last axis first
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return out;
}

/** True where the strides are those of C order; edges of 1 have none. */
export function isRowOrder(
  shape: readonly number[],
  strides: readonly number[],
): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}
