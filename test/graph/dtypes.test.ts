import { expect, test } from "vitest";
import {
  buildGraph,
  cast,
  type Graph,
  listDtypes,
  maxPool2,
  where,
} from "../../shared/graph/mod.ts";
import { buildStep } from "../../gpu-worker/train/build_step.ts";
import { smallNetwork } from "../train/small_network.ts";

test("listDtypes() tells the types that a builder knows", () => {
  const g = buildGraph("types");
  const x = g.input("x", "f32", [1, 2, 4, 4]);
  const half = cast(g, x, "f16");
  const pooled = maxPool2(g, half);
  const isOn = g.node("Greater", [pooled, pooled], {
    dtype: "bool",
    shape: pooled.shape,
  });
  const chosen = where(g, isOn, [pooled, pooled]);
  g.output("y", chosen);
  const [, places] = g.nodes("MaxPool", [x], [x, { ...x, dtype: "i64" }]);
  g.output("places", places);
  const types = listDtypes(g.finish());
  for (const value of [x, half, pooled, isOn, chosen, places]) {
    expect(types.get(value.name), value.name).toBe(value.dtype);
  }
  expect(types.get("y")).toBe("f16");
});

test("listDtypes() looks into loops, whose bodies see what is around them", () => {
  const { graph } = buildStep({ graph: smallNetwork() }, {
    count: 1,
    channels: 2,
    height: 8,
    width: 8,
  }, { compute: "f16" });
  const types = listDtypes(graph);
  for (const { name, dtype } of graph.outputs) {
    expect(types.get(name), name).toBe(dtype);
  }
  const bodies = graph.nodes.flatMap(({ attributes }): Graph[] =>
    "body" in attributes && "graph" in attributes.body
      ? [attributes.body.graph]
      : []
  );
  const inner = listDtypes(bodies[0], types);
  expect(new Set(inner.values())).toEqual(
    new Set(["f32", "f16", "i64", "bool"]),
  );
});
