import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTrainOptions } from "../../cli/train/options.ts";
import { openModelFolder } from "../../gpu-worker/model_folder.ts";
import { makeFolder, writeFile, writeScene } from "../train/folders.ts";
import { compareKilled } from "../train/kill_runs.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Processes start slowly on a busy machine. */
const PATIENT = 300_000;
let root: ReturnType<typeof makeFolder>;

beforeAll(() => {
  root = makeFolder();
  for (let i = 0; i < 3; i++) {
    writeScene(join(root.path, "in", `s${i}`), 20 + i);
  }
});
afterAll(() => root.remove());

/** Run the command line as a caller in the test's folder does. */
function run(...args: string[]) {
  const result = spawnSync(process.execPath, ["run", "-A", MAIN, ...args], {
    encoding: "utf8",
    env: { ...process.env, INIT_CWD: root.path, NO_COLOR: "1" },
  });
  return {
    code: result.status,
    out: result.stdout.split("\n").filter(Boolean),
    error: result.stderr.trim(),
  };
}

const read = (...path: string[]) =>
  JSON.parse(readFileSync(join(root.path, ...path), "utf8"));

const SHORT = ["--batch", "1", "--crop", "64", "--threads", "1"];

test(
  "train writes a model that segment takes, its log and its curves",
  async () => {
    const made = run(
      ...["train", "--images", "in", "--network", "residual-unet"],
      ...["--steps", "8", "--out", "model", "--validate-every", "4", ...SHORT],
      ...["--licence", "MIT", "--val-share", "0.3"],
    );
    expect(made.error).toBe("");
    expect(made.code).toBe(0);
    expect(made.out[1]).toMatch(/^3 images with \d+ cells$/);
    expect(readdirSync(join(root.path, "model")).sort()).toEqual([
      "best.safetensors",
      "checkpoint.safetensors",
      "curves.svg",
      "log.jsonl",
      "model.json",
      "model.onnx",
      "report.json",
      "train.json",
    ]);
    const { model, json } = await openModelFolder(join(root.path, "model"));
    expect(model).toMatchObject({ family: "cytoedge", licence: "MIT" });
    expect(json.training).toMatchObject({ seed: 0, steps: 8 });
    const report = read("model", "report.json");
    expect(report).toMatchObject({ reason: "all steps", step: 8 });
    const svg = readFileSync(join(root.path, "model", "curves.svg"), "utf8");
    expect(svg).toMatch(/^<svg[^]*validation/);

    const used = run(
      "segment",
      "in/s0.png",
      "--model",
      "model",
      "--out",
      "found",
    );
    expect(used.code).toBe(0);

    const again = run(
      "train",
      "--images",
      "in",
      "--network",
      "x",
      "--out",
      "model",
    );
    expect(again).toMatchObject({ code: 2 });
    expect(again.error).toMatch(/go on with --resume, or give another --out/);
    const resumed = run("train", "--out", "model", "--resume", "--json");
    expect(resumed.code).toBe(0);
    expect(JSON.parse(resumed.out.at(-1) ?? "")).toMatchObject({ step: 8 });
  },
  PATIENT,
);

test(
  "train --from carries family, licence and digest on, and guards the parent",
  async () => {
    // the parent of the test above; by itself, as tests may run alone
    const start = ["train", "--images", "in", "--steps", "4", ...SHORT];
    run(
      ...start,
      "--network",
      "residual-unet",
      "--out",
      "parent",
      "--licence",
      "X",
    );
    const tuned = run(
      ...start,
      "--from",
      "parent",
      "--out",
      "tuned",
      "--max-folds",
      "2",
    );
    expect(tuned.error).toBe("");
    const verdict = read("tuned", "report.json").verdict;
    expect(verdict.images).toBe(3);
    expect(tuned.out.some((line) => line === verdict.reason)).toBe(true);
    const parent = await openModelFolder(join(root.path, "parent"));
    const kept = await openModelFolder(join(root.path, "tuned"));
    expect(kept.model).toMatchObject({ family: "cytoedge", licence: "X" });
    // adopted or not, the tuned one names its parent
    const folder = verdict.isAdopted ? ["tuned"] : ["tuned", "tuned"];
    expect(read(...folder, "model.json").training.parent).toMatchObject({
      sha256: parent.digest,
      family: "cytoedge",
      licence: "X",
    });
    expect(kept.digest === parent.digest).toBe(!verdict.isAdopted);
  },
  PATIENT,
);

