import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodePng } from "../shared/image/png.ts";
import { generateScene, renderMicrograph } from "../shared/synthetic/mod.ts";
import { core } from "./core.ts";
import { type LabelledImage, readImages } from "./experiments/model/images.ts";
import { writeModelPage } from "./experiments/model/page.ts";
import { FAULTS, STRENGTHS } from "./experiments/model/perturb.ts";
import {
  DIAMETER_FACTORS,
  trueDiameter,
} from "./experiments/model/robustness.ts";
import { runModelExperiments } from "./experiments/model/run.ts";
import { findTouching } from "./experiments/model/table1.ts";
import { splitForeground } from "./experiments/watershed.ts";
import { tellDiameter, unfollowed } from "./experiments/model/tell_diameter.ts";
import { createFake } from "./pipeline/fake_encoder.ts";

const PROVENANCE = {
  date: "2030-01-02T03:04:05Z",
  commit: "abc1234",
  version: "1.2.3",
  runtime: "Deno 9",
};

/** Bright pixels are cells, split by a watershed: what a network could say. */
const encoder = createFake((tile, size) => {
  const pixels = size.height * size.width;
  const isCell = (i: number) => tile[i] > 0.2;
  const labels = splitForeground(isCell, size, 15);
  const out = new Float32Array(3 * pixels);
  out.set(core.labelsToFlows(labels, size).map((v) => 5 * v));
  out.set(Float32Array.from(labels, (l) => l > 0 ? 5 : -5), 2 * pixels);
  return out;
}, { model: { channels: 1, tileSize: 128 } });

const scene = generateScene(2, {
  shape: "circle",
  count: 6,
  overlap: 0.15,
  size: { height: 128, width: 128 },
  radius: [11, 15],
});
const { data } = renderMicrograph(scene.labels, scene.size, 2, { noise: 0.01 });
const image: LabelledImage = {
  name: "scene.png",
  kind: "rendered",
  data: Float32Array.from(data),
  size: scene.size,
  channels: 1,
  truth: scene.labels,
};

const files = new Map<string, Uint8Array | string>();
const { truth: _, ...unlabelled } = image;
const results = await runModelExperiments(core, {
  networks: { ours: encoder, unet: encoder },
  images: [image],
  shown: [image, { ...unlabelled, name: "other.png" }],
  provenance: PROVENANCE,
  print: () => {},
}, files);

test("runTable1() finds touching cells by flows that a threshold joins", () => {
  const row = (method: string) =>
    results.table1.find((each) => each.method === method)!;
  expect(row("ours").touching).toBeGreaterThan(1);
  expect(row("ours").touching + row("ours").apart).toBe(scene.count);
  expect(row("ours").foundTouching).toBe(1);
  expect(row("U-Net, threshold").foundTouching).toBeLessThan(0.5);
  expect(row("U-Net, watershed").foundTouching).toBe(1);
  expect(row("ours").ap50.mean).toBeGreaterThan(0.8);
});

test("findTouching() tells labels side by side from those at a corner or apart", () => {
  // 1 1 2
  // 0 3 0
  // 4 0 0
  const labels = Uint32Array.of(1, 1, 2, 0, 3, 0, 4, 0, 0);
  expect([...findTouching(labels, 3)].sort()).toEqual([1, 2, 3]);
  // the end of a row does not touch the start of the next
  expect(findTouching(Uint32Array.of(0, 1, 2, 0), 2).size).toBe(0);
});

test("runRobustness() measures every fault; the first strength is the image itself", () => {
  const ours = (fault: string) =>
    results.robustness.filter((point) =>
      point.method === "ours" && point.fault === fault
    );
  expect(ours("diameter").map(({ strength }) => strength)).toEqual(
    DIAMETER_FACTORS,
  );
  const itself = ours("diameter")[DIAMETER_FACTORS.indexOf(1)].ap50.mean;
  expect(itself).toBeGreaterThan(0.3);
  for (const fault of Object.keys(STRENGTHS) as (keyof typeof STRENGTHS)[]) {
    const points = ours(fault);
    expect(points.map(({ strength }) => strength)).toEqual(STRENGTHS[fault]);
    if (fault === "channel order") continue; // it makes three channels of one
    expect(points[0].ap50.mean, fault).toBe(itself);
  }
  // this encoder is a threshold, which does not stand much noise
  expect(ours("noise").at(-1)!.ap50.mean).toBeLessThan(itself / 2);
});

