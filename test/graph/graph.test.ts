/** The graph builder against the runtime that must read its files. */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  add,
  buildGraph,
  concat,
  type Constant,
  type Dim,
  encodeModel,
  fromFloat32,
  gelu,
  gemm,
  type Graph,
  type GraphBuilder,
  layerNorm,
  matmul,
  maxPool2,
  reshape,
  slice,
  softmax,
  toFloat32,
  transpose,
  type Value,
} from "../../shared/graph/mod.ts";

const floats = (values: number[], shape: number[]): Constant => ({
  dtype: "f32",
  shape,
  read: () => new Uint8Array(Float32Array.from(values).buffer),
});

function encode(graph: Graph): Uint8Array {
  const { model, data } = encodeModel(graph);
  expect(data).toBeNull();
  return Uint8Array.from([...model].flatMap((piece) => [...piece]));
}

/** Build a graph of one input and one output and run it. */
async function run(
  shape: Dim[],
  build: (g: GraphBuilder, x: Value) => Value,
  data: { values: number[]; shape: number[] },
) {
  const g = buildGraph("test");
  g.output("y", build(g, g.input("x", "f32", shape)));
  const network = await loadGraph(encode(g.finish()));
  const { y } = await network.run({
    x: { data: Float32Array.from(data.values), shape: data.shape },
  });
  await network.close();
  return { values: [...y.data], shape: [...y.shape] };
}

test("gemm() multiplies by rows of the weight and adds the bias", async () => {
  const y = await run(["n", 2], (g, x) =>
    gemm(g, x, {
      weight: g.constant("w", floats([1, 2, 3, 4, 5, 6], [3, 2])),
      bias: g.constant("b", floats([10, 20, 30], [3])),
    }), { values: [1, 1, 2, 0], shape: [2, 2] });
  expect(y).toEqual({ values: [13, 27, 41, 12, 26, 40], shape: [2, 3] });
});

test("reshape() copies named edges and computes one", async () => {
  const y = await run(
    ["n", 4],
    (g, x) => transpose(g, reshape(g, x, ["n", 2, 2]), [0, 2, 1]),
    { values: [1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 4] },
  );
  expect(y).toEqual({ values: [1, 3, 2, 4, 5, 7, 6, 8], shape: [2, 2, 2] });
});

test("concat(), slice() and add() keep their axes", async () => {
  const y = await run(["n", 3], (g, x) => {
    const ends = concat(g, [
      slice(g, x, { axis: 1, start: 2 }),
      slice(g, x, { axis: 1, start: 0, end: 1 }),
    ], 1);
    return add(g, ends, g.float(0.5));
  }, { values: [1, 2, 3], shape: [1, 3] });
  expect(y).toEqual({ values: [3.5, 1.5], shape: [1, 2] });
});

test("softmax(), layerNorm(), gelu(), maxPool2() and matmul() run", async () => {
  const shares = await run(["n", 2], softmax, {
    values: [0, 0],
    shape: [1, 2],
  });
  expect(shares.values).toEqual([0.5, 0.5]);
  const normed = await run(["n", 2], (g, x) =>
    layerNorm(g, x, {
      scale: g.constant("s", floats([1, 2], [2])),
      shift: g.constant("t", floats([0, 1], [2])),
      epsilon: 0,
    }), { values: [1, 3], shape: [1, 2] });
  expect(normed.values).toEqual([-1, 3]);
  const active = await run(["n"], gelu, { values: [1], shape: [1] });
  expect(active.values[0]).toBeCloseTo(0.841345, 5);
  const largest = await run(["n", 1, "h", "w"], maxPool2, {
    values: [1, 2, 3, 4],
    shape: [1, 1, 2, 2],
  });
  expect(largest).toEqual({ values: [4], shape: [1, 1, 1, 1] });
  const square = await run([2, 2], (g, x) => matmul(g, x, x), {
    values: [1, 2, 3, 4],
    shape: [2, 2],
  });
  expect(square.values).toEqual([7, 10, 15, 22]);
});

test("the builder refuses shapes that do not fit", () => {
  const g = buildGraph("wrong");
  const x = g.input("x", "f32", ["n", 3]);
  const y = g.input("y", "f32", ["n", 4]);
  const half = g.input("half", "f16", ["n", 3]);
  const w = g.constant("w", floats([1, 2], [1, 2]));
  expect(() => add(g, x, y)).toThrow("n×3 does not fit n×4");
  expect(() => add(g, x, half)).toThrow(/x \(f32\) and half \(f16\)/);
  expect(() => gemm(g, x, { weight: w })).toThrow(/Gemm: x \(f32 n×3\)/);
  expect(() => reshape(g, x, ["a", "b"])).toThrow(/two unknown edges/);
  expect(() => reshape(g, w, [3])).toThrow(/2 elements/);
  expect(() => transpose(g, x, [0, 0])).toThrow(/order/);
  expect(() => concat(g, [x, y], 0)).toThrow(/beside/);
  expect(() => g.input("x", "f32", [])).toThrow(/in the graph already/);
  expect(() => buildGraph("none").finish()).toThrow(/no output/);
});

test("encodeModel() gives the same bytes for the same calls", () => {
  const make = () => {
    const g = buildGraph("twice");
    const x = g.input("x", "f32", ["n", 2]);
    const w = g.constant("w", floats([1, 2, 3, 4], [2, 2]));
    g.output("y", add(g, gemm(g, x, { weight: w }), g.float(1)));
    return encode(g.finish());
  };
  expect(make()).toEqual(make());
});

test("encodeModel() refuses a constant whose bytes do not fit its shape", () => {
  const g = buildGraph("short");
  const x = g.input("x", "f32", [2]);
  const w = g.constant("w", { ...floats([1], [1]), shape: [2] });
  g.output("y", add(g, x, w));
  expect(() => encode(g.finish())).toThrow("w gave 4 bytes");
});

test("fromFloat32() rounds to nearest even, and back is exact", () => {
  // 1 + 2^-8 lies between 1 and 1 + 2^-7, the neighbors in bf16
  const values = Float32Array.of(1, -2.5, 1 + 2 ** -8, 1 + 3 * 2 ** -8);
  const half = toFloat32(fromFloat32(values, "bf16"), "bf16");
  expect([...half]).toEqual([1, -2.5, 1, 1 + 2 ** -6]);
  const special = Float32Array.of(NaN, Infinity, -0);
  expect([...toFloat32(fromFloat32(special, "bf16"), "bf16")])
    .toEqual([NaN, Infinity, -0]);
  const narrow = toFloat32(fromFloat32(Float32Array.of(0.1), "f16"), "f16");
  expect(narrow[0]).toBe(0.0999755859375);
});
