import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
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
