import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import {
  countMacs,
  DESIGNS,
  EDGE_MULTIPLE,
  INPUT_CHANNELS,
} from "../../gpu-worker/train/networks/mod.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import {
  buildGraph,
  conv,
  convTranspose,
  encodeModel,
  type Graph,
  maxPool2,
  upsampleNearest,
} from "../../shared/graph/mod.ts";
import { createRandom } from "../../shared/synthetic/random.ts";

const MAX_FLOPS = 1e9;
const MAX_BYTES = 4e6;

const designs = Object.entries(DESIGNS);

test.each(designs)(
  "%s.build() stays within 1 GFLOP a 256×256 tile and 4 MB",
  (_, design) => {
    const graph = design.build({ seed: 1 });
    const flops = 2 * countMacs(graph, 256 ** 2);
    expect(flops).toBeLessThanOrEqual(MAX_FLOPS);
    // the budget is used: designs are compared at equal cost
    expect(flops).toBeGreaterThan(0.85 * MAX_FLOPS);
    expect(bytesOf(graph).length).toBeLessThanOrEqual(MAX_BYTES);
  },
);

test.each(designs)(
  "%s.build() takes any multiple of 16 and starts at 0",
  async (_, design) => {
    const runner = await loadGraph(bytesOf(design.build({ seed: 1 })));
    for (const [n, height, width] of [[1, 64, 64], [2, 16, 80]]) {
      expect(height % EDGE_MULTIPLE + width % EDGE_MULTIPLE).toBe(0);
      const random = createRandom(3);
      const count = n * INPUT_CHANNELS * height * width;
      const data = Float32Array.from({ length: count }, random.uniform);
      const shape = [n, INPUT_CHANNELS, height, width];
      const { y } = await runner.run({ x: { data, shape } });
      expect(y.shape).toEqual([n, design.outputs.length, height, width]);
      expect(y.data.every((value) => value === 0)).toBe(true);
    }
    await runner.close();
  },
);

test.each(designs)("%s.build() depends on its seed only", (_, design) => {
  const first = bytesOf(design.build({ seed: 7 }));
  expect(bytesOf(design.build({ seed: 7 }))).toEqual(first);
  expect(bytesOf(design.build({ seed: 8 }))).not.toEqual(first);
});

test.each(designs)(
  "%s.build() names parameters and running averages by their roles",
  (_, design) => {
    const graph = design.build({ seed: 1 });
    const floats = graph.initializers.filter(({ dtype, shape }) =>
      dtype === "f32" && shape.length > 0
    ).filter(({ name }) => !name.startsWith("scales_"));
    for (const { name } of floats) {
      expect(name).toMatch(/\.(weight|bias|scale|shift|mean|variance)$/);
    }
  },
);

test("countMacs() counts convolutions at the sizes they have", () => {
  const g = buildGraph("t");
  const weight = (name: string, shape: number[]) => {
    const bytes = 4 * shape.reduce((a, b) => a * b, 1);
    const read = () => new Uint8Array(bytes);
    return g.constant(name, { dtype: "f32", shape, read });
  };
  const x = g.input("x", "f32", [1, 3, "h", "w"]);
  const a = conv(g, x, { weight: weight("a", [8, 3, 3, 3]), padding: 1 });
  const b = conv(g, maxPool2(g, a), { weight: weight("b", [4, 8, 1, 1]) });
  const c = convTranspose(g, b, { weight: weight("c", [4, 2, 2, 2]) });
  const d = upsampleNearest(g, c);
  g.output("y", conv(g, d, { weight: weight("d", [1, 2, 1, 1]) }));
  const expected = 100 * (8 * 3 * 9) + 25 * (4 * 8) + 25 * (4 * 2 * 4) +
    400 * 2;
  expect(countMacs(g.finish(), 100)).toBe(expected);
});

function bytesOf(graph: Graph): Uint8Array {
  return new Uint8Array(Buffer.concat([...encodeModel(graph).model]));
}
