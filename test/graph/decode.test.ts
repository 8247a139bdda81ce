/** Reading ONNX files, and appending what they hold with shapes in numbers. */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  appendGraph,
  buildGraph,
  decodeModel,
  encodeModel,
  expand,
  type Graph,
  multiply,
  reshape,
  shapeOf,
  slice,
} from "../../shared/graph/mod.ts";
import { constant, smallNetwork } from "../train/small_network.ts";
import { scattered, toBytes } from "../train/gradients.ts";

/** A graph without its functions, for comparison. */
const plain = ({ initializers, ...rest }: Graph) => ({
  ...rest,
  initializers: initializers.map(({ read, ...constant }) => ({
    ...constant,
    bytes: [...read()],
  })),
});

function twoTurns(): Graph {
  const body = buildGraph("turn", buildGraph("outer"));
  const state = body.input("state", "f32", [2]);
  const part = body.input("part", "f32", [2]);
  body.output("next", multiply(body, state, part));
  const g = buildGraph("loop");
  const x = g.input("x", "f32", [2]);
  const parts = g.input("parts", "f32", ["k", 2]);
  g.output(
    "y",
    g.node("Scan", [x, parts], x, {
      attributes: {
        body: { graph: body.finish() },
        num_scan_inputs: { int: 1 },
      },
    }),
  );
  return g.finish();
}

test.each([smallNetwork(), twoTurns()])(
  "decodeModel() gives back what encodeModel() wrote, $name",
  (graph) => {
    expect(plain(decodeModel(toBytes(graph)))).toEqual(plain(graph));
  },
);

test("encodeModel() writes the body of a loop", async () => {
  const network = await loadGraph(toBytes(twoTurns()));
  const { y } = await network.run({
    x: { shape: [2], data: Float32Array.of(1, 2) },
    parts: { shape: [3, 2], data: Float32Array.of(2, 1, 3, 1, 4, 5) },
  });
  await network.close();
  expect([...y.data]).toEqual([24, 10]);
});

test("decodeModel() reads constants from the file beside the model", () => {
  const g = buildGraph("large");
  const x = g.input("x", "f32", [300]);
  const values = scattered([300], 1).data;
  const w = constant(g, "w", { shape: [300], values });
  const w2 = constant(g, "w2", { shape: [300], values: values.toReversed() });
  g.output("y", multiply(g, multiply(g, x, w), w2));
  const large = g.finish();
  const { model, data } = encodeModel(large, {
    externalAboveBytes: 0,
    dataFile: "small.data",
  });
  const joined = (pieces: Iterable<Uint8Array>) =>
    Uint8Array.from([...pieces].flatMap((piece) => [...piece]));
  const beside = joined(data!);
  const bytes = joined(model);
  const graph = decodeModel(bytes, ({ location, offset, length }) => {
    expect(location).toBe("small.data");
    return beside.subarray(offset, offset + length);
  });
  expect(plain(graph)).toEqual(plain(large));
  expect(() => decodeModel(bytes).initializers[0].read())
    .toThrow("small.data: is needed beside the model file");
});

test("decodeModel() reads typed fields, packed or not", () => {
  // TensorProto: dims 2, f32, name "t", float_data packed or one by one
  const one = [0, 0, 0x80, 0x3f];
  const two = [0, 0, 0, 0x40];
  const head = [0x08, 2, 0x10, 1, 0x42, 1, 0x74];
  const tensors = [
    [...head, 0x22, 8, ...one, ...two],
    [...head, 0x25, ...one, 0x25, ...two],
  ];
  for (const tensor of tensors) {
    const graph = [0x2a, tensor.length, ...tensor];
    const decoded = decodeModel(
      Uint8Array.from([0x3a, graph.length, ...graph]),
    );
    const bytes = decoded.initializers[0].read();
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual([1, 2]);
  }
});

test("decodeModel() names what it does not read", () => {
  expect(() => decodeModel(new Uint8Array(0))).toThrow(/holds no graph/);
  expect(() => decodeModel(Uint8Array.of(0x3a, 200, 1))).toThrow(/is broken/);
  const cut = toBytes(smallNetwork()).subarray(0, 300);
  expect(() => decodeModel(cut)).toThrow(/is broken/);
  // operator set 17 of ONNX
  const old = [0x42, 2, 0x10, 17];
  expect(() => decodeModel(Uint8Array.from(old)))
    .toThrow(/operator set 17/);
});

test("appendGraph() keeps what a graph computes, with shapes in numbers", async () => {
  const build = () => {
    const g = buildGraph("shapes");
    const x = g.input("x", "f32", ["n", 3, "h"]);
    const row = slice(g, x, { axis: 1, start: 0, end: 1 });
    const edges = g.node(
      "Concat",
      [shapeOf(g, x, [0, 1]), g.ints([6]), shapeOf(g, x, [2, 3])],
      { dtype: "i64", shape: [3] },
      { attributes: { axis: { int: 0 } } },
    );
    const many = expand(g, row, { edges, shape: ["n", 6, "h"] });
    g.output("y", reshape(g, many, ["n", "6*h"]));
    return g.finish();
  };
  const g = buildGraph("known");
  const x = g.input("x", "f32", [2, 3, 4]);
  const y = appendGraph(g, build(), { values: new Map([["x", x]]) }).get("y")!;
  g.output("y", y);
  expect(y.shape).toEqual([2, 24]);
  expect(g.added.map(({ op }) => op)).not.toContain("Shape");
  const given = scattered([2, 3, 4], 1);
  const input = { shape: given.shape, data: Float32Array.from(given.data) };
  const results: number[][] = [];
  for (const graph of [build(), g.finish()]) {
    const network = await loadGraph(toBytes(graph));
    results.push([...(await network.run({ x: input })).y.data]);
    await network.close();
  }
  expect(results[1]).toEqual(results[0]);
});

test("appendGraph() names what is missing", () => {
  const g = buildGraph("missing");
  expect(() => appendGraph(g, smallNetwork(), { values: new Map() }))
    .toThrow("x of the graph has none");
  const unknown = buildGraph("unknown");
  const x = unknown.input("x", "f32", [1]);
  unknown.output("y", unknown.node("Unknown", [x], x));
  const values = new Map([["x", g.input("x", "f32", [1])]]);
  expect(() => appendGraph(g, unknown.finish(), { values }))
    .toThrow(/operator Unknown is not supported/);
});
