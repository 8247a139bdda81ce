/**
 * Gradients of the operators of convolutional networks. One file although
 * long: a list with a case an operator.
 */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { differentiate } from "../../gpu-worker/train/differentiate.ts";
import {
  sigmoid,
  silu,
  softplus,
  tanh,
} from "../../gpu-worker/train/gradients/activation.ts";
import { batchNormTraining } from "../../gpu-worker/train/gradients/batch_norm.ts";
import {
  absolute,
  exponential,
  logarithm,
  negate,
  reciprocal,
  squareRoot,
} from "../../gpu-worker/train/gradients/elementwise.ts";
import {
  averagePool,
  upsampleLinear,
} from "../../gpu-worker/train/gradients/pool_resize.ts";
import { meanOver } from "../../gpu-worker/train/gradients/reduce.ts";
import { depthToSpace } from "../../gpu-worker/train/gradients/shape.ts";
import {
  add,
  batchNorm,
  buildGraph,
  channelMeans,
  concat,
  conv,
  convTranspose,
  cosine,
  divide,
  expand,
  lengthAlong,
  maxPool2,
  multiply,
  padEnd,
  relu,
  reshape,
  sine,
  slice,
  subtract,
  transpose,
  upsampleNearest,
  type Value,
} from "../../shared/graph/mod.ts";
import {
  type Build,
  expectGradients,
  scattered,
  toBytes,
} from "./gradients.ts";

type Case = {
  name: string;
  build: Build;
  inputs: Parameters<typeof expectGradients>[1];
};

const positive = (shape: readonly number[], seed: number) => {
  const { data } = scattered(shape, seed);
  return { shape, data: data.map((x) => Math.abs(x) + 0.1) };
};

/** A node with attributes of its own. */
const node = (
  op: string,
  shape: readonly number[],
  ints: Record<string, readonly number[]>,
  group = 1,
): Build =>
(g, inputs) =>
  g.node(op, inputs, { dtype: "f32", shape }, {
    attributes: {
      ...Object.fromEntries(
        Object.entries(ints).map(([key, list]) => [key, { ints: list }]),
      ),
      group: { int: group },
    },
  });