test("FAULTS change what they say, by as much", () => {
  const changed = (fault: keyof typeof FAULTS, k: number) =>
    FAULTS[fault](image, STRENGTHS[fault][k]);
  for (const fault of Object.keys(FAULTS) as (keyof typeof FAULTS)[]) {
    const same = changed(fault, 0).data;
    if (fault !== "channel order") expect(same).toEqual(image.data);
  }
  const rotated = changed("channel order", 2);
  expect(rotated.channels).toBe(3);
  expect(rotated.data.filter((_, i) => i % 3 === 2)).toEqual(image.data);
  const small = changed("downsampling", 1);
  expect(small.size).toEqual({ height: 64, width: 64 });
  expect(small.data[0]).toBeCloseTo(
    (image.data[0] + image.data[1] + image.data[128] + image.data[129]) / 4,
    4,
  );
  expect(trueDiameter(small)).toBeCloseTo(trueDiameter(image) / 2, 0);
  expect(new Set(changed("contrast", 4).data).size).toBeLessThan(16);
});

test("writeModelPage() links to files of the run only, and to all of them, with AP under each", () => {
  const page = writeModelPage(results);
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, name]) => name);
  expect(new Set(links)).toEqual(new Set([...files.keys(), "results.json"]));
  const { many, usual } = results.gallery[0];
  expect(page).toContain(`${many.file})<br>AP50 ${many.ap50!.toFixed(3)}`);
  expect(page).toContain(`${usual.file})<br>AP50 ${usual.ap50!.toFixed(3)}`);
  expect(page).toContain("no truth");
  expect(page).toContain("Not measured: the CPnet-shaped network");
  for (const { ap50 } of results.table1) {
    expect(page).toContain(ap50.mean.toFixed(3));
  }
});

test("readImages() reads images with their truth and kind, and leaves out the rest", async () => {
  const folder = mkdtempSync(join(tmpdir(), "images-"));
  try {
    const size = { height: 2, width: 3 };
    const write = (name: string, bytes: number[], channels = 1) =>
      writeFileSync(
        join(folder, name),
        encodePng({ data: Uint8Array.from(bytes), size, channels }),
      );
    write("a.png", [0, 1, 2, 3, 4, 5]);
    write("a_labels.png", [0, 0, 1, 1, 2, 2]);
    write("b.png", Array.from({ length: 18 }, (_, i) => i), 3);
    writeFileSync(join(folder, "notes.txt"), "no image");
    writeFileSync(
      join(folder, "manifest.json"),
      JSON.stringify({ images: [{ file: "a.png", modality: "test" }] }),
    );
    const [a, b, ...more] = await readImages(folder);
    expect(more).toEqual([]);
    expect(a).toMatchObject({ name: "a.png", kind: "test", size, channels: 1 });
    expect([...a.truth!]).toEqual([0, 0, 1, 1, 2, 2]);
    expect([...a.data]).toEqual([0, 1, 2, 3, 4, 5]);
    expect(b).toMatchObject({ kind: "unknown", channels: 3 });
    expect(b.truth).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("tellDiameter() tells the true diameter where none is given", async () => {
  const given: unknown[] = [];
  const segment = tellDiameter((_, options) => {
    given.push(options);
    return Promise.resolve(new Uint32Array(0));
  });
  await segment(image);
  await segment(image, { diameter: 7 });
  const { truth: _, ...unlabelled } = image;
  await segment(unlabelled);
  await unfollowed(segment)(image, { diameter: 9 });
  expect(given).toEqual([
    { diameter: trueDiameter(image) },
    { diameter: 7 },
    {},
    { diameter: 9, niter: 1, flowThreshold: 0 },
  ]);
});
