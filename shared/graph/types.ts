/**
 * What a graph is made of: values, nodes, constants.
 *
 * @module
 */

/** Element types, by ONNX's TensorProto.DataType number. */
export const DTYPES = {
  f32: { code: 1, bytes: 4 },
  u8: { code: 2, bytes: 1 },
  i8: { code: 3, bytes: 1 },
  u16: { code: 4, bytes: 2 },
  i16: { code: 5, bytes: 2 },
  i32: { code: 6, bytes: 4 },
  i64: { code: 7, bytes: 8 },
  bool: { code: 9, bytes: 1 },
  f16: { code: 10, bytes: 2 },
  f64: { code: 11, bytes: 8 },
  u32: { code: 12, bytes: 4 },
  u64: { code: 13, bytes: 8 },
  bf16: { code: 16, bytes: 2 },
} as const;

/** Element type of a value. */
export type Dtype = keyof typeof DTYPES;

/** An edge: a number, or a name for one known at run time, such as "n". */
export type Dim = number | string;

/** A tensor that flows through the graph. */
export interface Value {
  readonly name: string;
  readonly dtype: Dtype;
  /** Slowest axis first; empty for a scalar. */
  readonly shape: readonly Dim[];
}

/** A tensor known when the graph is built. */
export interface Constant {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian bytes, C order; called once a writing, not kept. */
  read(): Uint8Array;
}

/** A constant under its name in the graph. */
export interface Initializer extends Constant {
  readonly name: string;
}

/** An attribute of a node, by its ONNX type. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly graph: Graph };

/** One operation. */
export interface Node {
  readonly op: string;
  /** "" for ONNX's own operators, "com.microsoft" for the runtime's. */
  readonly domain: string;
  /** "" stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A finished graph: nodes in an order in which they can run. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
}

/** Whether a value holds f32 or half-precision numbers. */
export function isFloat({ dtype }: { dtype: Dtype }): boolean {
  return dtype === "f32" || isHalf({ dtype });
}

/** Whether a value holds numbers of 16 bits, f16 or bf16. */
export function isHalf({ dtype }: { dtype: Dtype }): boolean {
  return dtype === "f16" || dtype === "bf16";
}

/** Number of elements of a constant's shape. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Number of bytes of a constant. */
export function countBytes(
  { dtype, shape }: { dtype: Dtype; shape: readonly number[] },
): number {
  return countElements(shape) * DTYPES[dtype].bytes;
}