const CASES: Case[] = [
  ...[
    { name: "add()", of: add },
    { name: "subtract()", of: subtract },
    { name: "multiply()", of: multiply },
    { name: "divide()", of: divide },
  ].flatMap(({ name, of }): Case[] => {
    const build: Build = (g, [a, b]) => of(g, a, b);
    return [
      { name, build, inputs: [[2, 3], [2, 3]] },
      { name: `${name}, broadcast`, build, inputs: [[2, 3, 4], [3, 1]] },
      { name: `${name}, both broadcast`, build, inputs: [[2, 1, 4], [3, 1]] },
    ];
  }),
  ...[
    { name: "negate()", of: negate },
    { name: "absolute()", of: absolute },
    { name: "exponential()", of: exponential },
    { name: "reciprocal()", of: reciprocal },
    { name: "sine()", of: sine },
    { name: "cosine()", of: cosine },
    { name: "relu()", of: relu },
    { name: "sigmoid()", of: sigmoid },
    { name: "silu()", of: silu },
    { name: "softplus()", of: softplus },
    { name: "tanh()", of: tanh },
  ].map(({ name, of }): Case => ({
    name,
    build: (g, [x]) => of(g, x),
    inputs: [[2, 7]],
  })),
  {
    name: "logarithm()",
    build: (g, [x]) => logarithm(g, x),
    inputs: [positive([5], 1)],
  },
  {
    name: "squareRoot()",
    build: (g, [x]) => squareRoot(g, x),
    inputs: [positive([5], 1)],
  },
  {
    name: "where()",
    build: (g, [a, b]) =>
      g.node("Where", [
        g.node("Greater", [a, b], { dtype: "bool", shape: [2, 3] }),
        a,
        b,
      ], { dtype: "f32", shape: [2, 3] }),
    inputs: [[2, 3], [3]],
  },
  ...[
    { edge: 3, padding: 1, x: [2, 2, 4, 5], outer: 3 },
    { edge: 3, padding: 0, x: [1, 2, 5, 4], outer: 2 },
    { edge: 1, padding: 0, x: [2, 3, 4, 4], outer: 2 },
    // few planes on one side: the other one is moved
    { edge: 3, padding: 1, x: [1, 1, 5, 5], outer: 6 },
    { edge: 3, padding: 1, x: [1, 7, 4, 4], outer: 1 },
    { edge: 5, padding: 2, x: [1, 1, 6, 5], outer: 2 },
    // even kernels, such as patches
    { edge: 2, padding: 0, x: [1, 2, 5, 5], outer: 3 },
    { edge: 3, padding: 1, stride: 2, x: [2, 2, 6, 5], outer: 3 },
    { edge: 4, padding: 0, stride: 4, x: [1, 2, 8, 8], outer: 3 },
    { edge: 3, padding: 0, stride: 2, x: [1, 2, 8, 6], outer: 2 },
    // padded beyond the kernel's reach
    { edge: 1, padding: 1, x: [1, 2, 3, 3], outer: 2 },
  ].map(({ edge, padding, stride = 1, x, outer }): Case => ({
    name: `conv() ${edge}×${edge}, padding ${padding}, stride ${stride}, ${x}`,
    build: (g, [x, weight, bias]) =>
      conv(g, x, { weight, bias, padding, stride }),
    inputs: [x, [outer, x[1], edge, edge], [outer]],
  })),
  {
    name: "Conv with dilation",
    build: node("Conv", [1, 3, 4, 5], {
      dilations: [2, 1],
      pads: [1, 1, 1, 1],
    }),
    inputs: [[1, 2, 6, 5], [3, 2, 3, 3]],
  },
  {
    name: "Conv in groups",
    build: node("Conv", [2, 6, 4, 4], { pads: [1, 1, 1, 1] }, 2),
    inputs: [[2, 4, 4, 4], [6, 2, 3, 3]],
  },
  {
    name: "Conv by depth, with a stride",
    build: node("Conv", [1, 4, 3, 3], {
      pads: [1, 1, 1, 1],
      strides: [2, 2],
    }, 4),
    inputs: [[1, 4, 5, 5], [4, 1, 3, 3]],
  },
  // columns moved within a map, by more than one, unevenly, or too far for it
  ...[
    { kernel: [3, 5], pads: [1, 2, 1, 2], x: [2, 2, 4, 5] },
    { kernel: [2, 2], pads: [1, 1, 0, 0], x: [2, 2, 3, 4] },
    { kernel: [2, 2], pads: [0, 1, 1, 0], x: [2, 2, 3, 4] },
    { kernel: [3, 3], pads: [1, 1, 1, 1], x: [1, 2, 3, 1] },
    { kernel: [3, 5], pads: [1, 2, 1, 2], x: [1, 2, 3, 1] },
  ].map(({ kernel: [rows, columns], pads, x }): Case => ({
    name: `Conv ${rows}×${columns}, padding ${pads}, ${x}`,
    build: node("Conv", [
      x[0],
      2,
      x[2] + pads[0] + pads[2] + 1 - rows,
      x[3] + pads[1] + pads[3] + 1 - columns,
    ], { pads }),
    inputs: [x, [2, 2, rows, columns]],
  })),
  // more images than are added one by one
  {
    name: "Conv of 17 images",
    build: node("Conv", [17, 2, 3, 3], { pads: [1, 1, 1, 1] }),
    inputs: [[17, 1, 3, 3], [2, 1, 3, 3]],
  },
  {
    name: "Conv padded on two sides only",
    build: node("Conv", [1, 2, 4, 4], { pads: [0, 0, 2, 2] }),
    inputs: [[1, 2, 4, 4], [2, 2, 3, 3]],
  },
  {
    name: "convTranspose()",
    build: (g, [x, weight, bias]) => convTranspose(g, x, { weight, bias }),
    inputs: [[2, 3, 3, 4], [3, 2, 2, 2], [2]],
  },
  {
    name: "ConvTranspose with overlap",
    build: node("ConvTranspose", [1, 2, 7, 7], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    inputs: [[1, 3, 4, 4], [3, 2, 3, 3]],
  },
  {
    name: "batchNorm() of recorded statistics",
    build: (g, [x, scale, shift]) =>
      batchNorm(g, x, {
        scale,
        shift,
        mean: g.constant("mean", {
          dtype: "f32",
          shape: [3],
          read: () => new Uint8Array(Float32Array.of(0.1, -0.2, 0.3).buffer),
        }),
        variance: g.constant("variance", {
          dtype: "f32",
          shape: [3],
          read: () => new Uint8Array(Float32Array.of(0.5, 1, 2).buffer),
        }),
        epsilon: 1e-3,
      }),
    inputs: [[2, 3, 4, 2], [3], [3]],
  },
  {
    name: "maxPool2()",
    build: (g, [x]) => maxPool2(g, x),
    inputs: [[2, 2, 4, 6]],
  },
  {
    name: "MaxPool of 2×3",
    build: (g, [x]) =>
      g.node("MaxPool", [x], { dtype: "f32", shape: [2, 2, 2, 2] }, {
        attributes: {
          kernel_shape: { ints: [2, 3] },
          strides: { ints: [2, 3] },
        },
      }),
    inputs: [[2, 2, 4, 6]],
  },
  {
    name: "averagePool()",
    build: (g, [x]) => averagePool(g, x, [2, 3]),
    inputs: [[2, 2, 4, 6]],
  },
  {
    name: "channelMeans()",
    build: (g, [x]) => channelMeans(g, x),
    inputs: [[2, 3, 4, 5]],
  },
  {
    name: "upsampleNearest()",
    build: (g, [x]) => upsampleNearest(g, x),
    inputs: [[2, 3, 2, 3]],
  },
  {
    name: "upsampleLinear()",
    build: (g, [x]) => upsampleLinear(g, x),
    inputs: [[2, 3, 2, 3]],
  },
  {
    name: "Resize to aligned corners",
    build: (g, [x]) =>
      g.node(
        "Resize",
        [
          x,
          null,
          g.constant("scales", {
            dtype: "f32",
            shape: [4],
            read: () => new Uint8Array(Float32Array.of(1, 1, 2, 2).buffer),
          }),
        ],
        { dtype: "f32", shape: [1, 2, 6, 8] },
        {
          attributes: {
            mode: { text: "linear" },
            coordinate_transformation_mode: { text: "align_corners" },
          },
        },
      ),
    inputs: [[1, 2, 3, 4]],
  },
  {
    name: "depthToSpace()",
    build: (g, [x]) => depthToSpace(g, x, 2),
    inputs: [[2, 8, 3, 2]],
  },
  ...["DepthToSpace", "SpaceToDepth"].map((op): Case => ({
    name: op,
    build: (g, [x]) =>
      g.node(op, [x], {
        dtype: "f32",
        shape: op === "DepthToSpace" ? [1, 2, 4, 8] : [1, 32, 1, 2],
      }, { attributes: { blocksize: { int: 2 } } }),
    inputs: [[1, 8, 2, 4]],
  })),
  {
    name: "concat()",
    build: (g, parts) => concat(g, parts, 1),
    inputs: [[2, 3, 2], [2, 1, 2], [2, 2, 2]],
  },
  {
    name: "slice()",
    build: (g, [x]) => slice(g, x, { axis: 1, start: 1, end: 3 }),
    inputs: [[2, 4, 3]],
  },
  {
    name: "slice() from the end",
    build: (g, [x]) =>
      g.node("Slice", [
        x,
        g.ints([-2, 1]),
        g.ints([Number.MAX_SAFE_INTEGER, -1]),
        g.ints([-1, 0]),
      ], { dtype: "f32", shape: [1, 2] }),
    inputs: [[3, 5]],
  },
  {
    name: "padEnd()",
    build: (g, [x]) => padEnd(g, x, [0, 1, 2]),
    inputs: [[2, 3, 2]],
  },
  {
    name: "transpose() and reshape()",
    build: (g, [x]) => reshape(g, transpose(g, x, [2, 0, 1]), [4, 6]),
    inputs: [[2, 3, 4]],
  },
  {
    name: "expand()",
    build: (g, [x]) =>
      expand(g, x, { edges: g.ints([2, 3, 4]), shape: [2, 3, 4] }),
    inputs: [[3, 1]],
  },
  {
    name: "Split, one part unused",
    build: (g, [x]) => {
      const [a, , c] = g.nodes("Split", [x, g.ints([1, 2, 1])], [
        { dtype: "f32", shape: [2, 1] },
        { dtype: "f32", shape: [2, 2] },
        { dtype: "f32", shape: [2, 1] },
      ], { attributes: { axis: { int: 1 } } });
      return multiply(g, a, c);
    },
    inputs: [[2, 4]],
  },
  {
    name: "lengthAlong()",
    build: (g, [x]) => lengthAlong(g, x, 1),
    inputs: [[2, 3, 2]],
  },
  {
    name: "meanOver()",
    build: (g, [x]) => meanOver(g, x, [0, 2]),
    inputs: [[2, 3, 4]],
  },
  ...["ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL2"].map((
    op,
  ): Case => ({
    name: `${op} without its axis`,
    build: (g, [x]) =>
      g.node(op, [x, g.ints([-1])], { dtype: "f32", shape: [2, 3] }, {
        attributes: { keepdims: { int: 0 } },
      }),
    inputs: [[2, 3, 4]],
  })),
  {
    name: "a value that is used twice",
    build: (g, [x, w]) => {
      const y = conv(g, x, { weight: w, padding: 1 });
      return add(g, multiply(g, y, sigmoid(g, y)), x);
    },
    inputs: [[1, 2, 3, 3], [2, 2, 3, 3]],
  },
];

for (const { name, build, inputs } of CASES) {
  test(`differentiate() ${name}`, () => expectGradients(build, inputs));
}

/** Batch norm by its definition, of plain operators. */
const plainNorm: Build = (g, [x, scale, shift]) => {
  const mean = meanOver(g, x, [0, 2, 3]);
  const centered = subtract(g, x, mean);
  const variance = meanOver(g, multiply(g, centered, centered), [0, 2, 3]);
  const spread = squareRoot(g, add(g, variance, g.float(1e-3)));
  const lift = (v: Value) => reshape(g, v, [1, 3, 1, 1]);
  return add(
    g,
    multiply(g, divide(g, centered, spread), lift(scale)),
    lift(shift),
  );
};

test("differentiate() batch norm of plain operators", () =>
  expectGradients(plainNorm, [[2, 3, 4, 2], [3], [3]]));

test("batchNormTraining() has the gradients of its definition", () =>
  expectGradients(
    (g, [x, scale, shift]) =>
      batchNormTraining(g, x, {
        scale,
        shift,
        mean: scale,
        variance: shift,
        epsilon: 1e-3,
      }).y,
    [[2, 3, 4, 2], [3], [3]],
    plainNorm,
  ));

test("differentiate() gives a pool's gradient to the first of equals", async () => {
  // in one block all are equal, in one the last of a row and the first of the
  // next, in one those of the last row, below 0
  const shape = [1, 1, 2, 6];
  const data = [1, 1, 2, 3, -7, -9, 1, 1, 3, 0, -5, -5];
  const g = buildGraph("equal");
  const x = g.input("x", "f32", shape);
  const loss = g.node("ReduceSum", [maxPool2(g, x)], {
    dtype: "f32",
    shape: [1, 1, 1, 1],
  });
  const [d] = differentiate(g, loss, [x]);
  g.output("d", d!);
  const network = await loadGraph(toBytes(g.finish()));
  const found = await network.run({
    x: { shape, data: Float32Array.from(data) },
  });
  await network.close();
  expect([...found.d.data]).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
});

test("differentiate() tells what the loss does not depend on", () => {
  const g = buildGraph("independent");
  const x = g.input("x", "f32", [2]);
  const y = g.input("y", "f32", [2]);
  const loss = g.node("ReduceSum", [x, g.ints([0])], {
    dtype: "f32",
    shape: [1],
  });
  expect(differentiate(g, loss, [y])).toEqual([null]);
  expect(() => differentiate(g, x, [x])).toThrow(/not a scalar/);
});

test("differentiate() names an operator without a rule", () => {
  const g = buildGraph("unknown");
  const x = g.input("x", "f32", [1]);
  const y = g.node("Unknown", [x], x);
  expect(() => differentiate(g, y, [x])).toThrow(
    "Unknown (Unknown_0) has no gradient rule",
  );
});
