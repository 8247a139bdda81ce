/**
 * Half-precision compute: which nodes of a network run in 16 bits.
 *
 *   weights f32 → Cast → product in 16 bits → … → Cast → norm in f32 → …
 *
 * Products run in 16 bits; what moves, adds or multiplies elements follows the
 * type of what it is given; norms, softmax, sums, divisions and roots run in
 * f32. Where 16 and 32 bits meet the result has 32: a transformer's sum along
 * its blocks starts in f32 (position embeddings are weights) and stays so.
 * Gradients follow: the gradient of a Cast is a Cast.
 *
 * Source: Micikevicius et al. 2018, Mixed precision training (f32 weights, f32
 * sums, loss scale).
 *
 * @module
 */
import {
  cast,
  type GraphBuilder,
  isFloat,
  isHalf,
  NO_BF16_KERNEL,
  type Node,
  typeFor,
  typesOf,
  type Value,
} from "../../shared/graph/mod.ts";

/** Element type of products. */
export type Compute = "f32" | "f16" | "bf16";

/** Precisions, and the element type of products in each. */
export const COMPUTE = {
  fp32: "f32",
  fp16: "f16",
  bf16: "bf16",
} as const satisfies Record<string, Compute>;

/** Name of a precision. */
export type TrainPrecision = keyof typeof COMPUTE;

/** What is faster in 16 bits. */
const FASTER = "Conv ConvTranspose Gemm MatMul FusedMatMul MultiHeadAttention"
  .split(" ");

const productsIn = (compute: Compute) =>
  new Set(FASTER.filter((op) => typesOf(op).includes(compute)));

/** What runs in 16 bits: what is faster, and what ONNX has in the type. */
export const PRODUCTS: Readonly<Record<Compute, ReadonlySet<string>>> = {
  f32: new Set(),
  f16: productsIn("f16"),
  bf16: productsIn("bf16"),
};

/** What loses nothing, or one rounding, in the type of its inputs. */
const FOLLOWING = new Set(
  ("Add Sub Mul Neg Relu LeakyRelu PRelu Gelu Sigmoid Tanh HardSigmoid " +
    "HardSwish Clip Reshape Flatten Squeeze Unsqueeze Transpose Concat Split " +
    "Slice Pad Expand Tile Gather Where MaxPool AveragePool Resize " +
    "DepthToSpace SpaceToDepth Identity Dropout").split(" "),
);

/** What says its types itself. */
const FREE = new Set(["Cast", "Shape"]);

/** A node to be added. */
export interface TypedNode {
  readonly node: Node;
  readonly inputs: readonly (Value | null)[];
  readonly compute: Compute;
  /** Adds it with such inputs. */
  readonly make: (inputs: readonly (Value | null)[]) => readonly Value[];
}

/** Add a node in the precision that it is due. */
export function addTyped(
  g: GraphBuilder,
  { node, inputs, compute, make }: TypedNode,
): readonly Value[] {
  if (compute === "f32" || FREE.has(node.op)) return make(inputs);
  const feed = (dtype: Compute) =>
    make(
      inputs.map((x, i) =>
        // scales of a resizing are f32 in any case
        x && isFloat(x) && (i === 0 || node.op !== "Resize")
          ? cast(g, x, dtype)
          : x
      ),
    );
  if (PRODUCTS[compute].has(node.op)) return feed(compute);
  const given = inputs.filter((x) => x !== null);
  if (!given.some(isHalf)) return make(inputs);
  const isLacking = compute === "bf16" && NO_BF16_KERNEL.has(node.op);
  if (FOLLOWING.has(node.op) && !isLacking) {
    const own = node.op === "Resize" ? given.slice(0, 1) : given;
    // numbers adapt, tensors do not
    const isWide = own.some(({ dtype, shape }) =>
      dtype === "f32" && shape.length > 0
    );
    return feed(isWide ? "f32" : typeFor(node.op, compute));
  }
  const [first] = given;
  return feed("f32").map((y) =>
    isHalf(first) && y.dtype === "f32" ? cast(g, y, compute) : y
  );
}
