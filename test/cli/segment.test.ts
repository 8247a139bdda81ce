import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeImage } from "../../shared/image/decode.ts";
import { encodeNpy } from "../../shared/image/npy.ts";
import { decodeTiff } from "../../shared/image/tiff.ts";
import { findShippedModel } from "../../shared/models/shipped.ts";
import { OUTPUT_KINDS } from "../../shared/schema/output_kinds.ts";
import { importSmallModel } from "../pipeline/small_model.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLE = join(ROOT, "examples", "nuclei_2d.tif");
const model = importSmallModel();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "segment-"));
  mkdirSync(join(folder, "in"));
  copyFileSync(EXAMPLE, join(folder, "in", "a.tif"));
  const blank = new Uint8Array(64 * 70);
  writeFileSync(join(folder, "in", "b.npy"), encodeNpy(blank, [64, 70]));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  model.remove();
});

/** Run the command line as a caller in the test's folder does. */
function run(...args: string[]) {
  const main = join(ROOT, "cli", "main.ts");
  const result = spawnSync(process.execPath, ["run", "-A", main, ...args], {
    encoding: "utf8",
    env: { ...process.env, INIT_CWD: folder, NO_COLOR: "1" },
  });
  const lines = (text: string) => text.split("\n").filter(Boolean);
  return {
    code: result.status,
    out: lines(result.stdout),
    errors: lines(result.stderr),
  };
}

const cpu = ["--model", model.folder, "--provider", "cpu"];

test("segment writes files named as Cellpose's, and skips them the next time", () => {
  const args = ["segment", "in", ...cpu, "--out", "out", "--flow_threshold=0"];
  const first = run(...args, "--save_tif", "--save-png", "--save-csv");
  expect(first.errors).toEqual([]);
  expect(first.code).toBe(0);
  expect(first.out[0]).toMatch(/^a\.tif {2}\d+ cells/);
  expect(first.out.join("\n")).toMatch(/b\.npy {2}0 cells[^]*No cell found/);
  expect(first.out.at(-1)).toMatch(/^2 images: 2 done, 0 finished before, 0/);
  const names = ["a", "b"].flatMap((stem) =>
    ["_cells.csv", "_cp_masks.png", "_cp_masks.tif", "_result.json", "_seg.npy"]
      .map((end) => stem + end)
  );
  expect(readdirSync(join(folder, "out")).sort()).toEqual(names);

  const second = run(...args, "--save-tif", "--json");
  const again = JSON.parse(second.out.join("\n"));
  expect(again).toMatchObject({ images: 2, done: 0, finishedBefore: 2 });
  const id = again.results[0].result.id;
  expect(id).toMatch(/^[0-9a-f]{64}$/);

  const other = run(...args, "--json", "--min-size", "30");
  const changed = JSON.parse(other.out.join("\n"));
  expect(changed.done).toBe(2);
  expect(changed.results[0].result.id).not.toBe(id);
  expect(changed.results[0].result.models[0].licence).toBe("Apache-2.0");

  rmSync(join(folder, "out", "a_seg.npy"));
  const mended = run(...args, "--json", "--min-size", "30");
  expect(JSON.parse(mended.out.join("\n")))
    .toMatchObject({ done: 1, finishedBefore: 1 });
});

test("segment does not take its own results for images", () => {
  mkdirSync(join(folder, "own"));
  copyFileSync(EXAMPLE, join(folder, "own", "c.tif"));
  const args = ["segment", "own", ...cpu, "--save-tif", "--save-flows"];
  const options = ["--save-outlines", "--save-png", "--json"];
  run(...args, ...options);
  expect(existsSync(join(folder, "own", "c_cp_masks.tif"))).toBe(true);
  const again = JSON.parse(run(...args, ...options).out.join("\n"));
  expect(again).toMatchObject({ images: 1, finishedBefore: 1 });
});

test("segment writes the masks of a stack as one file", async () => {
  copyFileSync(
    join(ROOT, "examples", "nuclei_3d.tif"),
    join(folder, "stack.tif"),
  );
  const args = ["segment", "stack.tif", ...cpu, "--axes", "ZYX", "--out", "s"];
  const { code, out } = run(...args, "--save-png", "--no-npy");
  expect(code).toBe(0);
  expect(out.join("\n")).toMatch(/31 planes are segmented in 2-D/);
  expect(readdirSync(join(folder, "s")).sort())
    .toEqual(["stack_cp_masks.tif", "stack_result.json"]);
  const bytes = readFileSync(join(folder, "s", "stack_cp_masks.tif"));
  const { size } = await decodeTiff(new Uint8Array(bytes));
  expect(size).toMatchObject({ depth: 31 });
});

test("segment measures in micrometers where the pixel size is given", () => {
  const args = ["segment", "in/a.tif", ...cpu, "--out", "um", "--save-csv"];
  const scaled = ["--pixel-size", "0.5", "--diameter_um=15", "--json"];
  const { out } = run(...args, ...scaled, "--flow-threshold=0");
  const [{ result }] = JSON.parse(out.join("\n")).results;
  expect(result.facts).toMatchObject({ diameter: 30, pixelSize: 0.5 });
  const table = readFileSync(join(folder, "um", "a_cells.csv"), "utf8");
  expect(table.split("\n")[0]).toMatch(/_um2/);
});

