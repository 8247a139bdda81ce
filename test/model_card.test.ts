import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openModelFolder } from "../gpu-worker/model_folder.ts";
import { findShippedModel } from "../shared/models/shipped.ts";

const folder = findShippedModel();
const card = readFileSync(
  new URL("../docs/model_card.md", import.meta.url),
  "utf8",
);
const shipped = test.skipIf(folder === undefined);

shipped("the shipped model is the one that its card describes", () => {
  const bytes = readFileSync(join(folder!, "model.onnx"));
  const digest = createHash("sha256").update(bytes).digest("hex");
  expect(card).toContain(digest);
  expect(bytes.length).toBeLessThanOrEqual(4e6);
});

shipped("the shipped model's card tells how it was trained", async () => {
  const { json, model } = await openModelFolder(folder!);
  const { design, training } = json as unknown as {
    design: string;
    training: { steps: number; seed: number; images: number };
  };
  expect(card).toContain(`--network ${design}`);
  expect(card).toContain(`--steps ${training.steps}`);
  expect(card).toContain(`${training.images} `);
  expect(model).toMatchObject({ family: "cytoedge", tellsDiameter: true });
  expect(model.licence).not.toBeNull();
});
