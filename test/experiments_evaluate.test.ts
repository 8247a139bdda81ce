import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { encodeLabelPng } from "../shared/image/labels.ts";
import { encodePng } from "../shared/image/png.ts";
import { classical, plainNetwork } from "./experiments/baselines.ts";
import {
  evaluate,
  summarizeKinds,
  tabulateKinds,
} from "./experiments/evaluate.ts";
import {
  type LabelledImage,
  listItems,
} from "./experiments/labelled_images.ts";
import { core } from "./core.ts";
import { createFake } from "./pipeline/fake_encoder.ts";

const folder = mkdtempSync(join(tmpdir(), "evaluate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const size = { height: 64, width: 96 };

test("evaluate() scores each image and means each kind", async () => {
  const truth = squares();
  const items = [
    write("a", "dots", truth),
    write("b", "dots", truth),
    write("c", "none", new Uint32Array(truth.length)),
  ];
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify({ images: items }),
  );
  const one = truth.map((label) => label === 1 ? 1 : 0);
  const { rows, leftOut } = await evaluate(core, {
    folder,
    items: await listItems(folder),
    methods: {
      half: ({ name }) =>
        Promise.resolve({
          masks: name === "a" ? truth : name === "b" ? one : one.fill(0),
          diameter: 12,
        }),
    },
  });
  expect(leftOut).toEqual([]);
  expect(rows.map(({ ap }) => ap.half)).toEqual([1, 0.5, 1]);
  expect(rows[0]).toMatchObject({ cells: 2, used: { half: 12 } });
  // the diameter of a circle of 12×12 pixels
  expect(rows[0].diameter).toBeCloseTo(13.54, 1);
  const kinds = summarizeKinds(rows);
  expect(kinds).toEqual([
    { kind: "dots", images: 2, cells: 4, ap: { half: 0.75 } },
    { kind: "none", images: 1, cells: 0, ap: { half: 1 } },
  ]);
  expect(tabulateKinds(kinds)).toContain("| dots | 2 | 4 | 0.750 |");
});

test("summarizeKinds() counts the frames of a film as one image", () => {
  const row = (image: string, ap: number) => ({
    image,
    kind: "k",
    cells: 1,
    diameter: 10,
    ap: { m: ap },
    used: {},
  });
  const [kind] = summarizeKinds([row("f_t0", 0), row("f_t1", 1), row("g", 1)]);
  expect(kind).toMatchObject({ images: 2, cells: 3, ap: { m: 0.75 } });
});

test("classical() and plainNetwork() find bright squares", async () => {
  const truth = squares();
  const image: LabelledImage = {
    name: "squares",
    kind: "k",
    data: Uint8Array.from(truth, (label) => label > 0 ? 200 : 20),
    axes: "YX",
    shape: [64, 96],
    size,
    truth,
  };
  const encoder = createFake(
    (tile, { height, width }) =>
      tile.slice(0, height * width).map((value) => value > 0.5 ? 3 : -3),
    {
      model: { family: "unet", outputs: 1, tileSize: 128 },
    },
  );
  const diameters = new Map<string, number | null>();
  for (
    const method of [
      classical(),
      plainNetwork(core, encoder, { diameters, split: "pieces" }),
      plainNetwork(core, encoder, { diameters, split: "watershed" }),
    ]
  ) {
    const { masks } = await method(image);
    const [{ ap }] = core.averagePrecision(truth, masks, size, [0.5]);
    expect(ap).toBe(1);
  }
});

function squares(): Uint32Array {
  const labels = new Uint32Array(size.height * size.width);
  for (const [label, left] of [[1, 10], [2, 50]]) {
    for (let y = 20; y < 32; y++) {
      labels.fill(label, y * size.width + left, y * size.width + left + 12);
    }
  }
  return labels;
}

function write(name: string, modality: string, masks: Uint32Array) {
  const data = Uint8Array.from(masks, (label) => label > 0 ? 200 : 20);
  const file = `${name}.png`;
  const labels = `${name}_labels.png`;
  writeFileSync(join(folder, file), encodePng({ data, size, channels: 1 }));
  writeFileSync(join(folder, labels), encodeLabelPng({ masks, size }));
  return { file, labels, modality };
}
