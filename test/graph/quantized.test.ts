/** Products with weights of 8 bits. */
import { expect, test } from "vitest";
import {
  buildGraph,
  encodeModel,
  quantizedGemm,
  quantizeWeight,
} from "../../shared/graph/mod.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { createRandom } from "../bench/scene.ts";

const constant = (values: Float32Array, shape: number[]) => ({
  dtype: "f32" as const,
  shape,
  read: () => new Uint8Array(values.buffer),
});

test("quantizeWeight() gives each column its own unit, in 7 bits", () => {
  const values = Float32Array.of(1.1, -2, 0.5, 0.011, 0, -0.02, 0, 0, 0);
  const { weight, scale } = quantizeWeight(constant(values, [3, 3]));
  expect(weight).toMatchObject({ dtype: "i8", shape: [3, 3] });
  const whole = new Int8Array(weight.read().slice().buffer);
  expect([...whole]).toEqual([35, 35, 0, -63, 0, 0, 16, -63, 0]);
  const units = new Float32Array(scale.read().slice().buffer);
  expect(units[0]).toBeCloseTo(2 / 63, 6);
  expect(units[1]).toBeCloseTo(0.02 / 63, 8);
  expect(units[2]).toBe(1);
});

test("quantizedGemm() is near the product in f32", async () => {
  const random = createRandom(5);
  const draw = (n: number) =>
    Float32Array.from({ length: n }, () => 2 * random() - 1);
  const [m, k, n] = [7, 48, 20];
  const [x, w, b] = [draw(m * k), draw(n * k), draw(n)];
  const g = buildGraph("q");
  const input = g.input("x", "f32", ["m", k]);
  const whole = quantizeWeight(constant(w, [n, k]));
  g.output(
    "y",
    quantizedGemm(g, input, {
      weight: g.constant("w", whole.weight),
      scale: g.constant("s", whole.scale),
      bias: g.constant("b", constant(b, [n])),
    }),
  );
  const pieces = [...encodeModel(g.finish(), { dataFile: "q.data" }).model];
  const bytes = new Uint8Array(
    await new Blob(pieces.map((p) => p.slice()))
      .arrayBuffer(),
  );
  const network = await loadGraph(bytes);
  const { y } = await network.run({ x: { data: x, shape: [m, k] } });
  await network.close();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = b[j];
      for (let l = 0; l < k; l++) sum += x[i * k + l] * w[j * k + l];
      // half a unit of each factor, summed at random
      expect(Math.abs(y.data[i * n + j] - sum)).toBeLessThan(0.15);
    }
  }
});

test("quantizedGemm() refuses shapes that do not fit", () => {
  const g = buildGraph("q");
  const x = g.input("x", "f32", ["m", 4]);
  const whole = quantizeWeight(constant(new Float32Array(6), [2, 3]));
  expect(() =>
    quantizedGemm(g, x, {
      weight: g.constant("w", whole.weight),
      scale: g.constant("s", whole.scale),
    })
  ).toThrow(/does not fit/);
});
