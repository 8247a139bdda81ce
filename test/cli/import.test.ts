import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ModelJson } from "../../shared/schema/model.ts";
import { unpackModels } from "../import/models.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Run `import` as a caller in `cwd` does. */
function run(args: string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", MAIN, "import", ...args],
    {
      encoding: "utf8",
      env: { ...process.env, INIT_CWD: cwd, NO_COLOR: "1" },
    },
  );
  const errors = stderr.split("\n").filter(Boolean);
  return { code: status, out: stdout, errors };
}

test("import writes a model that the schema takes, where it was called", () => {
  const root = unpackModels(["cellpose_unet_2"]);
  const { code, out } = run(
    ["cellpose_unet_2/checkpoint.pth", "--out", "made", "--licence", "CC0-1.0"],
    root,
  );
  const files = readdirSync(join(root, "made")).sort();
  const text = readFileSync(join(root, "made", "model.json"), "utf8");
  rmSync(root, { recursive: true });
  expect(code).toBe(0);
  expect(files).toEqual(["model.json", "model.onnx"]);
  expect(out).toMatch(/^cellpose-unet, fp32, /);
  const json = ModelJson.parse(JSON.parse(text));
  expect(json).toMatchObject({
    family: "cellpose-unet",
    channels: { input: 3, output: 3 },
    diameter: { mean: 17 },
    licence: "CC0-1.0",
  });
});

test("import takes a size model", () => {
  const root = unpackModels(["cellpose_unet_2"]);
  copyFileSync(
    new URL("../fixtures/models/size.npy", import.meta.url),
    join(root, "size.npy"),
  );
  const checkpoint = "cellpose_unet_2/checkpoint.pth";
  const { code } = run(
    [checkpoint, "--out", "made", "--size-model", "size.npy"],
    root,
  );
  const absent = run(
    [checkpoint, "--out", "made", "--size-model", "none.npy"],
    root,
  );
  const files = readdirSync(join(root, "made")).sort();
  rmSync(root, { recursive: true });
  expect(code).toBe(0);
  expect(files).toEqual(["model.json", "model.onnx", "size.onnx"]);
  expect(absent.errors).toEqual(["error: none.npy does not exist"]);
});

test("import says in one line what is wrong, and exits 1", () => {
  const root = mkdtempSync(join(tmpdir(), "import-"));
  writeFileSync(join(root, "text.pth"), "no checkpoint at all");
  const broken = run(["text.pth", "--out", "made"], root);
  const absent = run(["absent.pth", "--out", "made"], root);
  const files = readdirSync(root);
  rmSync(root, { recursive: true });
  expect([broken.code, absent.code]).toEqual([1, 1]);
  expect(broken.errors).toHaveLength(1);
  expect(broken.errors[0]).toMatch(
    /^error: text\.pth: A file that is no checkpoint is not supported/,
  );
  expect(absent.errors).toEqual(["error: absent.pth does not exist"]);
  // nothing is left behind
  expect(files).toEqual(["text.pth"]);
});

test("import without --out, or of no such precision, is wrong usage", () => {
  const none = run(["a.pth"], tmpdir());
  const precision = run(
    ["a.pth", "--out", "b", "--precision", "fp8"],
    tmpdir(),
  );
  expect([none.code, precision.code]).toEqual([2, 2]);
});

test("import --precision bf16 says what stays fp32, and where it runs", () => {
  const root = unpackModels(["cellpose_sam_0", "unet_0"]);
  const [sam, unet] = ["cellpose_sam_0", "unet_0"].map((id) =>
    run([`${id}/checkpoint.pth`, "--out", id, "--precision", "bf16"], root).out
  );
  rmSync(root, { recursive: true });
  expect(sam).toMatch(/^cellpose-sam, bf16, /);
  const wide = "in fp32, as ONNX's operator set 20 has no bf16 for them:";
  expect(sam).toContain(`${wide} Conv 2\n`);
  expect(sam).toContain("it runs on CUDA only");
  expect(unet).toMatch(/^unet, fp32, /);
  expect(unet).toContain(`${wide} Conv 11, ConvTranspose 2\n`);
  expect(unet).toContain("nothing of it is left in bf16: the model is fp32\n");
});

test("import --calibrate compares with fp32 and keeps what it found", () => {
  const root = mkdtempSync(join(tmpdir(), "import-"));
  const fixture = new URL("../fixtures/end_to_end/", import.meta.url);
  const unpack = (name: string) =>
    gunzipSync(readFileSync(new URL(`${name}.gz`, fixture)));
  writeFileSync(join(root, "small.pth"), unpack("checkpoint.pth"));
  writeFileSync(join(root, "gray.npy"), unpack("gray_image.npy"));
  const { code, out } = run(
    [
      ...["small.pth", "--out", "made", "--precision", "int8"],
      ...["--calibrate", "gray.npy"],
    ],
    root,
  );
  const json = JSON.parse(
    readFileSync(join(root, "made", "model.json"), "utf8"),
  );
  const wide = run(["small.pth", "--out", "b", "--calibrate", "c.png"], root);
  rmSync(root, { recursive: true });
  expect(code).toBe(0);
  expect(out).toMatch(/beside fp32 on 1 images: AP@0\.5 [01]\.\d{4}/);
  expect(json).toMatchObject({
    precision: "int8",
    accuracy: { against: "fp32", iou: 0.5, images: 1, counted: 1 },
  });
  expect(json.accuracy.cellsFp32).toBeGreaterThan(10);
  expect(json.accuracy.meanAp).toBeGreaterThan(0.8);
  expect(json.accuracy.encodeMs).toBeGreaterThan(0);
  expect(wide.code).toBe(2);
});

test("import refuses int8 where there are convolutions only", () => {
  const root = unpackModels(["unet_2"]);
  const { code, errors } = run(
    ["unet_2/checkpoint.pth", "--out", "made", "--precision", "int8"],
    root,
  );
  rmSync(root, { recursive: true });
  expect(code).toBe(1);
  expect(errors[0]).toMatch(/int8 is for networks of linear layers/);
});
