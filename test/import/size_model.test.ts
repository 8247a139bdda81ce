import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { loadWebEncoder } from "../../shared/models/encoder_web.ts";
import { ModelJson } from "../../shared/schema/model.ts";
import { unpackModels } from "./models.ts";

/** As NumPy saves it: slope 1, −2, ½, ¼, 1, −1; means ¼; 30 pixels; ⅛. */
const SIZE = fileURLToPath(
  new URL("../fixtures/models/size.npy", import.meta.url),
);
const SLOPE = [1, -2, 0.5, 0.25, 1, -1];

test("importModel() adds a size model: exp(A·(style/|style| − mean) + log mean + offset), at least 5", async () => {
  const root = unpackModels(["cellpose_unet_2"]);
  const checkpoint = join(root, "cellpose_unet_2", "checkpoint.pth");
  const json = importModel(checkpoint, join(root, "out"), {
    sizeModel: SIZE,
  });
  expect(json.networks.map(({ name }) => name)).toEqual(["model", "size"]);
  const network = await loadGraph(join(root, "out", "size.onnx"));
  const styles = [[0.5, 0.25, 0.125, 0.5, 0.25, 0.75], [-4, 3, 0, 0, 0, 0]];
  const { diameter } = await network.run({
    style: { data: Float32Array.from(styles.flat()), shape: [2, 6] },
  });
  await network.close();
  rmSync(root, { recursive: true });
  const expected = styles.map((style) =>
    Math.max(
      5,
      Math.exp(
        style.reduce(
          (sum, s, i) => sum + SLOPE[i] * (s / Math.hypot(...style) - 0.25),
          0,
        ) +
          Math.log(30) + 0.125,
      ),
    )
  );
  expect(diameter.shape).toEqual([2]);
  expect(diameter.data[0]).toBeCloseTo(expected[0], 3);
  expect(diameter.data[1]).toBe(5);
});

test("loadWebEncoder() tells the diameter that loadNodeEncoder() tells", async () => {
  const root = unpackModels(["cellpose_unet_2"]);
  const folder = join(root, "out");
  const checkpoint = join(root, "cellpose_unet_2", "checkpoint.pth");
  importModel(checkpoint, folder, { sizeModel: SIZE });
  const read = (name: string) =>
    new Uint8Array(readFileSync(join(folder, name)));
  const text = new TextDecoder().decode(read("model.json"));
  const json = ModelJson.parse(JSON.parse(text));
  const model = { name: "web", json, graph: read("model.onnx") };
  const size = read("size.onnx");
  const options = { providers: ["wasm"], threads: 1 } as const;
  const node = await loadNodeEncoder(folder, { providers: ["cpu"] });
  const web = await loadWebEncoder({ ...model, size }, options);
  const style = Float32Array.of(0.5, 0.25, 0.125, 0.5, 0.25, 0.75);
  const diameter = await web.estimateDiameter?.(style);
  expect(diameter).toBeGreaterThan(5);
  expect(diameter).toBeCloseTo(await node.estimateDiameter!(style), 3);
  await node.close();
  await web.close();
  size[100] ^= 1;
  await expect(loadWebEncoder({ ...model, size }, options)).rejects
    .toThrow(/size\.onnx is not what was imported/);
  rmSync(root, { recursive: true });
});

test("importModel() refuses a size model of another network", () => {
  const root = unpackModels(["cellpose_unet_0", "unet_2"]);
  const make = (id: string, size: string) => () =>
    importModel(join(root, id, "checkpoint.pth"), join(root, "out"), {
      sizeModel: size,
    });
  expect(make("cellpose_unet_0", SIZE))
    .toThrow(/styles of 6 numbers, the network gives 10/);
  expect(make("unet_2", SIZE)).toThrow(/no styles/);
  const other = join(root, "other.npy");
  writeFileSync(other, "text");
  expect(make("cellpose_unet_0", other)).toThrow(/size model/);
  rmSync(root, { recursive: true });
});
