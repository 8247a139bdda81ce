/** Diameters by a size model: two passes, and what the result says. */
import { expect, test } from "vitest";
import { segment } from "../../shared/pipeline/segment.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createOutputImage, createSized } from "./fake_encoder.ts";

const read = (options: SegmentOptions = {}) =>
  SegmentParameters.parse({
    normalize: false,
    channels: [1, 2, 3],
    ...options,
  });

test("segment() takes the median of the second pass", async () => {
  const image = createOutputImage(260, 300);
  const encoder = createSized(20, { trainedDiameter: 40 });
  const { facts, warnings, run } = await segment(image, read(), {
    core,
    encoders: [encoder],
  });
  expect(facts.diameterFrom).toBe("estimated by the size model");
  // scaled by 30/20, in steps without interpolation, and back
  const size = { height: 390, width: 450 };
  const planar = core.toPlanar(image.data, { ...image.size, channels: 3 });
  const scaled = core.resizeLinear(
    planar,
    { ...image.size, channels: 3 },
    size,
  );
  const pixels = size.height * size.width;
  const found = core.computeMasks(
    scaled.subarray(0, 2 * pixels).map((v) => v / 5),
    scaled.subarray(2 * pixels),
    size,
    { convention: "nearest", parity: true, minSize: 0, fillHoles: false },
  );
  const masks = core.fillHolesAndRemoveSmall(
    core.resizeNearest(found.masks, size, image.size),
    image.size,
    { parity: true },
  ).masks;
  const { diameter } = core.estimateDiameter(masks, image.size);
  expect(diameter).toBeGreaterThan(10);
  expect(facts.diameter).toBeCloseTo(diameter, 2);
  expect(facts.scale).toBeCloseTo(30 / diameter, 3);
  expect(encoder.styles).toHaveLength(1);
  expect(encoder.styles[0]).toHaveLength(2);
  expect(run.timings.estimate).toBeGreaterThan(0);
  expect(warnings.filter(({ code }) => /not-estimated|one-plane/.test(code)))
    .toEqual([]);
});

test("segment() estimates for a diameter of 0, as Cellpose, and for no other", async () => {
  const image = createOutputImage(120, 140);
  const from = async (options: SegmentOptions) => {
    const deps = { core, encoders: [createSized(30)] };
    return (await segment(image, read(options), deps)).facts.diameterFrom;
  };
  expect(await from({ diameter: 0 })).toBe("estimated by the size model");
  expect(await from({ diameter: 17 })).toBe("given");
  expect(await from({ diameterUm: 17, pixelSize: 1 })).toBe("given in µm");
});

test("segment() takes the model's diameter where the second pass is empty", async () => {
  const data = new Float32Array(3 * 100 * 100).fill(-1);
  const { facts, warnings } = await segment(
    { data, axes: "YXC", shape: [100, 100, 3] },
    read(),
    { core, encoders: [createSized(20)] },
  );
  expect(facts.diameter).toBe(30);
  expect(warnings.map(({ code }) => code)).toContain("diameter-not-estimated");
});

test("segment() says on which plane of a stack it estimated", async () => {
  const { data, size } = createOutputImage(100, 120);
  const stack = new Float32Array(3 * data.length);
  for (const z of [0, 1, 2]) stack.set(data, z * data.length);
  const { warnings } = await segment(
    { data: stack, axes: "ZYXC", shape: [3, size.height, size.width, 3] },
    read(),
    { core, encoders: [createSized(30)] },
  );
  const told = warnings.find(({ code }) => code === "diameter-of-one-plane");
  expect(told?.message).toMatch(/all 3 planes.*plane 1/);
});
