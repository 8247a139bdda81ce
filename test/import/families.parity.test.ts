/** Three random shapes of every family, beside the peers' own outputs. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Outcome, runConformance } from "../../cli/conformance/run.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { core } from "../core.ts";
import { MODELS, unpackModels } from "./models.ts";

let root: string;
beforeAll(() => {
  root = unpackModels();
});
afterAll(() => rmSync(root, { recursive: true }));

test("importModel() gives the peers' outputs for three shapes of every family", async () => {
  const outcomes: Outcome[] = [];
  for await (const outcome of runConformance(core, root)) {
    outcomes.push(outcome);
  }
  const failed = outcomes.filter(({ status }) => status !== "PASS");
  expect(failed.map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  expect(outcomes.map(({ id }) => id)).toEqual(MODELS);
  // fp32 is far closer than the limit of conformance asks
  const wide = outcomes.flatMap(({ checks }) => checks)
    .filter(({ name }) => !name.includes("fp16"));
  expect(Math.max(...wide.map(({ error }) => error))).toBeLessThan(1e-5);
});

test.each([["fused"], ["plain"]] as const)(
  "importModel() gives the same outputs with %s attention",
  async (attention) => {
    for (const id of ["cellpose_sam_1", "cellpose_dino_0"]) {
      const folder = join(root, id);
      const out = mkdtempSync(join(tmpdir(), "model-"));
      const json = importModel(join(folder, "checkpoint.pth"), out, {
        attention,
      });
      expect(json.attention).toBe(
        attention === "fused" ? "MultiHeadAttention" : "MatMul+Softmax",
      );
      const network = await loadGraph(join(out, "model.onnx"));
      const read = (name: string) => {
        const { data, shape } = decodeNpy(
          readFileSync(join(folder, `${name}.npy`)),
        );
        return { data: data as Float32Array, shape };
      };
      const { y } = await network.run({ x: read("x") });
      await network.close();
      rmSync(out, { recursive: true });
      expect(distance(y.data, read("y").data)).toBeLessThan(1e-4);
    }
  },
);

test("importModel() writes the same bytes twice, and says what it wrote", () => {
  const path = join(root, "cellpose_sam_0", "checkpoint.pth");
  const [first, second] = [0, 1].map(() => {
    const out = mkdtempSync(join(tmpdir(), "model-"));
    const json = importModel(path, out, { licence: "CC0-1.0" });
    const bytes = readFileSync(join(out, "model.onnx"));
    const text = readFileSync(join(out, "model.json"), "utf8");
    rmSync(out, { recursive: true });
    return { json, bytes, text };
  });
  expect(second.bytes.equals(first.bytes)).toBe(true);
  expect(second.text).toBe(first.text);
  expect(JSON.parse(first.text)).toEqual(first.json);
  expect(first.json).toMatchObject({
    family: "cellpose-sam",
    tile: { height: 64, width: 64, isFixed: true, multiple: 8 },
    channels: { input: 3, output: 3 },
    diameter: { mean: 30, labels: 30 },
    precision: "fp32",
    licence: "CC0-1.0",
    provenance: { file: "checkpoint.pth", format: "torch", unused: [] },
  });
  expect(first.json.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test("importModel() keeps large weights in a file of their own", async () => {
  const folder = join(root, "cellpose_sam_2");
  const out = mkdtempSync(join(tmpdir(), "model-"));
  const json = importModel(join(folder, "checkpoint.pth"), out, {
    externalAboveBytes: 1000,
  });
  const names = json.networks[0].files.map(({ name }) => name);
  expect(names).toEqual(["model.onnx", "model.onnx.data"]);
  const network = await loadGraph(join(out, "model.onnx"));
  const x = decodeNpy(readFileSync(join(folder, "x.npy")));
  const { y } = await network.run({
    x: { data: x.data as Float32Array, shape: x.shape },
  });
  await network.close();
  rmSync(out, { recursive: true });
  const theirs = decodeNpy(readFileSync(join(folder, "y.npy")));
  expect(distance(y.data, theirs.data as Float32Array)).toBeLessThan(1e-4);
});

test("importModel() writes bf16 at half the size", () => {
  const path = join(root, "cellpose_sam_0", "checkpoint.pth");
  const [wide, half] = (["fp32", "bf16"] as const).map((precision) => {
    const out = mkdtempSync(join(tmpdir(), "model-"));
    const json = importModel(path, out, { precision });
    rmSync(out, { recursive: true });
    return json.networks[0].files[0].bytes;
  });
  expect(half).toBeLessThan(0.75 * wide);
});

function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - b[i])),
    0,
  );
}
