import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { encodeLabelTiff } from "../../shared/image/labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { makeHardLabels } from "../files/hard_labels.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "cytoedge-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Run the command line as a caller in the test's folder does. */
function run(...args: string[]) {
  const result = spawnSync(process.execPath, ["run", "-A", MAIN, ...args], {
    encoding: "utf8",
    env: { ...process.env, INIT_CWD: folder, NO_COLOR: "1" },
  });
  return {
    code: result.status,
    out: result.stdout.trim(),
    errors: result.stderr.trim(),
  };
}

const size = { height: 60, width: 70 };
const { masks } = makeHardLabels(size);
for (const name of ["truth", "pred"]) mkdirSync(join(folder, name));
writeFileSync(
  join(folder, "truth/a_masks.tif"),
  encodeLabelTiff({ masks, size }),
);

test("convert goes from format to format and back without a loss", () => {
  const steps = [
    "truth/a_masks.tif",
    "a_rois.zip",
    "a_coco.json",
    "a.geojson",
    "a.zarr",
    "a_seg.npy",
    "a.png",
    "pred/a_cp_masks.npy",
  ];
  for (const [i, to] of steps.slice(1).entries()) {
    // ROIs do not tell the size of their image
    const { code, errors } = run("convert", steps[i], to, "--size", "60x70");
    expect(errors).toBe("");
    expect(code).toBe(0);
  }
  const { code, out } = run("score", "--true=truth", "--pred=pred", "--json");
  expect(code).toBe(0);
  const { total, images } = JSON.parse(out);
  expect(images.map(({ name }: { name: string }) => name)).toEqual(["a"]);
  expect(total.precision.map(({ ap }: { ap: number }) => ap))
    .toEqual([1, 1, 1]);
}, 120_000);

test("score prints each image, the totals, and what has no partner", () => {
  const other = masks.map((label) => label === 3 ? 0 : label);
  const file = encodeLabelTiff({ masks: other, size });
  writeFileSync(join(folder, "pred/b_cp_masks.tif"), file);
  writeFileSync(
    join(folder, "truth/b_masks.tif"),
    encodeLabelTiff({ masks, size }),
  );
  writeFileSync(join(folder, "truth/c_masks.tif"), file);
  // not labels: what segmentation writes beside them
  writeFileSync(join(folder, "pred/b_flows_cp_masks.tif"), "");
  writeFileSync(
    join(folder, "pred/a_cp_masks.tif"),
    encodeLabelTiff({ masks, size }),
  );
  const { code, out } = run(
    ...["score", "--true", "truth", "--pred", "pred", "--thresholds", "0.5"],
  );
  expect(code).toBe(1);
  const cells = new Set(masks).size - 1;
  const [a, b] = out.split("\n");
  expect(a).toMatch(/^a {2}cells.*AP@0.5 1\.0000.*PQ 1\.0000.*F@1 1\.0000/);
  expect(b).toContain(`cells ${cells}/${cells - 1}`);
  expect(out).toContain(`2 images, ${2 * cells} true`);
  expect(out).toContain("no prediction for c");
}, 60_000);

test("info FILE prints format, axes, type and pixel size", () => {
  writeFileSync(
    join(folder, "volume.tif"),
    encodeTiff({
      data: Uint16Array.from({ length: 24 }, (_, i) => i),
      axes: "ZYX",
      shape: [2, 3, 4],
      pixelSize: { z: 2, y: 0.5, x: 0.5 },
    }),
  );
  const { code, out } = run("info", "volume.tif", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    file: "volume.tif",
    format: "tiff",
    axes: "ZYX",
    shape: [2, 3, 4],
    dtype: "uint16",
    smallest: 0,
    largest: 23,
    pixelSizeUm: { z: 2, y: 0.5, x: 0.5 },
    warnings: [],
  });
  writeFileSync(join(folder, "a.czi"), "ZISRAWFILE");
  const czi = run("info", "a.czi");
  expect(czi.code).toBe(1);
  expect(czi.errors).toMatch(/CZI.*bfconvert/);
}, 60_000);