test("segment goes on after an image that fails, and exits 1", () => {
  mkdirSync(join(folder, "bad"));
  writeFileSync(join(folder, "bad", "a.tif"), "no image");
  copyFileSync(EXAMPLE, join(folder, "bad", "b.tif"));
  const { code, out } = run("segment", "bad/*.tif", ...cpu, "--out", "bad_out");
  expect(code).toBe(1);
  expect(out[0]).toMatch(/^a\.tif {2}failed: /);
  expect(out.at(-1)).toMatch(/2 images: 1 done, 0 finished before, 1 failed/);
  expect(readdirSync(join(folder, "bad_out")).sort())
    .toEqual(["b_result.json", "b_seg.npy"]);
});

test.skipIf(findShippedModel() === undefined)(
  "segment takes the model that comes with the program",
  () => {
    const args = ["segment", "in/a.tif", "--out", "shipped", "--json"];
    const { out } = run(...args, "--provider", "cpu");
    const [{ result }] = JSON.parse(out.join("\n")).results;
    expect(result.models[0]).toMatchObject({ family: "cytoedge" });
    expect(result.facts.diameterFrom).toMatch(/^estimated/);
  },
);

test.each([
  ...(findShippedModel() === undefined
    ? [[["in"], /no model comes with this version/] as [string[], RegExp]]
    : []),
  [["in", ...cpu, "--do_3D"], /--do-3D: 3-D segmentation is not there/],
  [["in", ...cpu, "--stitch_threshold", "0.3"], /--stitch-threshold: planes/],
  [["in", ...cpu, "--z_axis", "0"], /--z-axis: the axes are named/],
  [["in", ...cpu, "--flow3D_smooth=1"], /--flow3D-smooth: 3-D segmentation/],
  [["in", ...cpu, "--in_folders"], /--in-folders: all files go to the folder/],
  [["in", ...cpu, "--anisotropy=2"], /--anisotropy: it has a meaning in 3-D/],
  [["in", ...cpu, "--diameter", "-3"], /--diameter: .* \(is -3\)/],
  [["in", ...cpu, "--min_size", "x"], /It is not a number/],
  [["in", ...cpu, "--norm_percentile", "99", "1"], /LOW HIGH/],
  [["in", ...cpu, "--batch-size", "0"], /positive integer/],
  [["in", ...cpu, "--provider", "tpu"], /tpu is none of cuda, webgpu, cpu/],
  [[...cpu], /missing required argument/],
  [["in/a.tif", "own/../in/a.tif", ...cpu, "--frob"], /unknown option/],
])("segment %j is wrong usage: one line, exit 2", (args, line) => {
  const { code, out, errors } = run("segment", ...args);
  expect(errors.join("\n")).toMatch(line);
  expect([code, out, errors.length]).toEqual([2, [], 1]);
});

test("segment takes images after --model and --provider, models one by one", () => {
  const once = ["--model", model.folder];
  const { out, errors } = run(
    ...["segment", ...once, ...once, "--provider", "cpu,webgpu", "in/a.tif"],
    ...["--out", "after", "--json"],
  );
  expect(errors).toEqual([]);
  const { images, results: [{ result }] } = JSON.parse(out.join("\n"));
  expect([images, result.models.length]).toEqual([1, 2]);
});

test("segment passes by label files of two extensions", () => {
  mkdirSync(join(folder, "labelled"));
  for (const name of ["a.tif", "a_cp_masks.ome.tif"]) {
    copyFileSync(join(folder, "in/a.tif"), join(folder, "labelled", name));
  }
  const { out } = run("segment", "labelled", ...cpu, "--out", "o2", "--json");
  expect(JSON.parse(out.join("\n")).images).toBe(1);
});

test("segment ends its work when nobody reads its lines any more", () => {
  const main = join(ROOT, "cli", "main.ts");
  const args = ["segment", "in", ...cpu, "--out", "unread"];
  const line = [process.execPath, "run", "-A", main, ...args]
    .map((part) => `'${part}'`).join(" ");
  const { stderr } = spawnSync("sh", ["-c", `(${line}; echo $? >&2) | true`], {
    encoding: "utf8",
    env: { ...process.env, INIT_CWD: folder, NO_COLOR: "1" },
  });
  expect(stderr).toBe("0\n");
  const stems = ["a", "b"].map((stem) => `${stem}_result.json`);
  expect(readdirSync(join(folder, "unread"))).toEqual(
    expect.arrayContaining(stems),
  );
});

test("segment refuses a model that has been changed", () => {
  const changed = join(folder, "changed");
  mkdirSync(changed);
  copyFileSync(join(model.folder, "model.json"), join(changed, "model.json"));
  const bytes = readFileSync(join(model.folder, "model.onnx"));
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(join(changed, "model.onnx"), bytes);
  const { code, errors } = run("segment", "in", "--model", changed);
  expect(code).toBe(1);
  expect(errors.join("\n")).toMatch(/model\.onnx is not what was imported/);
});

