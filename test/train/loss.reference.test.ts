/** Cellpose's objective. */
import { expect, test } from "vitest";
import { cellposeLoss } from "../../gpu-worker/train/loss.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  buildGraph,
  multiply,
  reshape,
  slice,
  subtract,
} from "../../shared/graph/mod.ts";
import { softplus } from "../../gpu-worker/train/gradients/activation.ts";
import {
  type Build,
  expectGradients,
  scattered,
  toBytes,
} from "./gradients.ts";

const SHAPE = [2, 3, 4, 5];
const PIXELS = 2 * 4 * 5;

/** Its definition of plain operators; targets are constants. */
const definition = (hasWeights: boolean): Build => (g, [x]) => {
  const data = scattered(SHAPE, 50).data;
  const plane = (name: string, channels: number[]) =>
    g.constant(name, {
      dtype: "f32",
      shape: [2, channels.length, 4, 5],
      read: () =>
        new Uint8Array(
          Float32Array.from([0, 1].flatMap((n) =>
            channels.flatMap((c) => [
              ...data.slice((n * 3 + c) * 20, (n * 3 + c + 1) * 20),
            ])
          )).buffer,
        ),
    });
  const weights = g.constant("weights", {
    dtype: "f32",
    shape: [2, 1, 4, 5],
    read: () => new Uint8Array(weightsOf().buffer),
  });
  const sum = (y: typeof x) =>
    g.node("ReduceSum", [y, g.ints([0, 1, 2, 3])], {
      dtype: "f32",
      shape: [1, 1, 1, 1],
    });
  const scaled = (y: typeof x) => hasWeights ? multiply(g, y, weights) : y;
  const off = subtract(
    g,
    slice(g, x, { axis: 1, start: 0, end: 2 }),
    multiply(g, plane("flows", [1, 2]), g.float(5)),
  );
  const logit = slice(g, x, { axis: 1, start: 2, end: 3 });
  const isCell = g.node(
    "Cast",
    [
      g.node("Greater", [plane("cells", [0]), g.float(0.5)], {
        dtype: "bool",
        shape: [2, 1, 4, 5],
      }),
    ],
    { dtype: "f32", shape: [2, 1, 4, 5] },
    { attributes: { to: { int: 1 } } },
  );
  const entropy = subtract(g, softplus(g, logit), multiply(g, logit, isCell));
  const total = g.node("Add", [
    multiply(g, sum(scaled(multiply(g, off, off))), g.float(0.25 / PIXELS)),
    multiply(g, sum(scaled(entropy)), g.float(1 / PIXELS)),
  ], { dtype: "f32", shape: [1, 1, 1, 1] });
  return reshape(g, total, [1]);
};

const weightsOf = () =>
  Float32Array.from(scattered([2, 1, 4, 5], 51).data.map(Math.abs));

const written = (hasWeights: boolean): Build => (g, [x]) => {
  const constant = (name: string, shape: number[], data: Float32Array) =>
    g.constant(name, {
      dtype: "f32",
      shape,
      read: () => new Uint8Array(data.buffer),
    });
  const targets = constant(
    "targets",
    SHAPE,
    Float32Array.from(scattered(SHAPE, 50).data),
  );
  return reshape(
    g,
    cellposeLoss(g, x, {
      targets,
      pixelWeights: hasWeights
        ? constant("weights", [2, 1, 4, 5], weightsOf())
        : undefined,
    }),
    [1],
  );
};

test.each([false, true])(
  "cellposeLoss() has the value and gradients of its definition, weighted %s",
  (hasWeights) =>
    expectGradients(written(hasWeights), [SHAPE], definition(hasWeights)),
);

test("cellposeLoss() is finite for logits of any size", async () => {
  const g = buildGraph("large");
  const shape = [1, 3, 1, 2];
  const x = g.input("x", "f32", shape);
  const targets = g.input("t", "f32", shape);
  g.output("loss", cellposeLoss(g, x, { targets }));
  const network = await loadGraph(toBytes(g.finish()));
  const { loss } = await network.run({
    x: { shape, data: Float32Array.of(0, 0, 0, 0, 1e4, -1e4) },
    t: { shape, data: Float32Array.of(1, 0, 0, 0, 0, 0) },
  });
  await network.close();
  expect(loss.data[0]).toBe(0);
});

test("cellposeLoss() refuses a prediction of another shape", () => {
  const g = buildGraph("wrong");
  const x = g.input("x", "f32", [1, 2, 4, 4]);
  const targets = g.input("t", "f32", [1, 3, 4, 4]);
  expect(() => cellposeLoss(g, x, { targets })).toThrow(/three channels/);
});
