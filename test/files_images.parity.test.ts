import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import FileSystemStore from "@zarrita/storage/fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { siblingsOf } from "../cli/siblings.ts";
import { decodeImage } from "../shared/image/decode.ts";
import { decodeNpy } from "../shared/image/npy.ts";
import { decodeZarr } from "../shared/image/zarr.ts";
import { openFile } from "../shared/image/file_source.ts";
import { openImage, openZarrImage } from "../shared/image/open.ts";
import { HAS_PYTHON, runPython } from "./files/python.ts";
import { expectSameRows } from "./files/same_rows.ts";

interface Case {
  readonly file: string;
  readonly axes: string;
  readonly inferred?: boolean;
  readonly warned?: boolean;
  readonly tolerance?: number;
  readonly pixelSize?: Readonly<Record<string, number>>;
  readonly channelNames?: readonly string[];
}

describe.skipIf(!HAS_PYTHON)(
  "files that tifffile, Pillow, numpy, zarr-python and ome-zarr write",
  () => {
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "cytoedge-files-"));
      await runPython("write_images.py", folder);
    }, 120_000);

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("decodeImage() finds their pixels, axes and pixel sizes", async () => {
      const names = (await readdir(folder))
        .filter((name) => name.endsWith(".json"))
        .map((name) => name.slice(0, -5)).sort();
      expect(names.length).toBeGreaterThanOrEqual(73);
      const wrong: string[] = [];
      for (const name of names) {
        try {
          await check(folder, name);
        } catch (err) {
          wrong.push(`${name}: ${err instanceof Error ? err.message : err}`);
        }
      }
      expect(wrong).toEqual([]);
    });

    test("openImage() gives their rows from the file", async () => {
      const names = (await readdir(folder))
        .filter((name) => name.endsWith(".json")).sort();
      let banded = 0;
      for (const name of names) {
        const want: Case = JSON.parse(
          await readFile(join(folder, name), "utf8"),
        );
        const path = join(folder, want.file);
        if (await compareRows(path)) banded++;
      }
      expect(banded).toBeGreaterThan(50);
    }, 60_000);
  },
);

/** @returns whether the file was read in bands */
async function compareRows(path: string): Promise<boolean> {
  if ((await stat(path)).isDirectory()) {
    const store = new FileSystemStore(path);
    const decoded = await decodeZarr(store);
    if (/64-bit/.test(decoded.warnings.join())) return false;
    const opened = await openZarrImage(store);
    await expectSameRows(opened, decoded);
    return opened.isBanded;
  }
  const file = openFile(path);
  try {
    const siblings = siblingsOf(path);
    const opened = await openImage(file, { siblings });
    const bytes = new Uint8Array(await readFile(path));
    await expectSameRows(opened, await decodeImage(bytes, { siblings }));
    return opened.isBanded;
  } finally {
    file.close();
  }
}

async function check(folder: string, name: string): Promise<void> {
  const read = async (file: string) =>
    new Uint8Array(await readFile(join(folder, file)));
  const want: Case = JSON.parse(
    new TextDecoder().decode(await read(`${name}.json`)),
  );
  const isFolder = (await stat(join(folder, want.file))).isDirectory();
  const image = isFolder
    ? await decodeZarr(new FileSystemStore(join(folder, want.file)))
    : await decodeImage(await read(want.file), {
      siblings: siblingsOf(join(folder, want.file)),
    });
  const expected = decodeNpy(await read(`${name}.expected.npy`));

  expect([image.axes, ...image.shape]).toEqual([want.axes, ...expected.shape]);
  let worst = 0;
  for (let i = 0; i < image.data.length; i++) {
    worst = Math.max(worst, Math.abs(image.data[i] - Number(expected.data[i])));
  }
  expect(worst, "largest difference").toBeLessThanOrEqual(want.tolerance ?? 0);
  expect(image.axesInferred).toBe(want.inferred ?? false);
  if (want.inferred || want.warned) expect(image.warnings).not.toEqual([]);
  for (const axis of ["z", "y", "x"] as const) {
    const size = want.pixelSize?.[axis];
    if (size === undefined) expect(image.pixelSize?.[axis]).toBeUndefined();
    else expect(image.pixelSize?.[axis]).toBeCloseTo(size, 9);
  }
  expect(image.channelNames).toEqual(want.channelNames);
}
