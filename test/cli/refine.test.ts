/** `refine` on the command line, with a random network. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { encodeLabelTiff } from "../../shared/image/labels.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";
import { unpackModels } from "../import/models.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const SIZE = { height: 60, width: 80 };
let root: string;

beforeAll(() => {
  root = unpackModels(["sam_0", "cellpose_unet_2"]);
  importModel(join(root, "sam_0", "checkpoint.pth"), join(root, "sam"));
  importModel(
    join(root, "cellpose_unet_2", "checkpoint.pth"),
    join(root, "unet"),
  );
  mkdirSync(join(root, "in"));
  const data = Uint16Array.from(
    { length: SIZE.height * SIZE.width },
    (_, i) => 500 + 400 * Math.sin(i / 7) + i / 10,
  );
  writeFileSync(
    join(root, "in", "cells.tif"),
    encodeTiff({ data, axes: "YX", shape: [SIZE.height, SIZE.width] }),
  );
  const masks = new Uint32Array(SIZE.height * SIZE.width);
  for (let y = 10; y < 20; y++) masks.fill(7, y * 80 + 10, y * 80 + 30);
  for (let y = 40; y < 50; y++) masks.fill(3, y * 80 + 50, y * 80 + 70);
  writeFileSync(
    join(root, "in", "cells_masks.tif"),
    encodeLabelTiff({ masks, size: SIZE }),
  );
});
afterAll(() => rmSync(root, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", MAIN, "refine", "in/cells.tif", "--out", "out", ...args],
    {
      encoding: "utf8",
      env: { ...process.env, INIT_CWD: root, NO_COLOR: "1" },
    },
  );
  return { code: status, out: stdout, err: stderr };
}

const readMasks = async () =>
  (await decodeLabels(
    new Uint8Array(readFileSync(join(root, "out", "cells_cp_masks.tif"))),
  )).masks;

test("refine adds a cell and leaves the others theirs", async () => {
  const { code, out } = run(
    ...["--model", "sam", "--points", "30,40;32,44", "--json"],
    ...["--negative-points", "2,2", "--masks", "in/cells_masks.tif"],
  );
  expect(code).toBe(0);
  const told = JSON.parse(out);
  expect(told).toMatchObject({
    label: 8,
    isNormalized: true,
    prompt: { points: [[30, 40], [32, 44]], negativePoints: [[2, 2]] },
  });
  expect(told.scores[told.chosen]).toBe(Math.max(...told.scores.slice(1)));
  const masks = await readMasks();
  const count = (label: number) => masks.filter((l) => l === label).length;
  expect(count(7)).toBe(200);
  expect(count(3)).toBe(200);
  expect(count(8)).toBe(told.area);
});

test("refine replaces a cell that is its own prompt", async () => {
  const { code, out } = run(
    ...["--model", "sam", "--mask", "in/cells_masks.tif", "--label", "3"],
  );
  expect(code).toBe(0);
  expect(out).toMatch(/^cell 3: \d+ pixels, expected IoU/);
  const masks = await readMasks();
  expect(masks.filter((l) => l === 7)).toHaveLength(200);
  expect(masks.filter((l) => l === 3)).not.toHaveLength(200);
  const told = JSON.parse(
    readFileSync(join(root, "out", "cells_refine.json"), "utf8"),
  );
  expect(told).toMatchObject({ label: 3, files: ["cells_cp_masks.tif"] });
});

test.each([
  [[], "say which cell"],
  [["--mask", "in/cells_masks.tif"], "--label N"],
  [["--points", "3;4"], '"3" is not 2 numbers'],
  [["--box", "1,2,3"], "not 4 numbers"],
  [["--points", "1,2", "--label", "0"], "1 or more"],
])("refine %j is wrong usage: one line, exit 2", (args, message) => {
  const { code, err } = run("--model", "sam", ...args);
  expect(code).toBe(2);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(err).toContain(message);
});

test.each([
  [["--points", "61,3"], "outside the image"],
  [["--mask", "in/cells_masks.tif", "--label", "5"], "5 is not in the masks"],
  [["--points", "3,4", "--model", "unet"], "answers no prompts"],
])("refine %j fails with a reason", (args, message) => {
  const { code, err } = run("--model", "sam", ...args);
  expect(code).toBe(1);
  expect(err).toContain(message);
});

test("segment sends SAM models to refine", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", MAIN, "segment", "in/cells.tif", "--model", "sam"],
    {
      encoding: "utf8",
      env: { ...process.env, INIT_CWD: root, NO_COLOR: "1" },
    },
  );
  expect(status).toBe(1);
  expect(stdout + stderr).toMatch(/use refine/);
});
