/**
 * Which floating types an operator takes: the one place where that is decided.
 *
 * Source: ONNX 1.16, Operators.md, type constraints of operator set 20, the one
 * that graphs are written in; of `com.microsoft`, ONNX Runtime 1.30's
 * ContribOperators.md. A test asks the `onnx` package for the same.
 *
 * @module
 */
import type { Dtype } from "./types.ts";

const words = (text: string) => text.split(" ");

/** Operators of the project's graphs, by the floating types of their inputs. */
const OPERATORS = {
  every: words(
    "Abs Add BatchNormalization Cast Clip Concat DepthToSpace Div Dropout " +
      "Equal Erf Exp Expand Flatten Gather Gelu Gemm Greater GreaterOrEqual " +
      "Identity IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log " +
      "Loop MatMul Max Min Mul Neg Pad Pow PRelu Reciprocal ReduceL2 " +
      "ReduceMax ReduceMean ReduceSum Relu Reshape Resize Scan " +
      "ScatterElements Shape Sigmoid Sign Slice Softmax SpaceToDepth Split " +
      "Sqrt Squeeze Sub Sum Tanh Tile Transpose Unsqueeze Where " +
      "FusedMatMul MultiHeadAttention",
  ),
  // bf16 came with set 22
  notBf16: words(
    "AveragePool Conv ConvTranspose Cos GlobalAveragePool HardSigmoid " +
      "HardSwish InstanceNormalization MaxPool MaxUnpool Sin Softplus",
  ),
  f32: words("DynamicQuantizeMatMul Range"),
};

const TYPES: ReadonlyMap<string, readonly Dtype[]> = new Map(
  ([
    ["every", ["f32", "f16", "bf16"]],
    ["notBf16", ["f32", "f16"]],
    ["f32", ["f32"]],
  ] as const).flatMap(([group, types]) =>
    OPERATORS[group].map((op) => [op, types] as const)
  ),
);

/** The operators known here. */
export const KNOWN_OPERATORS: readonly string[] = [...TYPES.keys()];

/**
 * Floating types that an operator takes.
 *
 * @returns  f32 alone for an operator that is not known here
 */
export function typesOf(op: string): readonly Dtype[] {
  return TYPES.get(op) ?? ["f32"];
}

/** The type wanted of an operator, or f32 where it does not take that one. */
export function typeFor<Wanted extends Dtype>(
  op: string,
  wanted: Wanted,
): Wanted | "f32" {
  return typesOf(op).includes(wanted) ? wanted : "f32";
}

/**
 * What ONNX has in bf16, and ONNX Runtime 1.30 on no provider, CUDA included:
 * asked of it one node at a time, on an H100.
 */
export const NO_BF16_KERNEL: ReadonlySet<string> = new Set(
  words("DepthToSpace SpaceToDepth Pad Resize"),
);
