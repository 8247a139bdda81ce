/** The optimizer for all weights at once. */
import { expect, test } from "vitest";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  adamwStep,
  splitFactors,
  stepFactors,
} from "../../gpu-worker/train/adamw.ts";
import { momentNames, optimize } from "../../gpu-worker/train/optimize.ts";
import { buildGraph, type GraphBuilder } from "../../shared/graph/mod.ts";
import { scattered, toBytes } from "./gradients.ts";

/** Small ones of several shapes, one too large to be joined. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  "a.weight": [3, 2, 1],
  "a.bias": [3],
  "large.weight": [130, 127],
  "b.weight": [5],
  "b.bias": [1],
};
const options = { isUndecayed: (name: string) => name.endsWith("bias") };
const factors = {
  shape: [3],
  data: Float32Array.from(stepFactors(options, { rate: 0.01, step: 3 })),
};

type Values = Parameters<typeof optimize>[1]["values"];

/** Run what `build` makes of all weights; the states after a step, by name. */
async function step(
  build: (g: GraphBuilder, given: Record<string, Values>) => Values,
) {
  const g = buildGraph("optimize");
  const input = (label: string) => (name: string) =>
    g.input(`${label}${name}`, "f32", SHAPES[name]);
  const names = Object.keys(SHAPES);
  const gradients = new Map(names.map((n) => [n, input("d ")(n)] as const));
  const values = new Map(
    names.flatMap((name) => {
      const { mean, square } = momentNames(name);
      return [
        [name, input("")(name)] as const,
        [mean, input("m ")(name)] as const,
        [square, input("v ")(name)] as const,
      ];
    }),
  );
  const next = build(g, { values, gradients });
  next.forEach((value, name) => g.output(`next ${name}`, value));
  const network = await loadGraph(toBytes(g.finish()));
  const feeds = names.flatMap((name, i) =>
    ["d ", "", "m ", "v "].map((label, j) => {
      const { shape, data } = scattered(SHAPES[name], 4 * i + j + 1);
      // means of squares are none below 0
      const given = Float32Array.from(data, label === "v " ? Math.abs : Number);
      return [label + name, { shape, data: given }] as const;
    })
  );
  const results = await network.run({ ...Object.fromEntries(feeds), factors });
  await network.close();
  return { results, nodes: g.added.length };
}

test("optimize() gives each tensor the bits it would have alone", async () => {
  const given = (g: GraphBuilder) => g.input("factors", "f32", [3]);
  const joined = await step((g, { values, gradients }) =>
    optimize(g, { values, gradients, factors: given(g), options })
  );
  const alone = await step((g, { values, gradients }) => {
    const parts = splitFactors(g, given(g));
    return new Map([...gradients].flatMap(([name, gradient]) => {
      const { mean, square } = momentNames(name);
      const moved = adamwStep(g, {
        weight: values.get(name)!,
        mean: values.get(mean)!,
        square: values.get(square)!,
      }, { name, gradient, factors: parts, options });
      return [[name, moved.weight], [mean, moved.mean], [square, moved.square]];
    }));
  });
  expect(Object.keys(joined.results).toSorted())
    .toEqual(Object.keys(alone.results).toSorted());
  for (const [name, { shape, data }] of Object.entries(alone.results)) {
    expect(joined.results[name].shape, name).toEqual(shape);
    expect([...joined.results[name].data], name).toEqual([...data]);
  }
});
