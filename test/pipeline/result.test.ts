import { expect, test } from "vitest";
import { digestBytes, digestValue } from "../../shared/pipeline/digest.ts";
import {
  describeResult,
  resultId,
  type ResultKey,
} from "../../shared/pipeline/result.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { describeModel, type ModelJson } from "../../shared/schema/model.ts";
import {
  PARAMETERS,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createIdentity, createOutputImage } from "./fake_encoder.ts";

const key: ResultKey = {
  input: "a".repeat(64),
  models: ["b".repeat(64)],
  parameters: SegmentParameters.parse({}),
  core: "1",
};

test("digestBytes() is SHA-256", async () => {
  // FIPS 180-4, appendix B.1
  expect(await digestBytes(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("digestValue() does not depend on the order of keys, but on all else", async () => {
  const one = await digestValue({ a: 1, b: [{ c: null, d: "x" }] });
  expect(await digestValue({ b: [{ d: "x", c: null }], a: 1 })).toBe(one);
  expect(await digestValue({ b: [{ d: "x", c: null }], a: 1, e: undefined }))
    .toBe(one);
  for (const other of [{ a: 1 }, { a: "1", b: [{ c: null, d: "x" }] }]) {
    expect(await digestValue(other)).not.toBe(one);
  }
});

test("resultId() changes with input, models, parameters and core", async () => {
  const id = await resultId(key);
  expect(await resultId({ ...key })).toBe(id);
  const changes: Partial<ResultKey>[] = [
    { input: "c".repeat(64) },
    { models: [] },
    { parameters: SegmentParameters.parse({ niter: 100 }) },
    { core: "2" },
  ];
  for (const change of changes) {
    expect(await resultId({ ...key, ...change })).not.toBe(id);
  }
});

test("describeResult() keeps what may differ from run to run apart", async () => {
  const image = createOutputImage(60, 60);
  const encoder = createIdentity();
  const run = async (batchSize: number) => {
    const deps = { core, encoders: [encoder], batchSize };
    const parameters = SegmentParameters.parse({ normalize: false });
    const result = await segment(image, parameters, deps);
    return await describeResult(result, [encoder], { ...key, parameters });
  };
  const [one, two] = [await run(1), await run(2)];
  expect({ ...one, run: null }).toEqual({ ...two, run: null });
  expect(one.run.timings.total).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(one))).toEqual(one);
  expect(one.models[0]).toMatchObject({ name: "fake", licence: "MIT" });
});

test("SegmentParameters has Cellpose's defaults", () => {
  expect(SegmentParameters.parse({})).toMatchObject({
    diameter: null,
    cellprobThreshold: 0,
    flowThreshold: 0.4,
    niter: null,
    minSize: 15,
    maxSizeFraction: 0.4,
    tileOverlap: 0.1,
    augment: false,
    resample: true,
    normalize: true,
    normPercentile: [1, 99],
  });
  for (const [name, { meaning }] of Object.entries(PARAMETERS)) {
    expect(meaning, name).toMatch(/^[a-z]/);
  }
});

test.each([
  { diameter: -1 },
  { diameter: Infinity },
  { flowThreshold: -0.1 },
  { niter: 1.5 },
  { tileOverlap: 0.6 },
  { normPercentile: [99, 1] },
  { axes: "ABC" },
  { channels: [] },
  { unknown: 1 },
])("SegmentParameters refuses %j", (options) => {
  expect(SegmentParameters.safeParse(options).success).toBe(false);
});

const json: ModelJson = {
  format: 1,
  family: "cellpose-sam",
  networks: [],
  tile: { height: 256, width: 256, isFixed: true },
  channels: { input: 3, output: 3 },
  diameter: { mean: 30, labels: 41 },
  precision: "fp32",
  sha256: "a".repeat(64),
  licence: null,
};

test("describeModel() scales U-Nets to their training cells only", () => {
  expect(describeModel(json, "m")).not.toHaveProperty("trainedDiameter");
  const unet = describeModel({ ...json, family: "cellpose-unet" }, "m");
  expect(unet).toMatchObject({ diameter: 30, trainedDiameter: 41 });
  const bare = describeModel({ ...json, diameter: null }, "m");
  expect(bare).toMatchObject({ diameter: 30 });
  expect(describeModel({ ...json, family: "other" }, "m")).toBeUndefined();
});
