/** Cells by prompts at the edge, with a random network. */
import { appendFileSync, cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPrompted } from "../../edge/load_preview.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { loadNodePromptModel } from "../../gpu-worker/prompt_model_node.ts";
import { decodeImage } from "../../shared/image/decode.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { findShippedModel } from "../../shared/models/shipped.ts";
import { layOutPlanes } from "../../shared/pipeline/planes.ts";
import type { PromptModel } from "../../shared/pipeline/prompt_model.ts";
import { createRefiner } from "../../shared/pipeline/refine.ts";
import { core } from "../core.ts";
import { unpackModels } from "../import/models.ts";
import { startTestService, type TestService } from "./service.ts";

const SIZE = { height: 60, width: 80 };
const image = encodeTiff({
  data: Uint16Array.from(
    { length: 2 * SIZE.height * SIZE.width },
    (_, i) => 500 + 400 * Math.sin(i / 7) + i / 10,
  ),
  axes: "ZYX",
  shape: [2, SIZE.height, SIZE.width],
});

let root: string;
let model: PromptModel;
let service: TestService;

beforeAll(async () => {
  root = unpackModels(["sam_0"]);
  importModel(join(root, "sam_0", "checkpoint.pth"), join(root, "sam"));
  model = await loadNodePromptModel(join(root, "sam"));
  service = await startTestService({
    isWorking: false,
    loadPrompted: () => Promise.resolve(model),
  });
});
afterAll(async () => {
  await service.close();
  await model.close();
  rmSync(root, { recursive: true });
});

test("POST /prompts answers with the cell that refine() finds", async () => {
  const upload = await service.upload("stack.tif", image);
  const prompt = { points: [[30, 40]], box: [20, 25, 45, 60] };
  const { status, body } = await service.call("POST", "/v1/prompts", {
    json: { upload, plane: 1, ...prompt },
  });
  expect(status).toBe(200);
  const refiner = createRefiner(core, model);
  const plane = layOutPlanes(await decodeImage(image))[1];
  const found = await refiner.refine(await refiner.embed(plane), {
    points: [[30, 40]],
    box: [20, 25, 45, 60],
  });
  const want = found.logits.reduce<number[]>(
    (all, logit, i) => logit > 0 ? [...all, i] : all,
    [],
  );
  const pixels: number[] = [];
  for (let r = 0; r < body.runs.length; r += 2) {
    for (let k = 0; k < body.runs[r + 1]; k++) pixels.push(body.runs[r] + k);
  }
  expect(pixels).toEqual(want);
  expect(body).toMatchObject({
    size: SIZE,
    area: want.length,
    score: found.scores[found.chosen],
    model: { family: "sam", sha256: model.digest },
  });
});

test("POST /prompts names what is wrong, and is told of by GET /models", async () => {
  const upload = await service.upload("stack.tif", image);
  const ask = (json: object) =>
    service.call("POST", "/v1/prompts", { json: { upload, ...json } });
  const pointers = async (json: object) =>
    (await ask(json)).body.errors.map((
      { pointer }: { pointer: string },
    ) => pointer);
  expect(await pointers({})).toEqual([""]);
  expect(await pointers({ points: [[3, 4], [61, 2]] })).toEqual(["/points/1"]);
  expect(await pointers({ box: [5, 5, 4, 9] })).toEqual(["/box"]);
  expect(await pointers({ plane: 2, points: [[3, 4]] })).toEqual(["/plane"]);
  const gone = await service.call("POST", "/v1/prompts", {
    json: { upload: "none", points: [[3, 4]] },
  });
  expect(gone.status).toBe(404);
  const { body } = await service.call("GET", "/v1/models");
  expect(body.prompted).toMatchObject({ family: "sam", isDefault: false });
});

test("without a model, POST /prompts says so, and GET /models has none", async () => {
  const plain = await startTestService({ isWorking: false });
  try {
    const upload = await plain.upload("stack.tif", image);
    const { status, body } = await plain.call("POST", "/v1/prompts", {
      json: { upload, points: [[3, 4]] },
    });
    expect(status).toBe(404);
    expect(body.detail).toContain("no model that answers prompts");
    expect(body.detail).toContain("CYTOEDGE_PROMPT_MODEL=DIR");
    const models = await plain.call("GET", "/v1/models");
    expect(models.body).not.toHaveProperty("prompted");
  } finally {
    await plain.close();
  }
});

test("loadPrompted() answers on the web runtime as the worker's does", async () => {
  const web = await loadPrompted(join(root, "sam"));
  try {
    expect(web).toMatchObject({
      digest: model.digest,
      provider: "wasm",
      imageSize: model.imageSize,
      maskSize: model.maskSize,
    });
    const [plane] = layOutPlanes(await decodeImage(image));
    const prompt = { points: [[30, 40]], box: [20, 25, 45, 60] } as const;
    const [found, want] = await Promise.all([web, model].map(async (each) => {
      const refiner = createRefiner(core, each);
      return await refiner.refine(await refiner.embed(plane), prompt);
    }));
    expect(found.chosen).toBe(want.chosen);
    const apart = found.logits.map((v, i) => Math.abs(v - want.logits[i]));
    expect(Math.max(...apart)).toBeLessThan(1e-3);
  } finally {
    await web.close();
  }
});

test("loadPrompted() refuses what is missing, changed, or answers no prompts", async () => {
  await expect(loadPrompted(join(root, "none"))).rejects
    .toThrow(/there is no .*model.json; make one with/);
  const changed = join(root, "changed");
  cpSync(join(root, "sam"), changed, { recursive: true });
  const [{ files: [file] }] = JSON.parse(
    readFileSync(join(changed, "model.json"), "utf8"),
  ).networks;
  appendFileSync(join(changed, file.name), "more");
  await expect(loadPrompted(changed)).rejects.toThrow(/not what was imported/);
  await expect(loadPrompted(findShippedModel()!)).rejects
    .toThrow(/answers no prompts/);
});

test("GET /uploads/:id says where to get what is stored", async () => {
  const upload = await service.upload("a.tif", image);
  const { body } = await service.call("GET", `/v1/uploads/${upload}`);
  const { get } = body;
  const answer = await service.fetch(
    new Request(get.url, { headers: get.headers }),
  );
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(
    new Uint8Array(image),
  );
  const announced = await service.call("POST", "/v1/uploads", {
    json: { name: "b.tif", bytes: 9, sha256: "0".repeat(64) },
  });
  expect(announced.body).not.toHaveProperty("get");
});
