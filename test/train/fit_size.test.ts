import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { findItems } from "../../gpu-worker/train/find_items.ts";
import { fitLooks } from "../../gpu-worker/train/fit_looks.ts";
import { fitSize } from "../../gpu-worker/train/fit_size.ts";
import { DESIGNS } from "../../gpu-worker/train/networks/mod.ts";
import { openParent } from "../../gpu-worker/train/open_parent.ts";
import type { TrainBatch } from "../../gpu-worker/train/trainer_port.ts";
import { writeTrainedModel } from "../../gpu-worker/train/write_trained.ts";
import { readTable } from "../../shared/pipeline/look_table.ts";
import { createRandom } from "../../shared/synthetic/random.ts";
import { core } from "../core.ts";
import { writeDiscs } from "./folders.ts";

const EDGE = 96;
const design = DESIGNS["residual-unet"];
const folder = join(mkdtempSync(join(tmpdir(), "size-")), "model");
afterAll(() => rmSync(join(folder, ".."), { recursive: true }));

test("fitSize() finds the diameters of discs by features that nothing trained", async () => {
  const graph = design.build({ seed: 1 });
  const seen: number[] = [];
  const { head, error, summary } = await fitSize(
    design,
    graph,
    async function* (diameter) {
      seen.push(diameter);
      yield await drawBatch(diameter, 3);
      // blank crops must not count
      yield { ...await drawBatch(diameter, 3), targets: noTargets() };
    },
  );
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(summary).toContain(`${seen.length * 8} crops`);
  expect(Object.keys(error).map(Number)).toEqual(seen);
  // in the middle of the range it is off by less than a third
  expect(error[20]).toBeLessThan(0.4);

  writeTrainedModel(folder, {
    design,
    graph,
    sizeHead: head,
    diameter: { mean: 20, labels: 20 },
    licence: "MIT",
    training: {},
  });
  const encoder = await loadNodeEncoder(folder, { providers: ["cpu"] });
  expect(encoder.model.tellsDiameter).toBe(true);
  for (const diameter of [10, 22, 38]) {
    const { images, ...batch } = drawBatch(diameter, 9);
    const { styles } = await encoder.encode({ data: images, ...batch });
    expect(styles).toHaveLength(8);
    const found = Array.from({ length: 8 }, (_, n) => styles![n]);
    const mean = found.reduce((a, b) => a + b) / found.length;
    expect(mean).toBeGreaterThan(diameter * 0.6);
    expect(mean).toBeLessThan(diameter * 1.6);
  }
  await encoder.close();
});

test("fitLooks() counts what the model tells of images, none without cells", async () => {
  const path = join(folder, "..", "images", "a");
  writeDiscs(path, 0);
  const items = findItems([join(path, "..")]).map((file) => ({
    file,
    facts: {
      name: file.name,
      kind: file.kind,
      size: { height: 96, width: 112 },
      channels: 1,
      cells: 9,
      diameter: 16,
    },
  }));
  expect(items).toHaveLength(1);
  const openEncoder = (name: string) =>
    loadNodeEncoder(name, { providers: ["cpu"] });
  const table = await fitLooks(folder, items, { core, openEncoder });
  const { style } = readTable(table!);
  // looks at 1 and 2 times the image's scale: discs of 16 and 32 pixels
  const isTold = (size: number) =>
    new Set(style[Math.round(4 * (Math.log2(size) - 1))]).size > 1;
  expect([2.5, 16, 32, 128].map(isTold)).toEqual([false, true, true, false]);

  const blank = items.map(({ file, facts }) => ({
    file,
    facts: { ...facts, cells: 0, diameter: 0 },
  }));
  expect(await fitLooks(folder, blank, { core, openEncoder })).toBe(undefined);
});

test("openParent() tunes a model that tells diameters, and leaves these alone", async () => {
  const parent = await openParent(folder, { threads: 1 });
  const trainer = await parent.openTrainer();
  const batch = drawBatch(20, 5);
  const losses = await trainer.run([batch, batch], [1e-3, 1e-3]);
  expect(losses.every(Number.isFinite)).toBe(true);
  const { tensors } = await trainer.state();
  await trainer.close();
  expect([...tensors.keys()].some((name) => name.startsWith("head."))).toBe(
    true,
  );
  expect([...tensors.keys()].filter((name) => name.startsWith("size")))
    .toEqual([]);
  const tuned = join(folder, "..", "tuned");
  await parent.writeModel(tuned, tensors, {
    diameter: 20,
    licence: null,
    training: {},
  });
  const json = JSON.parse(readFileSync(join(tuned, "model.json"), "utf8"));
  expect(json.networks[0].outputs.map((port: { name: string }) => port.name))
    .toEqual(["y", "style"]);
  const encoder = await loadNodeEncoder(tuned, { providers: ["cpu"] });
  expect(encoder.model.tellsDiameter).toBe(true);
  await encoder.close();
});

/** Eight crops of discs, bright on dark. */
function drawBatch(diameter: number, seed: number): TrainBatch {
  const random = createRandom(seed, Math.round(diameter));
  const pixels = EDGE * EDGE;
  const images = new Float32Array(8 * 3 * pixels);
  const targets = noTargets();
  for (let n = 0; n < 8; n++) {
    const [shiftY, shiftX] = [random.uniform(), random.uniform()];
    for (let i = 0; i < pixels; i++) {
      const y = Math.floor(i / EDGE) / diameter / 1.4 + shiftY;
      const x = (i % EDGE) / diameter / 1.4 + shiftX;
      const dy = (y - Math.floor(y) - 0.5) * 1.4;
      const dx = (x - Math.floor(x) - 0.5) * 1.4;
      if (dy * dy + dx * dx > 0.25) continue;
      images[n * 3 * pixels + i] = 1;
      targets[n * 3 * pixels + i] = 1;
    }
  }
  const edges = { height: EDGE, width: EDGE };
  return { images, targets, count: 8, channels: 3, ...edges };
}

function noTargets(): Float32Array {
  return new Float32Array(8 * 3 * EDGE * EDGE);
}
