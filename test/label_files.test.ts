import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readLabelFile, writeLabelFile } from "../cli/label_files.ts";
import { ArgumentError } from "../shared/errors.ts";
import { encodeLabelPng } from "../shared/image/labels.ts";
import { streamObjectArray } from "../shared/image/pickle_write.ts";
import { decodeSegNpy } from "../shared/image/seg_npy.ts";
import { encodeSegNpy } from "../shared/image/seg_npy_write.ts";
import { imageStemOf, outputNames, stemOf } from "../shared/image/names.ts";
import { encodeOutlinesText } from "../shared/image/outlines_text.ts";
import { encodeCellTable } from "../shared/image/table.ts";
import { drawOverlaySvg } from "../shared/image/overlay_svg.ts";
import { core } from "./core.ts";
import { makeHardLabels } from "./files/hard_labels.ts";

const folder = mkdtempSync(join(tmpdir(), "cytoedge-labels-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENDINGS = [
  "a_cp_masks.tif",
  "a_cp_masks.png",
  "a_masks.npy",
  "a_seg.npy",
  "a_rois.zip",
  "a.geojson",
  "a_coco.json",
  "a.ome.zarr",
];

test.each(ENDINGS)(
  "writeLabelFile() and readLabelFile() keep labels in %s",
  async (name) => {
    const labels = makeHardLabels({ height: 45, width: 61 });
    const path = join(folder, name);
    await writeLabelFile(path, { ...labels, format: "tiff", warnings: [] }, {
      core,
    });
    const size = labels.size;
    const back = await readLabelFile(path, { size });
    expect(back.size).toEqual(size);
    expect(back.masks).toEqual(labels.masks);
  },
);

test.each(ENDINGS.filter((name) => !name.endsWith("png")))(
  "writeLabelFile() keeps labels above 65535 in %s",
  async (name) => {
    const size = { height: 9, width: 11 };
    const masks = new Uint32Array(99);
    masks.fill(70_000, 12, 15);
    masks.fill(2 ** 31 - 1, 40, 44);
    const path = join(folder, `large_${name}`);
    await writeLabelFile(path, { masks, size, format: "tiff", warnings: [] }, {
      core,
    });
    expect((await readLabelFile(path, { size })).masks).toEqual(masks);
  },
);

test.each(ENDINGS)("writeLabelFile() writes no cells to %s", async (name) => {
  const size = { height: 3, width: 4 };
  const masks = new Uint32Array(12);
  const path = join(folder, `empty_${name}`);
  await writeLabelFile(path, { masks, size, format: "tiff", warnings: [] }, {
    core,
  });
  expect((await readLabelFile(path, { size })).masks).toEqual(masks);
});

test.each(["v.tif", "v.npy", "v_seg.npy", "v.zarr"])(
  "writeLabelFile() keeps volumes in %s",
  async (name) => {
    const size = { depth: 3, height: 4, width: 5 };
    const masks = Uint32Array.from({ length: 60 }, (_, i) => i % 7);
    const path = join(folder, name);
    await writeLabelFile(path, { masks, size, format: "tiff", warnings: [] }, {
      core,
    });
    const back = await readLabelFile(path);
    expect(back.size).toEqual(size);
    expect(back.masks).toEqual(masks);
  },
);

test.each(["v.png", "v.zip", "v.geojson", "v.json", "v.txt"])(
  "writeLabelFile() refuses volumes in %s",
  async (name) => {
    const size = { depth: 2, height: 1, width: 1 };
    const masks = new Uint32Array(2);
    const write = writeLabelFile(
      join(folder, name),
      { masks, size, format: "tiff", warnings: [] },
      { core },
    );
    await expect(write).rejects.toThrow(ArgumentError);
  },
);

test("encodeLabelPng() names TIFF for labels above 65535", () => {
  const size = { height: 1, width: 2 };
  expect(() => encodeLabelPng({ masks: Uint32Array.of(0, 65536), size }))
    .toThrow(/65535.*TIFF/);
  encodeLabelPng({ masks: Uint32Array.of(0, 65535), size });
});

test("decodeSegNpy() gives what encodeSegNpy() was given", () => {
  const { masks, size } = makeHardLabels({ height: 20, width: 30 });
  const seg = decodeSegNpy(
    encodeSegNpy({ masks, size, filename: "ä/b.tif", diameter: 17.5 }),
  );
  expect(seg.filename).toBe("ä/b.tif");
  expect(seg.diameter).toBe(17.5);
  expect(seg.masks).toEqual(masks);
  expect([...seg.entries.keys()]).toEqual([
    "outlines",
    "masks",
    "chan_choose",
    "ismanual",
    "filename",
    "flows",
    "diameter",
  ]);
});

test("encodeOutlinesText() writes x, y and an empty line for small ones", () => {
  // a 3×3 square at (1, 2), and one pixel
  const size = { height: 6, width: 8 };
  const masks = new Uint32Array(48);
  for (const y of [1, 2, 3]) masks.fill(1, y * 8 + 2, y * 8 + 5);
  masks[5 * 8 + 7] = 2;
  const rings = core.traceContours(masks, size, {
    along: "centers",
    longest: true,
  });
  const [square, pixel, end] = encodeOutlinesText(rings).split("\n");
  expect(square.split(",").length).toBe(16);
  expect(square.startsWith("2,1,")).toBe(true);
  expect([pixel, end]).toEqual(["", ""]);
});

test("encodeCellTable() adds micrometers where the pixel size is known", () => {
  const size = { height: 4, width: 4 };
  const masks = new Uint32Array(16).fill(3, 4, 8);
  const plain = encodeCellTable(core.measureRegions(masks, size));
  expect(plain).not.toMatch(/_um/);
  const table = encodeCellTable(core.measureRegions(masks, size), {
    pixelSize: { y: 0.5, x: 0.25 },
  });
  const [head, row] = table.trim().split("\n").map((line) => line.split(","));
  const cell = Object.fromEntries(head.map((name, i) => [name, row[i]]));
  expect(cell).toMatchObject({
    label: "3",
    area: "4",
    centroid_y: "1",
    centroid_x: "1.5",
    box_x1: "4",
    area_um2: "0.5",
    centroid_x_um: "0.375",
  });
  expect(head.length).toBe(row.length);
});

test("encodeCellTable() defuses channel names that are formulas", () => {
  const size = { height: 1, width: 1 };
  const cells = core.measureRegions(Uint32Array.of(1), size, {
    image: Uint8Array.of(7),
  });
  const head = encodeCellTable(cells, { channelNames: ['a,"b'] });
  expect(head).toContain('"intensity_mean_a,""b"');
});

test("drawOverlaySvg() draws one path a label", () => {
  const { masks, size } = makeHardLabels({ height: 45, width: 61 });
  const svg = drawOverlaySvg(core.traceContours(masks, size), size);
  const labels = new Set(masks);
  labels.delete(0);
  expect(svg.match(/<path /g)?.length).toBe(labels.size);
  expect(svg).toContain('viewBox="0 0 61 45"');
});

test("outputNames() spells Cellpose's names; stems find the way back", () => {
  const names = outputNames("cell 1.a");
  expect(names.tif).toBe("cell 1.a_cp_masks.tif");
  expect(names.seg).toBe("cell 1.a_seg.npy");
  expect(names.outlinesText).toBe("cell 1.a_cp_outlines.txt");
  expect(names.rois).toBe("cell 1.a_rois.zip");
  for (
    const name of [
      names.tif,
      names.png,
      names.seg,
      names.rois,
      names.geojson,
      names.coco,
      names.zarr,
      names.outlinesText,
      "cell 1.a_masks.png",
      "cell 1.a_labels.ome.tif",
      "cell 1.a.ome.tiff",
    ]
  ) expect(imageStemOf(`dir/${name}`), name).toBe("cell 1.a");
  expect(stemOf("a/b_masks.tif")).toBe("b_masks");
  expect(imageStemOf("masks.tif")).toBe("masks");
});

test("readLabelFile() refuses values that are no labels", async () => {
  const path = join(folder, "float.npy");
  const { encodeNpy } = await import("../shared/image/npy.ts");
  await writeFile(path, encodeNpy(Float32Array.of(0.5, 1), [1, 2]));
  await expect(readLabelFile(path)).rejects.toThrow(/no label/);
});

test("streamObjectArray() tells the length of 4 GB and more in 64 bits", async () => {
  const shape = [2 ** 20, 2 ** 12];
  const parts: Uint8Array[] = [];
  const read = async () => {
    const value = { like: new Float32Array(0), shape, parts: () => [] };
    for await (const part of streamObjectArray({ value })) parts.push(part);
  };
  await expect(read()).rejects.toThrow(/lacks 4294967296 values/);
  expect([...parts[0]]).toEqual([0x80, 4]);
  expect([...parts.at(-2)!]).toEqual([0x89, 0x8e]);
  expect(new BigUint64Array(parts.at(-1)!.buffer)[0]).toBe(2n ** 34n);
});
