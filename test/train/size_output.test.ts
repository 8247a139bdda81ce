import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { applyLine, fitRidge } from "../../gpu-worker/train/fit_ridge.ts";
import { foldNorms } from "../../gpu-worker/train/fold_norms.ts";
import { DESIGNS } from "../../gpu-worker/train/networks/mod.ts";
import {
  addSizeFeatures,
  addSizeOutput,
} from "../../gpu-worker/train/size_output.ts";
import { ArgumentError } from "../../shared/errors.ts";
import { encodeModel, type Graph } from "../../shared/graph/mod.ts";
import { createRandom } from "../../shared/synthetic/random.ts";

test.each(Object.entries(DESIGNS).filter(([, d]) => d.outputs.length === 3))(
  "addSizeFeatures() averages the deepest map of %s, plainly and where cells are",
  async (_, design) => {
    const graph = foldNorms(design.build({ seed: 3 }));
    const features = addSizeFeatures(graph, design);
    const outputs = await run(features);
    expect(Object.keys(outputs)).toEqual(["y", "features"]);
    const { data, shape } = outputs.features;
    const channels = shape[1] / 2;
    expect(shape).toEqual([2, 2 * channels]);
    expect(data.some((value) => value > 0)).toBe(true);
    // the head starts at 0: the probability is ½ everywhere, the means agree
    for (let n = 0; n < 2; n++) {
      for (let c = 0; c < channels; c++) {
        const plain = data[n * 2 * channels + c];
        const inside = data[(2 * n + 1) * channels + c];
        expect(Math.abs(inside - plain)).toBeLessThan(
          1e-3 * (1 + Math.abs(plain)),
        );
      }
    }
  },
);

test("addSizeOutput() is a layer and a line of the features", async () => {
  const design = DESIGNS["residual-unet"];
  const graph = foldNorms(design.build({ seed: 3 }));
  const { features } = await run(addSizeFeatures(graph, design));
  const columns = features.shape[1];
  const random = createRandom(8);
  const draw = (length: number) =>
    Float32Array.from({ length }, () => random.between(-0.02, 0.02));
  const head = {
    hiddenWeight: draw(5 * columns),
    hiddenBias: draw(5),
    weight: draw(columns + 5),
    bias: 4,
  };
  const { y, style } = await run(addSizeOutput(graph, design, head));
  expect(y.shape).toEqual([2, 3, 32, 48]);
  expect(style.shape).toEqual([2, 1]);
  for (let n = 0; n < 2; n++) {
    const row = features.data.slice(n * columns, (n + 1) * columns);
    const hidden = Array.from(head.hiddenBias, (bias, k) =>
      Math.max(
        0,
        row.reduce(
          (s, f, j) => s + f * head.hiddenWeight[k * columns + j],
          bias,
        ),
      ));
    const log = [...row, ...hidden]
      .reduce((sum, f, j) => sum + f * head.weight[j], head.bias);
    expect(style.data[n]).toBeCloseTo(2 ** log, 3);
  }
  expect(() =>
    addSizeOutput(graph, design, { ...head, weight: head.hiddenBias })
  )
    .toThrow(ArgumentError);
  expect(() => addSizeFeatures(graph, DESIGNS["context-net"]))
    .toThrow("so is no context-net");
});

test("fitRidge() finds a line again, and shrinks it as told", () => {
  const random = createRandom(4);
  const truth = [2, -1, 0.5];
  const n = 200;
  const rows = Float32Array.from(
    { length: 3 * n },
    (_, i) => random.normal() * [1, 10, 0.1][i % 3] + 3,
  );
  const targets = Float64Array.from(
    { length: n },
    (_, i) => truth.reduce((sum, w, j) => sum + w * rows[3 * i + j], 7),
  );
  const line = fitRidge(rows, targets, 0);
  for (const [j, w] of truth.entries()) {
    expect(line.weight[j]).toBeCloseTo(w, 5);
  }
  expect(applyLine(line, rows, 5)).toBeCloseTo(targets[5], 5);
  // with a penalty of 1 the scaled weights are halved, the mean is kept
  const shrunk = fitRidge(rows, targets, 1);
  expect(shrunk.weight[1] / truth[1]).toBeGreaterThan(0.4);
  expect(shrunk.weight[1] / truth[1]).toBeLessThan(0.6);
  const mean = (line: typeof shrunk) =>
    targets.reduce((sum, _, i) => sum + applyLine(line, rows, i), 0) / n;
  expect(mean(shrunk)).toBeCloseTo(targets.reduce((a, b) => a + b) / n, 5);
});

test("fitRidge() gives a constant feature no weight", () => {
  const rows = Float32Array.of(1, 5, 2, 5, 3, 5, 4, 5);
  const line = fitRidge(rows, Float64Array.of(1, 2, 3, 4), 1e-9);
  expect(line.weight[0]).toBeCloseTo(1, 5);
  expect(line.weight[1]).toBe(0);
});

async function run(graph: Graph) {
  const bytes = new Uint8Array(Buffer.concat([...encodeModel(graph).model]));
  const runner = await loadGraph(bytes);
  const random = createRandom(2);
  const data = Float32Array.from({ length: 2 * 3 * 32 * 48 }, random.uniform);
  const outputs = await runner.run({ x: { data, shape: [2, 3, 32, 48] } });
  await runner.close();
  return outputs;
}
