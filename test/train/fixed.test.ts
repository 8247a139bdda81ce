/** Tuning changes what the peer trains, and nothing else. */
import { Buffer } from "node:buffer";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { openParent } from "../../gpu-worker/train/open_parent.ts";
import { decodeModel } from "../../shared/graph/mod.ts";
import { createRandom } from "../../shared/synthetic/random.ts";
import { unpackModels } from "../import/models.ts";

const IDS = ["cellpose_dino_0", "cellpose_dino_2", "cellpose_sam_0"];
let root: string;
beforeAll(() => {
  root = unpackModels(IDS);
});
afterAll(() => rmSync(root, { recursive: true }));

/** What the peer holds at its place: no parameter, or none with a gradient. */
const KEPT =
  /^(still_|places_|encoder\.(patch_embed|rope_embed)\.)|^(float|ints)\[|^(zero|one)_/;

test.each(
  IDS.flatMap((id) => [[id, true], [id, false]] as const),
)(
  "openParent() trains what %s trains, told by model.json: %s",
  async (id, isTold) => {
    const folder = join(root, `${id}-${isTold}`);
    importModel(join(root, id, "checkpoint.pth"), folder, {});
    if (!isTold) forget(join(folder, "model.json"));
    const before = readConstants(folder);
    const parent = await openParent(folder, {
      threads: 1,
      optimizer: { weightDecay: 0.1 },
    });
    const trainer = await parent.openTrainer();
    const batch = drawBatch(parent.fixedCrop ?? 2 * parent.multiple);
    await trainer.run([batch, batch], [1e-2, 1e-2]);
    const { tensors } = await trainer.state();
    await trainer.close();
    const tuned = `${folder}-tuned`;
    await parent.writeModel(tuned, tensors, {
      diameter: 30,
      licence: null,
      training: {},
    });
    const after = readConstants(tuned);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, bytes] of before) {
      const isSame = Buffer.from(bytes).equals(after.get(name)!);
      expect(isSame, name).toBe(KEPT.test(name) || isMasked(id, name));
    }
    // a model tuned once is tuned by the same rule again
    const { fixed } = readJson(join(tuned, "model.json")).networks[0];
    expect(fixed!.some((name) => KEPT.test(name))).toBe(true);
    expect(fixed!.every((name) =>
      !/\.(weight|gamma)/.test(name) ||
      name.startsWith("encoder.patch_embed.")
    )).toBe(true);
  },
);

/** The bias of keys, which DINOv3's mask holds at 0. */
function isMasked(id: string, name: string): boolean {
  const [, size, end] = /\.qkv\.bias\[(\d+):(\d+)\]$/.exec(name) ?? [];
  return id.includes("dino") && Number(size) > 0 &&
    Number(end) === 2 * Number(size);
}

function readJson(
  path: string,
): { networks: { fixed?: string[] | undefined }[] } {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** As models were described before. */
function forget(path: string) {
  const json = readJson(path);
  expect(json.networks[0].fixed?.length).toBeGreaterThan(0);
  delete json.networks[0].fixed;
  writeFileSync(path, JSON.stringify(json));
}

function readConstants(folder: string): Map<string, Uint8Array> {
  const bytes = readFileSync(join(folder, "model.onnx"));
  return new Map(
    decodeModel(new Uint8Array(bytes)).initializers
      .map(({ name, read }) => [name, read()]),
  );
}

/** A crop of noise, with flows of noise. */
function drawBatch(edge: number) {
  const random = createRandom(7);
  const draw = () =>
    Float32Array.from({ length: 3 * edge * edge }, () => random.uniform());
  return {
    count: 1,
    channels: 3,
    height: edge,
    width: edge,
    images: draw(),
    targets: draw(),
  };
}
