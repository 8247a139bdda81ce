import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { readLabelFile, writeLabelFile } from "../cli/label_files.ts";
import { drawFlows } from "../shared/image/flow_picture.ts";
import { encodeNpy } from "../shared/image/npy.ts";
import { encodeSegNpy } from "../shared/image/seg_npy_write.ts";
import { core } from "./core.ts";
import { makeHardLabels } from "./files/hard_labels.ts";

/** The Python with Cellpose that the benchmark installs. */
const PYTHON = process.env.CYTOEDGE_BENCH_PYTHON ??
  fileURLToPath(new URL("../.cache/bench/venv/bin/python", import.meta.url));

describe.skipIf(!existsSync(PYTHON))("labels and Cellpose", () => {
  test("both read what the other writes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cytoedge-cellpose-"));
    try {
      await exchange(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

async function exchange(folder: string): Promise<void> {
  const size = { height: 60, width: 70 };
  const { masks } = makeHardLabels(size);
  const npy = encodeNpy(Uint16Array.from(masks), [60, 70]);
  await writeFile(join(folder, "expected.npy"), npy);
  for (
    const name of ["a_cp_masks.tif", "a_cp_masks.png", "a_cp_outlines.txt"]
  ) {
    await writeLabelFile(
      join(folder, name),
      { masks, size, format: "tiff", warnings: [] },
      { core },
    );
  }
  const flows = core.labelsToFlows(masks, size);
  const seg = encodeSegNpy({
    masks,
    size,
    filename: "a.png",
    flows: {
      rgb: drawFlows(flows, size).data,
      flows,
      cellprob: Float32Array.from(masks, (label) => label > 0 ? 6 : -6),
    },
  });
  await writeFile(join(folder, "a_seg.npy"), seg);

  const script = fileURLToPath(
    new URL("files/cellpose_files.py", import.meta.url),
  );
  const { stdout } = await promisify(execFile)(PYTHON, [script, folder], {
    maxBuffer: 1 << 26,
  });
  expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual({
    "imread tif": true,
    "imread png": true,
    "imread seg": true,
    "get_label_files seg": true,
    "interface loaded": true,
    "interface cells": new Set(masks).size - 1,
    "interface masks": true,
    "interface flows": [[1, 60, 70, 3], [1, 60, 70], [2, 60, 70], [60, 70]],
    "interface recompute": true,
    "outlines text": true,
  });
  for (const name of ["c_seg.npy", "c_cp_masks.png", "c_cp_masks.tif"]) {
    const read = await readLabelFile(join(folder, name));
    expect(read.size, name).toEqual(size);
    expect(read.masks, name).toEqual(masks);
  }
}
