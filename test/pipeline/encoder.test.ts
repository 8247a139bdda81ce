import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { ModelError } from "../../shared/errors.ts";
import { loadWebEncoder } from "../../shared/models/encoder_web.ts";
import { explainFailure, runBatch } from "../../shared/models/onnx_run.ts";
import { ModelJson } from "../../shared/schema/model.ts";
import { createRandom } from "../bench/scene.ts";
import { importSmallModel } from "./small_model.ts";

const { folder, remove } = importSmallModel();
afterAll(remove);

const random = createRandom(3);
const tiles = {
  data: Float32Array.from({ length: 2 * 3 * 256 * 256 }, () => random()),
  count: 2,
  channels: 3,
  height: 256,
  width: 256,
};

function readModel() {
  const read = (file: string) =>
    new Uint8Array(readFileSync(join(folder, file)));
  const text = readFileSync(join(folder, "model.json"), "utf8");
  const json = ModelJson.parse(JSON.parse(text));
  return { name: "small", json, graph: read("model.onnx") };
}

test("loadWebEncoder() gives what loadNodeEncoder() gives, tile by tile", async () => {
  const node = await loadNodeEncoder(folder, { providers: ["cpu"] });
  const web = await loadWebEncoder(readModel(), {
    providers: ["wasm"],
    threads: 1,
  });
  expect([node.provider, web.provider]).toEqual(["cpu", "wasm"]);
  expect(web.model).toEqual({ ...node.model, name: "small" });
  expect(web.digest).toBe(node.digest);
  const one = (await node.encode(tiles)).outputs;
  const other = (await web.encode(tiles)).outputs;
  expect(one).toHaveLength(2 * 3 * 256 * 256);
  const difference = one.reduce(
    (max, value, i) => Math.max(max, Math.abs(value - other[i])),
    0,
  );
  expect(difference).toBeLessThan(1e-3);
  const half = tiles.data.length / 2;
  const second = { ...tiles, count: 1, data: tiles.data.subarray(half) };
  const single = (await node.encode(second)).outputs;
  const apart = single.reduce(
    (max, value, i) => Math.max(max, Math.abs(value - one[half + i])),
    0,
  );
  expect(apart).toBeLessThan(1e-3);
  await node.close();
  await web.close();
});

test("loadNodeEncoder() says why a provider is passed over", async () => {
  const encoder = await loadNodeEncoder(folder);
  const before = ["cuda", "webgpu", "cpu"].indexOf(encoder.provider);
  expect(encoder.passedOver).toHaveLength(before);
  for (const { provider, reason } of encoder.passedOver) {
    expect(reason).toContain(provider);
  }
  const memory = await encoder.measureMemory?.();
  expect(memory?.used).toBeGreaterThan(0);
  expect(memory?.free).toBeGreaterThan(0);
  await encoder.close();
});

test("loadWebEncoder() refuses bytes that are not the model's", async () => {
  const model = readModel();
  model.graph[100] ^= 1;
  await expect(loadWebEncoder(model, { providers: ["wasm"] }))
    .rejects.toThrow(/model\.onnx is not what was imported/);
});

test("loadNodeEncoder() refuses a folder without a model, and says how to make one", async () => {
  await expect(loadNodeEncoder(join(folder, "none")))
    .rejects.toThrow(/there is no .*model\.json; make one with: cli import/);
});

test.each([
  ["Failed to allocate memory for requested buffer of size 9", true],
  ["CUBLAS_STATUS_ALLOC_FAILED", true],
  ["std::bad_alloc", true],
  ["Array buffer allocation failed", true],
  ["Invalid rank for input: x", false],
])("explainFailure() knows lack of memory: %s", (text, isOutOfMemory) => {
  const error = explainFailure("m", "cpu", new Error(text));
  expect(error).toBeInstanceOf(ModelError);
  expect(error).toMatchObject({ isOutOfMemory, provider: "cpu", tag: "model" });
});

test("runBatch() refuses outputs of another length", async () => {
  const { json } = readModel();
  const encoder = await loadNodeEncoder(folder, { providers: ["cpu"] });
  await encoder.close();
  const output = {
    dims: [1],
    type: "float32",
    getData: () => Promise.resolve(new Float32Array(1)),
    dispose() {},
  };
  const run = runBatch({
    session: { run: () => Promise.resolve({ y: output }) },
    network: json.networks[0],
    model: encoder.model,
    provider: "cpu",
    createTensor: (data) => data,
  }, tiles);
  await expect(run).rejects.toThrow(/gives 1 values, 393216 are expected/);
});
