import { expect, test } from "vitest";
import { arrayStore } from "../../shared/pipeline/array_store.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { sampleSettled } from "../../shared/pipeline/settled.ts";
import { judgeInput, judgeMasks } from "../../shared/pipeline/warnings.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createOutput } from "../network_output.ts";
import { createFake, createOutputImage } from "./fake_encoder.ts";

const range = { channel: 0, low: 10, high: 200, isConstant: false };
const codes = (warnings: readonly { code: string }[]) =>
  warnings.map(({ code }) => code);

test.each([
  [range, new Uint8Array(1), []],
  [{ ...range, high: 255 }, new Uint8Array(1), ["saturated"]],
  [{ ...range, high: 4095 }, new Uint16Array(1), ["saturated"]],
  [{ ...range, high: 4094 }, new Uint16Array(1), []],
  [{ ...range, high: 255 }, new Float32Array(1), []],
  [{ ...range, high: 25 }, new Uint16Array(1), ["low-contrast"]],
  [{ ...range, high: 26 }, new Uint16Array(1), []],
  [
    { ...range, low: 9990, high: 10080 },
    new Uint16Array(1),
    ["low-contrast"],
  ],
  [{ ...range, isConstant: true }, new Uint8Array(1), ["constant-channel"]],
])("judgeInput() of %j", (range, data, expected) => {
  expect(codes(judgeInput([range], !(data instanceof Float32Array)))).toEqual(
    expected,
  );
});

const facts = {
  count: 5,
  pixels: 1000,
  covered: 300,
  diameter: 30,
  scale: 1,
  range: [7.5, 120] as const,
  settled: 0.95,
};

test.each([
  [{}, []],
  [{ count: 0, emptyReason: "Because" }, ["mask-empty"]],
  [{ covered: 901 }, ["mask-almost-full"]],
  [{ covered: 900 }, []],
  [{ diameter: 7 }, ["diameter-outside-range"]],
  [{ diameter: 7, scale: 2 }, []],
  [{ diameter: 70, scale: 2 }, ["diameter-outside-range"]],
  [{ settled: 0.89 }, ["unconverged"]],
  [{ settled: undefined }, []],
])("judgeMasks() of %j", (change, expected) => {
  expect(codes(judgeMasks({ ...facts, ...change }))).toEqual(expected);
});

test("segment() warns of what it sees in the image and the masks", async () => {
  const full = createFake((_, { height, width }) => {
    const out = new Float32Array(3 * height * width);
    return out.fill(5, 2 * height * width);
  });
  const data = new Uint8Array(64 * 64 * 2).fill(255);
  data.fill(7, 64 * 64);
  for (let i = 0; i < 500; i++) data[i * 8] = i % 200;
  const image = {
    data,
    axes: "CYX",
    shape: [2, 64, 64],
    axesInferred: true,
    fileWarnings: ["odd tag", "Axes CYX are inferred from the shape 2×64×64"],
  };
  const { warnings } = await segment(image, SegmentParameters.parse({}), {
    core,
    encoders: [full],
  });
  expect(codes(warnings)).toEqual([
    "axes-inferred",
    "file",
    "saturated",
    "constant-channel",
    "mask-empty",
  ]);
});

test("segment() tells that paths do not converge when they have no time", async () => {
  const image = createOutputImage(120, 120);
  const deps = { core, encoders: [createFake((tile) => tile)] };
  const read = (niter: number | null) =>
    SegmentParameters.parse({ normalize: false, niter, flowThreshold: 0 });
  const short = await segment(image, read(6), deps);
  const long = await segment(image, read(2000), deps);
  expect(short.facts.settled).toBeLessThan(0.5);
  expect(codes(short.warnings)).toContain("unconverged");
  expect(long.facts.settled).toBeGreaterThan(0.8);
});

test("segment() measures confidence where asked, and the same of the rest", async () => {
  const image = createOutputImage(120, 120);
  const deps = { core, encoders: [createFake((tile) => tile)] };
  const parameters = SegmentParameters.parse({ normalize: false });
  const [lean, full] = [
    await segment(image, parameters, deps),
    await segment(image, parameters, { ...deps, confidence: true }),
  ];
  expect(lean.planes[0].confidence).toBeUndefined();
  const { confidence, ...plane } = full.planes[0];
  expect(confidence?.length).toBe(plane.count);
  expect(Math.max(...confidence ?? [])).toBeGreaterThan(0.5);
  expect(plane).toEqual(lean.planes[0]);
  expect(full.facts).toEqual(lean.facts);
  expect(full.warnings).toEqual(lean.warnings);
});

test("segment() names channels that the model does not take", async () => {
  const data = new Uint8Array(4 * 32 * 32).map((_, i) => i * 7);
  const names = { channelNames: ["DAPI", "GFP", "RFP", "BF"] };
  const image = { data, axes: "CYX", shape: [4, 32, 32], ...names };
  const encoder = createFake((tile) => tile);
  const deps = { core, encoders: [encoder] };
  const read = (channels: (string | number)[] | null) =>
    SegmentParameters.parse({ channels, normalize: false });
  const all = await segment(image, read(null), deps);
  expect(all.warnings[0]).toMatchObject({ code: "channels-left-out" });
  const two = await segment(image, read(["bf", "DAPI"]), deps);
  expect(codes(two.warnings)).not.toContain("channels-left-out");
  const [tile] = encoder.tiles.slice(-1);
  // 32×32 in the middle of 256×256
  const at = (c: number) => tile[c * 65536 + 112 * 256 + 112];
  expect([at(0), at(1), at(2)]).toEqual([data[3 * 1024], data[0], 0]);
});

test("sampleSettled() tells of a few windows what holds for all", async () => {
  const size = { height: 2100, width: 2048 };
  const { flows, cellprob } = createOutput(size, 4000, 2);
  const values = new Float32Array([...flows, ...cellprob]);
  const sample = (niter: number) =>
    sampleSettled(core, { store: arrayStore(values), size }, { niter });
  const exact = core.computeMasks(flows, cellprob, size, {
    confidence: true,
  }).confidence!.settled;
  const mean = exact.reduce((sum, each) => sum + each) / exact.length;
  expect(Math.abs(await sample(200) as number - mean)).toBeLessThan(0.1);
  expect(await sample(2)).toBeLessThan(mean - 0.3);
  // four windows do not see all of so large an image
  cellprob.forEach((value, i) => {
    const [y, x] = [Math.floor(i / size.width), i % size.width];
    const isBetween = Math.abs(y - 1050) < 200 || Math.abs(x - 1024) < 200;
    if (!isBetween) values[2 * cellprob.length + i] = Math.min(value, -9);
  });
  expect(await sample(200)).toBeUndefined();
  values.fill(-9);
  expect(await sample(200)).toBeUndefined();
});

test("sampleSettled() measures all cells of up to 4 Mpx", async () => {
  const size = { height: 700, width: 1300 };
  const { flows, cellprob } = createOutput(size, 900, 2);
  const store = arrayStore(new Float32Array([...flows, ...cellprob]));
  const { settled } = core.computeMasks(flows, cellprob, size, {
    settled: true,
  });
  const { shares, pixels } = settled!;
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const exact = sum([...shares].map((share, k) => share * pixels[k])) /
    sum([...pixels]);
  expect(await sampleSettled(core, { store, size }, {})).toBeCloseTo(exact, 12);
});
