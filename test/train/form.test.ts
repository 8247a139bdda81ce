/** The training form of a checkpoint, and what is written of it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  type Checkpoint,
  openCheckpoint,
} from "../../gpu-worker/import/checkpoint.ts";
import {
  mergeTensors,
  openForm,
  writeTrained,
} from "../../gpu-worker/train/form.ts";
import { drawKept } from "../../gpu-worker/train/layer_drop.ts";
import { observeGradients } from "../../gpu-worker/train/observe.ts";
import {
  openTrainer,
  type TrainBatch,
} from "../../gpu-worker/train/trainer.ts";
import { loadGraph } from "../../gpu-worker/run_graph.ts";
import { toFloat32 } from "../../shared/graph/mod.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { unpackModels, unpackSteps } from "../import/models.ts";

const root = unpackSteps();
const models = unpackModels(["cellpose_dino_0", "sam_0"]);
const open: Checkpoint[] = [];
afterAll(() => {
  for (const checkpoint of open) checkpoint.close();
  rmSync(root, { recursive: true });
  rmSync(models, { recursive: true });
});

function openTensors(folder: string) {
  const checkpoint = openCheckpoint(join(folder, "checkpoint.pth"));
  open.push(checkpoint);
  return checkpoint.tensors;
}

function readFloats(folder: string, name: string) {
  const { data, shape } = decodeNpy(readFileSync(join(folder, `${name}.npy`)));
  return { data: Float32Array.from(data as Float32Array), shape };
}

function readStep(id: string) {
  const folder = join(root, id);
  const x = readFloats(folder, "x");
  const [count, channels, height, width] = x.shape;
  const batch: TrainBatch = {
    images: x.data,
    targets: readFloats(folder, "labels_cellprob_flows").data,
    count,
    channels,
    height,
    width,
  };
  return { tensors: openTensors(folder), batch };
}

test("openForm() names what training changes, in the checkpoint's order", () => {
  const { tensors } = readStep("cellpose_sam_0");
  const { form, family } = openForm(tensors);
  const frozen = [...tensors.keys()]
    .filter((name) => !form.parameters.includes(name));
  expect(family).toBe("cellpose-sam");
  expect(frozen).toEqual([
    "diam_labels",
    "diam_mean",
    "W2",
    "encoder.patch_embed.proj.weight",
    "encoder.patch_embed.proj.bias",
  ]);
  expect(form.boundaries).toHaveLength(3);
  // each in its own shape, whatever the network makes of it
  for (const { name, shape } of form.graph.initializers) {
    if (form.parameters.includes(name)) {
      expect(shape).toEqual(tensors.get(name)?.shape);
    }
  }
});

test("openForm() refuses a family that has no training form", () => {
  const tensors = openTensors(join(models, "sam_0"));
  expect(() => openForm(tensors)).toThrow(/Training of sam.*cellpose-sam/s);
});

test("observeGradients() gives the same where blocks are computed again", async () => {
  const { tensors, batch } = readStep("cellpose_sam_1");
  const network = openForm(tensors);
  const plain = await observeGradients(network, batch);
  const again = await observeGradients(network, batch, { recompute: true });
  expect(again.loss).toBe(plain.loss);
  expect([...again.gradients.keys()]).toEqual([...plain.gradients.keys()]);
  for (const [name, { data }] of plain.gradients) {
    expect(again.gradients.get(name)?.data, name).toEqual(data);
  }
});

test("layer drop leaves the blocks that all images skip without gradient", async () => {
  const { tensors, batch } = readStep("cellpose_sam_0");
  const network = openForm(tensors, { hasLayerDrop: true });
  const plain = await observeGradients(openForm(tensors), batch);
  const all = await observeGradients(network, batch);
  expect(all.loss).toBeCloseTo(plain.loss, 6);
  const kept = Float32Array.of(1, 0, 1, 0);
  const some = await observeGradients(network, { ...batch, kept });
  const size = (name: string) =>
    some.gradients.get(name)!.data.reduce((sum, v) => sum + Math.abs(v), 0);
  expect(size("encoder.blocks.1.mlp.lin1.weight")).toBe(0);
  expect(size("encoder.blocks.1.attn.rel_pos_h")).toBe(0);
  expect(size("encoder.blocks.0.attn.rel_pos_h")).toBeGreaterThan(0);
  // one image alone skips it: the other's gradient is that of a batch of one
  const first = await observeGradients(network, {
    ...batch,
    kept: Float32Array.of(1, 1, 1, 0),
  });
  expect(first.loss).not.toBeCloseTo(some.loss, 5);
  await expect(
    openTrainer(openForm(tensors)).then((trainer) =>
      trainer.run([{ ...batch, kept }], [0.1]).finally(() => trainer.close())
    ),
  ).rejects.toThrow(/build the network with layer drop/);
});

test("openForm() computes in half precision, with weights in f32", async () => {
  const { tensors, batch } = readStep("cellpose_sam_0");
  const full = await observeGradients(openForm(tensors), batch);
  const network = openForm(tensors, { compute: "f16" });
  const half = await observeGradients(network, batch);
  expect(half.loss).not.toBe(full.loss);
  expect(half.loss).toBeCloseTo(full.loss, 3);
  for (const [name, { data }] of full.gradients) {
    const found = half.gradients.get(name)!.data;
    // the gradient of a bias of keys is rounding
    if (name.endsWith("qkv.bias")) continue;
    const error = Math.hypot(...data.map((v, i) => v - found[i]));
    expect(error / Math.hypot(...data), name).toBeLessThan(0.05);
  }
});

test("drawKept() rises evenly to the last block's rate, by seed and step", () => {
  const options = { seed: 3, step: 5, count: 4000, blocks: 5 };
  const kept = drawKept(options);
  const rates = Array.from({ length: 5 }, (_, block) => {
    const own = kept.filter((_, i) => i % 5 === block);
    return own.filter((v) => v === 0).length / own.length;
  });
  [0, 0.1, 0.2, 0.3, 0.4].forEach((rate, block) =>
    expect(Math.abs(rates[block] - rate)).toBeLessThan(0.025)
  );
  expect(drawKept(options)).toEqual(kept);
  expect(drawKept({ ...options, step: 6 })).not.toEqual(kept);
});

test("openTrainer() trains Cellpose-DINO, whose tile is free", async () => {
  const folder = join(models, "cellpose_dino_0");
  const x = readFloats(folder, "x");
  const y = readFloats(folder, "y");
  const [count, channels, height, width] = x.shape;
  const targets = Float32Array.from(y.data, Math.tanh);
  const batch = { images: x.data, targets, count, channels, height, width };
  const network = openForm(openTensors(folder), { hasLayerDrop: true });
  const trainer = await openTrainer(network, { recompute: true });
  const losses = await trainer.run([batch, batch, batch], [1e-3, 1e-3, 1e-3]);
  const names = [...trainer.weights().keys()];
  await trainer.close();
  expect(losses[2]).toBeLessThan(losses[0]);
  expect(names).toContain("encoder.blocks.0.attn.qkv.bias");
  expect(names).not.toContain("encoder.patch_embed.proj.weight");
});

test("writeTrained() writes weights that import and train again", async () => {
  const { tensors, batch } = readStep("cellpose_sam_0");
  const trainer = await openTrainer(openForm(tensors));
  await trainer.run([batch], [1e-2]);
  const trained = mergeTensors(tensors, trainer.weights());
  const loss = await trainer.evaluate(batch);
  await trainer.close();
  const folder = mkdtempSync(join(tmpdir(), "trained-"));
  const json = writeTrained(trained, folder, { licence: "MIT" });
  expect(json).toMatchObject({ family: "cellpose-sam", licence: "MIT" });
  const checkpoint = openCheckpoint(join(folder, "checkpoint.safetensors"));
  for (const [name, tensor] of trained) {
    const read = checkpoint.tensors.get(name)!;
    expect(read.shape).toEqual(tensor.shape);
    expect(toFloat32(read.read(), read.dtype))
      .toEqual(toFloat32(tensor.read(), tensor.dtype));
  }
  const again = await openTrainer(openForm(checkpoint.tensors));
  expect(await again.evaluate(batch)).toBeCloseTo(loss, 6);
  await again.close();
  checkpoint.close();
  const network = await loadGraph(join(folder, "model.onnx"));
  const { shape } = (await network.run({
    x: { data: batch.images, shape: [2, 3, 32, 32] },
  })).y;
  expect(shape).toEqual([2, 3, 32, 32]);
  await network.close();
  rmSync(folder, { recursive: true });
});

test("mergeTensors() refuses what the checkpoint does not have", () => {
  const { tensors } = readStep("cellpose_sam_0");
  const data = new Float32Array(4);
  expect(() => mergeTensors(tensors, new Map([["a", { shape: [4], data }]])))
    .toThrow("a is not in the checkpoint");
  expect(() =>
    mergeTensors(tensors, new Map([["out.bias", { shape: [4], data }]]))
  ).toThrow(/out.bias.*is 4, the checkpoint's is 48/);
});
