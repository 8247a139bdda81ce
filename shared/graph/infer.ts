/**
 * Shapes of a node's outputs, where those of its inputs are numbers.
 *
 * A graph file tells the shapes of its inputs and outputs only; what lies
 * between follows from them, operator by operator.
 *
 * One file although long: a table with an entry an operator.
 *
 * Source: ONNX operator set 20, and com.microsoft's of ONNX Runtime 1.30.
 *
 * @module
 */
import { ShapeError, UnsupportedFormatError } from "../errors.ts";
import { intOf, intsOf } from "./attributes.ts";
import type { Result } from "./builder.ts";
import { axisOf, broadcast } from "./shapes.ts";
import { countElements, type Dtype, DTYPES, type Node } from "./types.ts";

/** Type and shape in numbers. */
export interface Known {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A node whose inputs are known. */
export interface InferCall {
  readonly node: Node;
  /** Null where an optional input is left out. */
  readonly inputs: readonly (Known | null)[];
  /** Content of a constant input; undefined where it is left out. */
  readonly numbers: (input: number) => number[] | undefined;
}

type Inference = (
  call: InferCall,
  x: Known,
  rest: readonly (Known | null)[],
) => Known | readonly Known[];

const same: Inference = (_, x) => x;
const stretched: Inference = (_, x, rest) => ({
  dtype: x.dtype,
  shape: rest.reduce(
    (shape, other) => together(shape, other?.shape ?? []),
    x.shape,
  ),
});
const compared: Inference = (call, x, rest) => ({
  ...first(stretched(call, x, rest)),
  dtype: "bool",
});

const INFERENCES: Readonly<Record<string, Inference>> = {
  ...each(
    "Relu Gelu Sin Cos Sigmoid Softplus Tanh Exp Log Sqrt Neg Abs Sign Erf " +
      "Reciprocal Identity Softmax Clip LeakyRelu InstanceNormalization " +
      "GroupNormalization HardSigmoid HardSwish Mish Elu Not",
    same,
  ),
  // with their inference outputs only
  ...each("LayerNormalization BatchNormalization Dropout", same),
  ...each("Add Sub Mul Div Pow Max Min Sum", stretched),
  PRelu: same,
  ...each("Equal Greater Less GreaterOrEqual LessOrEqual And Or", compared),
  Where: (_, condition, [a, b]) => ({
    dtype: a?.dtype ?? "f32",
    shape: together(
      together(condition.shape, a?.shape ?? []),
      b?.shape ?? [],
    ),
  }),
  Cast: ({ node }, { shape }) => ({
    dtype: dtypeOf(intOf(node, "to", DTYPES.f32.code)),
    shape,
  }),
  Gemm: ({ node }, { dtype, shape }, [w]) => ({
    dtype,
    shape: [
      shape[intOf(node, "transA", 0)],
      edge(w, intOf(node, "transB", 0) === 1 ? 0 : 1),
    ],
  }),
  MatMul: (_, { dtype, shape }, [b]) => {
    const right = b?.shape ?? [];
    const batch = together(shape.slice(0, -2), right.slice(0, -2));
    return { dtype, shape: [...batch, ...shape.slice(-2, -1), right.at(-1)!] };
  },
  Conv: (call, { dtype, shape }, [w]) => ({
    dtype,
    shape: [shape[0], edge(w, 0), ...slide(call, shape, w?.shape.slice(2))],
  }),
  ConvTranspose: ({ node }, { dtype, shape }, [w]) => {
    const kernel = w?.shape.slice(2) ?? [];
    const strides = intsOf(node, "strides", kernel.map(() => 1));
    const pads = intsOf(node, "pads", kernel.flatMap(() => [0, 0]));
    const extra = intsOf(node, "output_padding", kernel.map(() => 0));
    const edges = kernel.map((k, i) =>
      (shape[2 + i] - 1) * strides[i] + k + extra[i] - pads[i] -
      pads[i + kernel.length]
    );
    const channels = edge(w, 1) * intOf(node, "group", 1);
    return { dtype, shape: [shape[0], channels, ...edges] };
  },
  ...each(
    "MaxPool AveragePool",
    (call, { dtype, shape }) => ({
      dtype,
      shape: [...shape.slice(0, 2), ...slide(call, shape)],
    }),
  ),
  GlobalAveragePool: (_, { dtype, shape }) => ({
    dtype,
    shape: shape.map((dim, i) => i < 2 ? dim : 1),
  }),
  Flatten: ({ node }, { dtype, shape }) => {
    const axis = intOf(node, "axis", 1);
    const at = axis < 0 ? axis + shape.length : axis;
    return {
      dtype,
      shape: [
        countElements(shape.slice(0, at)),
        countElements(shape.slice(at)),
      ],
    };
  },
  ...each(
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 " +
      "ReduceSumSquare",
    ({ node, numbers }, { dtype, shape }) => {
      const axes = (numbers(1) ?? [...shape.keys()])
        .map((axis) => axisOf(shape, axis));
      return {
        dtype,
        shape: intOf(node, "keepdims", 1) === 1
          ? shape.map((dim, i) => axes.includes(i) ? 1 : dim)
          : shape.filter((_, i) => !axes.includes(i)),
      };
    },
  ),
  "com.microsoft:MultiHeadAttention": (_, { dtype, shape }, [, value]) => ({
    dtype,
    shape: [...shape.slice(0, 2), edge(value, 2)],
  }),
  "com.microsoft:FusedMatMul": ({ node }, { dtype, shape }, [b]) => {
    const turn = (edges: readonly number[], name: string) =>
      intOf(node, name, 0) === 1
        ? [...edges.slice(0, -2), edges.at(-1)!, edges.at(-2)!]
        : edges;
    const left = turn(shape, "transA");
    const right = turn(b?.shape ?? [], "transB");
    const batch = together(left.slice(0, -2), right.slice(0, -2));
    return { dtype, shape: [...batch, left.at(-2)!, right.at(-1)!] };
  },
  Reshape: ({ node, numbers }, { dtype, shape }) => {
    const isZeroKept = intOf(node, "allowzero", 0) === 1;
    const edges = need(node, numbers(1))
      .map((dim, i) => dim === 0 && !isZeroKept ? shape[i] : dim);
    const rest = countElements(edges.filter((dim) => dim !== -1));
    const missing = countElements(shape) / rest;
    return { dtype, shape: edges.map((dim) => dim === -1 ? missing : dim) };
  },
  Transpose: ({ node }, { dtype, shape }) => ({
    dtype,
    shape: intsOf(node, "perm", [...shape.keys()].reverse())
      .map((axis) => shape[axis]),
  }),
  Concat: ({ node }, { dtype, shape }, rest) => {
    const at = axisOf(shape, intOf(node, "axis", 0));
    const total = rest.reduce((sum, x) => sum + edge(x, at), shape[at]);
    return { dtype, shape: shape.map((dim, i) => i === at ? total : dim) };
  },
  Split: ({ node, numbers }, { dtype, shape }) => {
    const at = axisOf(shape, intOf(node, "axis", 0));
    const count = node.outputs.length;
    const step = Math.ceil(shape[at] / count);
    const lengths = numbers(1) ??
      node.outputs.map((_, i) =>
        i < count - 1 ? step : shape[at] - step * (count - 1)
      );
    return lengths.map((length) => ({
      dtype,
      shape: shape.map((dim, i) => i === at ? length : dim),
    }));
  },
  Slice: (call, { dtype, shape }) => {
    const ranges = sliceRanges(call, shape);
    return {
      dtype,
      shape: shape.map((dim, i) => ranges.get(i)?.length ?? dim),
    };
  },
  Pad: ({ node, numbers }, { dtype, shape }) => {
    const pads = need(node, numbers(1));
    const axes = numbers(3) ?? [...shape.keys()];
    const edges = [...shape];
    axes.forEach((axis, i) => {
      edges[axisOf(shape, axis)] += pads[i] + pads[i + axes.length];
    });
    return { dtype, shape: edges };
  },
  Expand: ({ node, numbers }, { dtype, shape }) => ({
    dtype,
    shape: together(shape, need(node, numbers(1))),
  }),
  Tile: ({ node, numbers }, { dtype, shape }) => {
    const times = need(node, numbers(1));
    return { dtype, shape: shape.map((dim, i) => dim * times[i]) };
  },
  Gather: ({ node }, { dtype, shape }, [indices]) => {
    const at = axisOf(shape, intOf(node, "axis", 0));
    return {
      dtype,
      shape: [
        ...shape.slice(0, at),
        ...indices?.shape ?? [],
        ...shape.slice(at + 1),
      ],
    };
  },
  Shape: ({ node }, { shape }) => ({
    dtype: "i64",
    shape: [
      shape.slice(
        intOf(node, "start", 0),
        intOf(node, "end", shape.length),
      ).length,
    ],
  }),
  Range: ({ node, numbers }, { dtype }) => {
    const [start] = need(node, numbers(0));
    const [limit] = need(node, numbers(1));
    const [step] = need(node, numbers(2));
    return { dtype, shape: [Math.max(0, Math.ceil((limit - start) / step))] };
  },
  Resize: ({ node, numbers }, { dtype, shape }) => {
    const sizes = numbers(3);
    if (sizes !== undefined) return { dtype, shape: sizes };
    const scales = need(node, numbers(2));
    return { dtype, shape: shape.map((dim, i) => Math.floor(dim * scales[i])) };
  },
  Squeeze: ({ numbers }, { dtype, shape }) => {
    const axes = numbers(1)?.map((axis) => axisOf(shape, axis));
    return {
      dtype,
      shape: shape.filter((dim, i) => axes ? !axes.includes(i) : dim !== 1),
    };
  },
  Unsqueeze: ({ node, numbers }, { dtype, shape }) => {
    const axes = need(node, numbers(1));
    const rank = shape.length + axes.length;
    const added = axes.map((axis) => axis < 0 ? axis + rank : axis);
    const edges = [...shape];
    for (const axis of added.sort((a, b) => a - b)) edges.splice(axis, 0, 1);
    return { dtype, shape: edges };
  },
  DepthToSpace: ({ node }, { dtype, shape: [n, c, h, w] }) => {
    const block = intOf(node, "blocksize", 1);
    return { dtype, shape: [n, c / block ** 2, h * block, w * block] };
  },
  SpaceToDepth: ({ node }, { dtype, shape: [n, c, h, w] }) => {
    const block = intOf(node, "blocksize", 1);
    return { dtype, shape: [n, c * block ** 2, h / block, w / block] };
  },
};

/**
 * Types and shapes of a node's outputs.
 *
 * @throws {UnsupportedFormatError} for an operator that is not in the table
 * @throws {ShapeError} if the inputs do not fit each other
 */
export function inferShapes(call: InferCall): readonly Result[] {
  const { op, domain } = call.node;
  const inference = INFERENCES[domain === "" ? op : `${domain}:${op}`];
  const [x, ...rest] = call.inputs;
  if (inference === undefined || !x) {
    throw new UnsupportedFormatError(
      `operator ${op}`,
      Object.keys(INFERENCES),
    );
  }
  const results = inference(call, x, rest);
  return "dtype" in results ? [results] : results;
}

/** What a Slice takes of each axis it names. */
export function sliceRanges(
  { node, numbers }: Pick<InferCall, "node" | "numbers">,
  shape: readonly number[],
): Map<number, { start: number; step: number; length: number }> {
  const starts = need(node, numbers(1));
  const ends = need(node, numbers(2));
  const axes = numbers(3) ?? [...starts.keys()];
  const steps = numbers(4) ?? starts.map(() => 1);
  return new Map(axes.map((axis, i) => {
    const at = axisOf(shape, axis);
    const size = shape[at];
    const step = steps[i];
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (x: number) =>
      Math.min(Math.max(x < 0 ? x + size : x, low), high);
    const start = Math.max(clamp(starts[i]), 0);
    const length = Math.max(0, Math.ceil((clamp(ends[i]) - start) / step));
    return [at, { start, step, length }];
  }));
}

/** Edges of a window's positions. */
function slide(
  { node }: InferCall,
  shape: readonly number[],
  weightKernel?: readonly number[],
): number[] {
  const kernel = intsOf(node, "kernel_shape", weightKernel ?? []);
  const strides = intsOf(node, "strides", kernel.map(() => 1));
  const pads = intsOf(node, "pads", kernel.flatMap(() => [0, 0]));
  const dilations = intsOf(node, "dilations", kernel.map(() => 1));
  const round = intOf(node, "ceil_mode", 0) === 1 ? Math.ceil : Math.floor;
  return kernel.map((k, i) => {
    const room = shape[2 + i] + pads[i] + pads[i + kernel.length] -
      (dilations[i] * (k - 1) + 1);
    return round(room / strides[i]) + 1;
  });
}

function each(ops: string, inference: Inference): Record<string, Inference> {
  return Object.fromEntries(ops.split(" ").map((op) => [op, inference]));
}

function first(results: Known | readonly Known[]): Known {
  return "dtype" in results ? results : results[0];
}

function together(
  a: readonly number[],
  b: readonly number[],
): readonly number[] {
  return broadcast(a, b).map(Number);
}

function edge(x: Known | null | undefined, axis: number): number {
  return x?.shape[axis] ?? 0;
}

function dtypeOf(code: number): Dtype {
  const found = Object.entries(DTYPES).find(([, type]) => type.code === code);
  if (found === undefined) throw new ShapeError("dtype", `code ${code}`);
  return found[0] as Dtype;
}

function need(node: Node, numbers: number[] | undefined): number[] {
  if (numbers) return numbers;
  throw new ShapeError(
    node.op,
    `${node.outputs[0]} depends on a shape that is not a constant`,
  );
}
