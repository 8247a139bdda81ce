import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLabelFile, writeLabelFile } from "../cli/label_files.ts";
import { decodeSegNpy } from "../shared/image/seg_npy.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import type { TiffSource } from "../shared/image/tiff_source.ts";
import { encodeTiff } from "../shared/image/tiff_write.ts";
import { core } from "./core.ts";
import { makeHardLabels } from "./files/hard_labels.ts";
import { HAS_PYTHON, runPython } from "./files/python.ts";

const labels = makeHardLabels({ height: 60, width: 70 });

describe.skipIf(!HAS_PYTHON)("labels and the formats' own libraries", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cytoedge-labels-"));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(
    "writeLabelFile() writes what each library reads as the same",
    async () => {
      const { masks, size } = labels;
      await writeFile(join(folder, "expected.npy"), encodeNpy(masks, [60, 70]));
      const source = { masks, size, format: "tiff", warnings: [] } as const;
      for (
        const name of [
          "a_cp_masks.tif",
          "a_cp_masks.png",
          "a_masks.npy",
          "a_seg.npy",
          "a_rois.zip",
          "a_coco.json",
          "a.geojson",
          "a.ome.zarr",
        ]
      ) await writeLabelFile(join(folder, name), source, { core });
      await writeLabelFile(join(folder, "old.ome.zarr"), {
        ...source,
        pixelSize: { y: 0.5, x: 0.5 },
      }, { core, ngff: "0.4" });
      const write = async (name: string, image: TiffSource) => {
        await writeFile(join(folder, `${name}.tif`), encodeTiff(image));
        const npy = encodeNpy(image.data, image.shape);
        await writeFile(join(folder, `${name}.npy`), npy);
      };
      await write("volume", {
        data: Uint32Array.from({ length: 360 }, (_, i) => i * 70_000),
        axes: "ZYX",
        shape: [3, 10, 12],
        pixelSize: { z: 2, y: 0.5, x: 0.25 },
      });
      await write("planes", {
        data: Float32Array.from({ length: 240 }, (_, i) => Math.sin(i)),
        axes: "CYX",
        shape: [2, 10, 12],
        channelNames: ["dY", "dX"],
      });
      await write("rgb", {
        data: Uint8Array.from({ length: 360 }, (_, i) => i * 7),
        axes: "YXC",
        shape: [10, 12, 3],
      });

      const found = JSON.parse(
        (await runPython("read_labels.py", folder)).trim().split("\n").at(-1)!,
      );
      expect(found).toEqual({
        tifffile: true,
        "tifffile facts": {
          ome: true,
          axes: "YX",
          dtype: "uint16",
          compression: "ADOBE_DEFLATE",
        },
        "tifffile volume": { axes: "ZYX", shape: [3, 10, 12], same: true },
        "tifffile floats": { axes: "CYX", same: true },
        "tifffile rgb": { axes: "YXS", same: true },
        "scikit-image png": true,
        "scikit-image tif": true,
        numpy: true,
        "numpy seg": true,
        "seg outlines": true,
        "seg facts": {
          keys: [
            "outlines",
            "masks",
            "chan_choose",
            "ismanual",
            "filename",
            "flows",
            "diameter",
          ],
          filename: "a_seg",
          dtype: "uint16",
          ismanual: "bool",
          cells: new Set(masks).size - 1,
          nan: true,
          writable: true,
        },
        roifile: true,
        pycocotools: true,
        "coco areas and boxes": true,
        "zarr-python": true,
        "ome-zarr": true,
        "zarr-python, Zarr 2": true,
        "ome-zarr, NGFF 0.4": true,
        geojson: true,
      });
    },
    120_000,
  );

  test("readLabelFile() reads what each library writes", async () => {
    const { masks, size } = labels;
    await writeFile(join(folder, "labels.npy"), encodeNpy(masks, [60, 70]));
    await runPython("write_labels.py", folder);
    for (
      const name of [
        "tifffile_masks.tif",
        "skimage_masks.png",
        "int64_masks.npy",
        "npz_masks.npz",
        "protocol2_seg.npy",
        "protocol3_seg.npy",
        "protocol4_seg.npy",
        "protocol5_seg.npy",
        "old_seg.npy",
        "pycocotools_coco.json",
        "plain.zarr",
      ]
    ) {
      const read = await readLabelFile(join(folder, name));
      expect(read.size, name).toEqual(size);
      expect(read.masks, name).toEqual(masks);
    }
    const seg = decodeSegNpy(
      new Uint8Array(await readFile(join(folder, "protocol4_seg.npy"))),
    );
    expect(seg.filename).toBe("a/b.png");
    expect(seg.diameter).toBe(17.5);
    expect(seg.entries.get("big")).toBe(2n ** 70n);

    const boxes: Record<string, number[]> = JSON.parse(
      await readFile(join(folder, "boxes.json"), "utf8"),
    );
    const want = new Uint32Array(60 * 70);
    for (const [label, [y0, x0, y1, x1]] of Object.entries(boxes)) {
      for (let y = y0; y < y1; y++) {
        want.fill(Number(label), y * 70 + x0, y * 70 + x1);
      }
    }
    const rois = await readLabelFile(join(folder, "roifile_rois.zip"), {
      size,
    });
    expect(rois.masks).toEqual(want);
  }, 120_000);
});