test("train --teacher learns from images without labels", () => {
  const image = readFileSync(join(root.path, "in", "s0.png"));
  writeFile(join(root.path, "bare", "b.png"), image);
  const start = [
    "train",
    "--steps",
    "4",
    ...SHORT,
    "--network",
    "residual-unet",
  ];
  run(...start, "--images", "in", "--out", "teacher");
  const taught = run(
    ...[...start, "--images", "bare", "--out", "pupil"],
    ...["--teacher", "teacher", "--min-masks", "0"],
  );
  expect(taught.error).toBe("");
  expect(read("pupil", "model.json").training.teacher.name).toBe("teacher");
}, PATIENT);

test("train says what is wrong with its images", () => {
  writeFile(join(root.path, "none", "a.png"), "no image");
  const images = [{ file: "a.png", evaluation_only: true }];
  writeFile(
    join(root.path, "kept", "manifest.json"),
    JSON.stringify({ images }),
  );
  const rest = ["--network", "residual-unet", ...SHORT];
  const none = run("train", "--images", "none", "--out", "o1", ...rest);
  expect(none.code).toBe(1);
  expect(none.error).toMatch(
    /none of 1 images can be learned from; none\/a.png: unreadable/,
  );
  const kept = run("train", "--images", "kept", "--out", "o2", ...rest);
  expect(kept.code).toBe(1);
  expect(kept.error).toMatch(/a\.png .* evaluation_only/);
}, PATIENT);

test(
  "train --precision says what the processor lacks, and keeps what was used",
  () => {
    const start = ["train", "--images", "in", "--network", "residual-unet"];
    const rest = ["--steps", "4", "--val-share", "0", ...SHORT];
    const named = run(
      ...[...start, ...rest, "--out", "half", "--precision", "fp16"],
    );
    expect(named.code).not.toBe(0);
    expect(named.error).toMatch(
      /cpu has no fp16 kernels.*use --precision fp32, or auto/,
    );
    // the folder can be used: nothing was begun
    const auto = run(
      ...[...start, ...rest, "--out", "half", "--precision", "auto"],
    );
    expect(auto.error).toBe("");
    expect(auto.out.filter((line) => /^trained in/.test(line))).toEqual([
      expect.stringMatching(/^trained in fp32: bf16: .*; fp16: cpu has no/),
    ]);
    const precision = { wanted: "auto", used: "fp32" };
    expect(read("half", "report.json")).toMatchObject({ precision });
    expect(read("half", "model.json").training).toMatchObject({ precision });
    const cuda = run(
      ...[...start, ...rest, "--out", "other", "--provider", "cuda"],
    );
    // where there is one this trains
    if (cuda.code !== 0) expect(cuda.error).toMatch(/provider.*cuda/);
  },
  PATIENT,
);

test("readTrainOptions() names the option that is wrong", () => {
  const good = { images: ["a"], out: "o", network: "n", guard: true };
  const wrong = (more: Record<string, unknown>) => () =>
    readTrainOptions({ ...good, ...more });
  expect(wrong({ images: undefined })).toThrow(/--images: give at least one/);
  expect(wrong({ from: "m" })).toThrow(/either --network NAME or --from DIR/);
  expect(wrong({ network: undefined })).toThrow(/either --network/);
  expect(wrong({ rate: -1 })).toThrow(/option --rate: .*is -1/);
  expect(wrong({ valShare: 1 })).toThrow(/--val-share/);
  expect(wrong({ validateEvery: 30 })).toThrow(
    /--validate-every: .*multiple of 4/,
  );
  expect(wrong({ weightsByKind: "often" })).toThrow(
    /--weights-by-kind: .*often/,
  );
  expect(wrong({ schedule: "steep" })).toThrow(/--schedule/);
  expect(wrong({ threads: 0 })).toThrow(/--threads/);
  expect(wrong({ resume: true })).toThrow(/--images: a resumed training keeps/);
  expect(readTrainOptions({ ...good, weightsByKind: '{"a": 2}' }).options)
    .toMatchObject({ batch: 8, weightsByKind: '{"a": 2}', guard: true });
});

test("a training that is killed and resumed gives the same model", async () => {
  const report = await compareKilled(2, { steps: 20 });
  expect(report).toEqual({ kills: 2, different: [] });
}, PATIENT);
