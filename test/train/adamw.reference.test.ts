/** The optimizer and the schedules. */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  adamwStep,
  clipGradients,
  splitFactors,
  stepFactors,
} from "../../gpu-worker/train/adamw.ts";
import { cellposeRates, cosineRates } from "../../gpu-worker/train/schedule.ts";
import { buildGraph } from "../../shared/graph/mod.ts";
import { adamwReference } from "../reference/graph/adamw.ts";
import { toBytes } from "./gradients.ts";

const f32 = (values: readonly number[], shape = [values.length]) => ({
  data: Float32Array.from(values),
  shape,
});

test.each([
  { isUndecayed: () => false, decay: 0.1 },
  { isUndecayed: () => true, decay: 0 },
])("adamwStep() follows the scalar reference, decay $decay", async ({
  isUndecayed,
  decay,
}) => {
  const options = { weightDecay: 0.1, isUndecayed };
  const g = buildGraph("adamw");
  const [weight, mean, square, gradient] = ["w", "m", "v", "d"]
    .map((name) => g.input(name, "f32", [3]));
  const next = adamwStep(g, { weight, mean, square }, {
    name: "w",
    gradient,
    factors: splitFactors(g, g.input("factors", "f32", [3])),
    options,
  });
  g.output("next", next.weight);
  g.output("next_m", next.mean);
  g.output("next_v", next.square);
  const network = await loadGraph(toBytes(g.finish()));

  const start = [0.5, -1, 2];
  const rates = [0, 0.01, 0.02, 0.005];
  // one with gradients that nearly vanish, where epsilon counts
  const gradients = [[1, -3e-9, 0.2], [-0.5, 1e-9, 0.1], [2, 0, 0.3], [
    0.1,
    5e-9,
    -4,
  ]];
  let state = [f32(start), f32([0, 0, 0]), f32([0, 0, 0])];
  for (const [i, rate] of rates.entries()) {
    const found = await network.run({
      w: state[0],
      m: state[1],
      v: state[2],
      d: f32(gradients[i]),
      factors: f32([...stepFactors(options, { rate, step: i + 1 })]),
    });
    state = [found.next, found.next_m, found.next_v].map(({ data, shape }) =>
      f32([...data], [...shape])
    );
  }
  await network.close();
  start.forEach((weight, i) => {
    const wanted = adamwReference(weight, gradients.map((d) => d[i]), {
      rates,
      decay,
    });
    expect(Math.abs(state[0].data[i] - wanted)).toBeLessThan(1e-6);
  });
});

test("clipGradients() shortens all gradients together", async () => {
  const g = buildGraph("clip");
  const a = g.input("a", "f32", [2]);
  const b = g.input("b", "f32", [1, 1]);
  clipGradients(g, [a, b], 2.5).forEach((x, i) => g.output(`y${i}`, x));
  const network = await loadGraph(toBytes(g.finish()));
  const long = await network.run({ a: f32([3, 0]), b: f32([4], [1, 1]) });
  const short = await network.run({ a: f32([1, 0]), b: f32([2], [1, 1]) });
  await network.close();
  expect(long.y0.data[0]).toBeCloseTo(1.5, 5);
  expect(long.y1.data[0]).toBeCloseTo(2, 5);
  expect([...short.y0.data, ...short.y1.data]).toEqual([1, 0, 2]);
});

test("cellposeRates() warms up, stays, and halves at the end", () => {
  const rates = cellposeRates({ learningRate: 9, epochs: 100 });
  expect(rates.slice(0, 11)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  expect(rates.slice(49, 61)).toEqual([
    ...[9, 4.5, 4.5, 4.5, 4.5, 4.5],
    ...[2.25, 2.25, 2.25, 2.25, 2.25, 1.125],
  ]);
  expect(rates.at(-1)).toBe(9 / 1024);
  const long = cellposeRates({ learningRate: 1, epochs: 301 });
  expect(long.slice(200, 212)).toEqual([1, ...Array(10).fill(0.5), 0.25]);
  expect(cellposeRates({ learningRate: 1, epochs: 99 }).at(-1)).toBe(1);
  expect(cellposeRates({ learningRate: 9, epochs: 3 })).toEqual([0, 1, 2]);
});

test("cosineRates() goes up in a line and down to its end", () => {
  const rates = cosineRates({
    learningRate: 1,
    steps: 101,
    warmUp: 4,
    end: 0.1,
  });
  expect(rates.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
  expect(rates[52]).toBeCloseTo(0.55, 2);
  expect(rates.at(-1)).toBeCloseTo(0.1, 12);
});
