import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { afterAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { foldNorms } from "../../gpu-worker/train/fold_norms.ts";
import { type Design, DESIGNS } from "../../gpu-worker/train/networks/mod.ts";
import {
  type FloatTensor,
  withWeights,
} from "../../gpu-worker/train/network.ts";
import { writeTrainedModel } from "../../gpu-worker/train/write_trained.ts";
import { encodeModel, type Graph } from "../../shared/graph/mod.ts";
import { loadWebEncoder } from "../../shared/models/encoder_web.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { ModelJson } from "../../shared/schema/model.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { createRandom } from "../../shared/synthetic/random.ts";
import { core } from "../core.ts";

const root = mkdtempSync(join(tmpdir(), "trained-"));
afterAll(() => rmSync(root, { recursive: true }));

const flowDesigns = Object.entries(DESIGNS)
  .filter(([, { outputs }]) => outputs.length === 3);

test.each(Object.entries(DESIGNS))(
  "foldNorms() leaves %s as it is, to rounding",
  async (_, design) => {
    const graph = shaken(design);
    const folded = foldNorms(graph);
    expect(folded.nodes.some(({ op }) => op === "BatchNormalization"))
      .toBe(false);
    expect(folded.initializers.length).toBeLessThan(graph.initializers.length);
    const x = { data: noise(3 * 48 * 32), shape: [1, 3, 48, 32] };
    const [before, after] = [await run(graph, x), await run(folded, x)];
    const largest = Math.max(...before.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    for (const [i, value] of before.entries()) {
      expect(Math.abs(after[i] - value)).toBeLessThan(1e-4 * largest);
    }
  },
);

test.each(flowDesigns)(
  "segment() takes an image as one tile of %s, in both runtimes",
  async (_, design) => {
    const folder = join(root, design.name);
    const written = writeTrainedModel(folder, {
      design,
      graph: shaken(design),
      diameter: { mean: 20, labels: 25, range: [8, 48] },
      licence: "MIT",
      training: { seed: 1 },
    });
    const json = ModelJson.parse(written);
    const node = await loadNodeEncoder(folder, { providers: ["cpu"] });
    const web = await loadWebEncoder({
      name: design.name,
      json,
      graph: new Uint8Array(await readFile(join(folder, "model.onnx"))),
    }, { providers: ["wasm"], threads: 1, wasmPaths: ortFolder() });
    expect(node.model).toMatchObject({
      family: "cytoedge",
      diameter: 20,
      diameterRange: [8, 48],
      tileSize: 1040,
    });
    const image = {
      data: noise(3 * 100 * 141),
      axes: "CYX",
      shape: [3, 100, 141],
    };
    const parameters = SegmentParameters.parse({ diameter: 20 });
    const results = [];
    for (const encoder of [node, web]) {
      const deps = { core, encoders: [encoder] };
      const { planes: [plane], facts } = await segment(image, parameters, deps);
      expect(facts).toMatchObject({ tiles: 1, scale: 1 });
      expect(plane.flows.some((value) => value !== 0)).toBe(true);
      results.push(plane);
      await encoder.close();
    }
    const [a, b] = results;
    for (const [i, value] of a.cellprob.entries()) {
      expect(Math.abs(b.cellprob[i] - value)).toBeLessThan(1e-2);
    }
  },
);

/** A design with weights and norms away from their start. */
function shaken(design: Design): Graph {
  const graph = design.build({ seed: 5 });
  const random = createRandom(11);
  const values = new Map<string, FloatTensor>();
  for (const { name, shape } of graph.initializers) {
    const role = /\.(scale|shift|mean|variance|bias)$|^head\.weight$/.exec(
      name,
    );
    if (!role) continue;
    const count = shape.reduce((a, b) => a * b, 1);
    const isPositive = role[1] === "scale" || role[1] === "variance";
    const data = Float32Array.from(
      { length: count },
      () => isPositive ? random.between(0.3, 1) : random.between(-0.2, 0.2),
    );
    values.set(name, { shape: shape.map(Number), data });
  }
  return withWeights(graph, values);
}

async function run(graph: Graph, x: { data: Float32Array; shape: number[] }) {
  const bytes = new Uint8Array(Buffer.concat([...encodeModel(graph).model]));
  const runner = await loadGraph(bytes);
  const { y } = await runner.run({ x });
  await runner.close();
  return y.data;
}

function noise(count: number): Float32Array {
  const random = createRandom(2);
  return Float32Array.from({ length: count }, random.uniform);
}

function ortFolder(): string {
  const main = createRequire(import.meta.url).resolve("onnxruntime-web");
  return new URL(".", `file://${main}`).href;
}