test.each([
  ["a stack", [2, 300, 260]],
  ["an image of three channels", [300, 260, 3]],
])(
  "segment reads %s above the budget in bands, with the same results",
  async (name, shape) => {
    const values = new Uint16Array(shape.reduce((x, y) => x * y));
    for (let i = 0; i < values.length; i++) {
      values[i] = 200 + 100 * Math.sin(i / 9) * Math.cos(i / 2900);
    }
    const stem = name.replaceAll(" ", "_");
    writeFileSync(join(folder, `${stem}.npy`), encodeNpy(values, shape));
    const args = ["segment", `${stem}.npy`, ...cpu, "--pixel-size", "0.5"]
      .concat(["--flow-threshold", "0", "--cellprob-threshold=-6"])
      .concat(
        Object.values(OUTPUT_KINDS).filter((kind) => !("isDefault" in kind))
          .map(({ flag }) => `--save-${flag}`),
      );
    const inMemory = run(...args, "--out", `${stem}_whole`);
    expect(inMemory.errors).toEqual([]);
    const inBands = run(
      ...args,
      ...["--out", `${stem}_bands`, "--memory-budget", "1M", "--scratch", "."],
    );
    expect(inBands.errors).toEqual([]);
    const list = (out: string) =>
      readdirSync(join(folder, out), { recursive: true, encoding: "utf8" })
        .filter((file) => statSync(join(folder, out, file)).isFile()).sort();
    const files = list(`${stem}_whole`);
    expect(list(`${stem}_bands`)).toEqual(files);
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      const [bands, whole] = [`${stem}_bands`, `${stem}_whole`].map((out) =>
        readFileSync(join(folder, out, file))
      );
      if (file.endsWith("result.json")) {
        expectSameResult(bands, whole);
      } else if (file.endsWith(".png")) {
        expect(await decodeImage(bands)).toEqual(await decodeImage(whole));
      } else if (file.endsWith(".svg")) {
        const [picture, lines] = splitSvg(bands);
        const [otherPicture, otherLines] = splitSvg(whole);
        expect(lines).toBe(otherLines);
        expect(lines).toContain("<path");
        expect(await decodeImage(picture))
          .toEqual(await decodeImage(otherPicture));
      } else expect(bands.equals(whole), file).toBe(true);
    }
  },
);

function expectSameResult(...texts: readonly Uint8Array[]) {
  const [bands, whole] = texts.map((text) =>
    JSON.parse(new TextDecoder().decode(text))
  );
  expect(bands.id).toBe(whole.id);
  expect(bands.count).toBe(whole.count);
  expect(bands.files.toSorted()).toEqual(whole.files.toSorted());
  expect(whole.count).toBeGreaterThan(0);
  expect(whole.run.memory.mode).toBe("memory");
  expect(bands.run.memory)
    .toMatchObject({ mode: "bands", budgetBytes: 2 ** 20 });
}

/** The background of an overlay, and the rest. */
function splitSvg(bytes: Uint8Array): [Uint8Array, string] {
  const text = new TextDecoder().decode(bytes);
  const found = /base64,([^"]*)/.exec(text)?.[1] ?? "";
  const picture = Uint8Array.from(atob(found), (c) => c.charCodeAt(0));
  return [picture, text.replace(found, "")];
}

test("segment says why an image above the budget cannot be read in bands", () => {
  const { code, out } = run(
    ...["segment", "in/a.tif", ...cpu, "--out", "none"],
    ...["--memory-budget", "1K", "--tile-norm-blocksize", "64"],
  );
  expect(code).toBe(1);
  expect(out[0]).toMatch(/cannot be read in bands: .*tileNormBlocksize/);
  const wrong = run("segment", "in/a.tif", ...cpu, "--memory-budget", "lots");
  expect(wrong.code).toBe(2);
  expect(wrong.errors.join()).toMatch(/--memory-budget.*lots/);
});

test("segment reads a folder of Zarr", () => {
  const zarr = join(folder, "in_zarr", "c.zarr");
  mkdirSync(zarr, { recursive: true });
  const array = {
    zarr_format: 2,
    shape: [64, 70],
    chunks: [32, 70],
    dtype: "|u1",
    compressor: null,
    fill_value: 0,
    filters: null,
    order: "C",
  };
  writeFileSync(join(zarr, ".zarray"), JSON.stringify(array));
  writeFileSync(join(zarr, "0.0"), new Uint8Array(32 * 70));
  const args = ["segment", "in_zarr", ...cpu, "--out", "out_zarr"];
  for (const more of [[], ["--force", "--memory-budget", "1K"]]) {
    const { code, out, errors } = run(
      ...args,
      "--no-npy",
      "--save-tif",
      ...more,
    );
    expect(errors).toEqual([]);
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^c\.zarr {2}0 cells/);
  }
  expect(existsSync(join(folder, "out_zarr", "c_cp_masks.tif"))).toBe(true);
});
