/**
 * Bands with networks that tell classes, or diameters: the same as in memory,
 * bit for bit.
 */
import { expect, test } from "vitest";
import { IN_MEMORY } from "../../shared/pipeline/array_store.ts";
import { resizedRows } from "../../shared/pipeline/resized_rows.ts";
import { segmentBands } from "../../shared/pipeline/segment_bands.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { createRandom } from "../bench/scene.ts";
import { core } from "../core.ts";
import { bandsOf, expectSame } from "./as_bands.ts";
import { createDiscReader, drawDiscs } from "./discs.ts";
import {
  createOutputImage,
  createSemantic,
  createSized,
} from "./fake_encoder.ts";

/** Blobs, rings and combs: components that leave a band and come back. */
function drawShapes(height: number, width: number, seed: number) {
  const random = createRandom(seed);
  const data = new Float32Array(height * width).fill(-2);
  for (let k = 0; k < 25; k++) {
    const [y, x, r] = [random() * height, random() * width, random() * 40];
    const kind = Math.floor(random() * 3);
    for (let i = 0; i < data.length; i++) {
      const [dy, dx] = [Math.floor(i / width) - y, i % width - x];
      const far = Math.hypot(dy, dx);
      const isIn = kind === 0
        ? far < r / 2
        : kind === 1
        ? far < r && far > r - 4
        : Math.abs(dy) < r && Math.abs(dx) < r &&
          (Math.floor(i % width) % 6 < 2 || dy > r - 3);
      if (isIn) data[i] = 2;
    }
  }
  return { data, axes: "YX", shape: [height, width] };
}

test.each<[string, SegmentOptions, number]>([
  ["defaults", {}, 23],
  ["bands of one row", {}, 1],
  ["one band", {}, 1000],
  ["without cells at edges", { excludeOnEdges: true }, 17],
  ["large and small dropped", { minSize: 300, maxSizeFraction: 0.02 }, 31],
  ["all sizes", { minSize: 0, maxSizeFraction: 1 }, 31],
  ["no foreground", { cellprobThreshold: 50 }, 23],
  ["none that fits", { maxSizeFraction: 0, minSize: 0 }, 23],
])(
  "segmentBands() finds components as segment() does: %s",
  async (_, options, bandRows) => {
    for (const seed of [1, 2]) {
      const image = drawShapes(190, 160, seed);
      const encoder = createSemantic([(v) => v]);
      await expectSame(
        image,
        { normalize: false, ...options },
        { encoder, bandRows },
      );
    }
  },
);

test("segmentBands() takes the logit of chosen classes", async () => {
  const image = drawShapes(150, 140, 5);
  const encoder = createSemantic([(v) => -v, (v) => v, () => -9]);
  for (const foregroundClass of [null, 0, 1]) {
    const options = { normalize: false, foregroundClass, maxSizeFraction: 1 };
    const { count } = await expectSame(image, options, { encoder });
    expect(count).toBeGreaterThan(0);
  }
});

test("segmentBands() estimates a diameter in steps as segment() does", async () => {
  const { data } = drawDiscs(256, 40);
  const input = { data, axes: "YX", shape: [256, 256] };
  const { facts } = await expectSame(input, { normalize: false }, {
    encoder: createDiscReader(),
  });
  expect(facts.diameterFrom).toMatch(/^estimated/);
  expect(facts.diameter).toBeGreaterThan(32);
});

test("segmentBands() estimates a diameter by a size model as segment() does", async () => {
  const image = createOutputImage(260, 300);
  const encoder = createSized(20, { trainedDiameter: 40 });
  const { facts } = await expectSame(
    image,
    { normalize: false, channels: [1, 2, 3] },
    { encoder },
  );
  expect(facts.diameterFrom).toBe("estimated by the size model");
  expect(facts.diameter).toBeGreaterThan(10);
});

test("segmentBands() shows a size model the middle of a large image", async () => {
  const encoder = createSized(30);
  const seen: number[] = [];
  const { warnings, facts } = await segmentBands(
    bandsOf(createOutputImage(1100, 200)),
    SegmentParameters.parse({ normalize: false, channels: [1, 2, 3] }),
    {
      core,
      encoders: [{
        ...encoder,
        encode(batch) {
          seen.push(batch.count);
          return encoder.encode(batch);
        },
      }],
      stores: IN_MEMORY,
    },
  );
  expect(seen.length).toBeGreaterThan(0);
  expect(facts.diameter).toBeGreaterThan(10);
  expect(warnings.map(({ code }) => code)).toContain("diameter-of-a-part");
});

test("resizedRows() reads a large image in parts to make it small", async () => {
  const size = { height: 9000, width: 1400 };
  const reads: number[] = [];
  const source = {
    channels: 2,
    size,
    rows(top: number, count: number) {
      reads.push(count);
      const length = count * size.width;
      return Float32Array.from(
        { length: 2 * length },
        (_, i) =>
          (top * size.width + i % length) % 251 + Math.floor(i / length),
      );
    },
  };
  const target = { height: 37, width: 20 };
  const whole = core.resizeLinear(
    source.rows(0, size.height),
    { ...size, channels: 2 },
    target,
  );
  reads.length = 0;
  const scaled = await resizedRows(core, source, target).rows(0, 37);
  expect(scaled).toEqual(whole);
  expect(Math.max(...reads) * 2 * size.width).toBeLessThan(2 ** 23);
});
