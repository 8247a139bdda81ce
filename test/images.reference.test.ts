import { expect, test } from "vitest";
import { tileStarts } from "../wasm/tile_plan.ts";
import { core } from "./core.ts";
import {
  circularReference,
  percentileReference,
  sampleReference,
  smoothReference,
  tileNormReference,
} from "./reference/images.ts";

/** Lengths around the vectors' width, and beyond two of them. */
const LENGTHS = [1, 3, 4, 5, 8, 17, 33];

function noise(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31 * 2000 - 700;
  });
}

function errorOf(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours.length).toBe(theirs.length);
  const differences = Array.from(theirs, (v, i) => Math.abs(ours[i] - v));
  return differences.reduce((a, b) => Math.max(a, b), 0);
}

test.each([...LENGTHS, 1000])(
  "findPercentiles() equals sorting %i values",
  (length) => {
    const ranks = [0, 1, 2.5, 50, 73.21, 99, 100];
    for (
      const values of [
        noise(length),
        noise(length).map(Math.round),
        noise(length).map((v) => Math.sign(v)),
        noise(length).map((v) => v / 1e42),
        // neighbors in the last bits, each several times
        noise(length).map((v) => 1 + Math.floor(v / 100) * 2 ** -23),
      ]
    ) {
      expect([...core.findPercentiles(values, ranks)])
        .toEqual(ranks.map((rank) => percentileReference(values, rank)));
    }
  },
);

test("normalizeImage() takes percentiles of a grid above 224³ values", () => {
  const size = { height: 1500, width: 7500 };
  const image = Float32Array.from(
    { length: 1500 * 7500 },
    (_, i) => Math.imul(i, 0x9e3779b1) >>> 8,
  );
  const grid: number[] = [];
  for (let y = 0; y < 1500; y += 6) {
    for (let x = 0; x < 7500; x += 33) grid.push(image[y * 7500 + x]);
  }
  const { low, high } = core.normalizeImage(image, size);
  expect(low).toEqual([percentileReference(grid, 1)]);
  expect(high).toEqual([percentileReference(grid, 99)]);
  expect(low[0]).not.toBe(core.findPercentiles(image, [1])[0]);
});

test.each(LENGTHS)("smoothSharpen() equals full sums at width %i", (width) => {
  const height = 12;
  const plane = { data: noise(height * width), height, width };
  const smooth = smoothReference(plane, 1.3);
  const surround = smoothReference(plane, 4);
  const run = (smoothRadius: number, sharpenRadius: number) =>
    core.smoothSharpen(plane.data, plane, { smoothRadius, sharpenRadius });
  expect(errorOf(run(1.3, 0), smooth)).toBeLessThan(0.01);
  const both = smooth.map((value, i) => value - surround[i]);
  expect(errorOf(run(1.3, 4), both)).toBeLessThan(0.01);
  const sharp = surround.map((value, i) => plane.data[i] - value);
  expect(errorOf(run(0, 4), sharp)).toBeLessThan(0.01);
});

test.each([...LENGTHS.map((n) => [11, n]), [24, 7], [1, 9], [9, 1], [2, 2]])(
  "smoothSharpen() in parity equals circular correlation at %i×%i",
  (height, width) => {
    const plane = { data: noise(height * width), height, width };
    for (const [smoothRadius, sharpenRadius] of [[1.3, 0], [1, 4], [0, 3]]) {
      const options = { smoothRadius, sharpenRadius, parity: true };
      const ours = core.smoothSharpen(plane.data, plane, options);
      const theirs = circularReference(plane, smoothRadius, sharpenRadius);
      expect(errorOf(ours, theirs)).toBeLessThan(0.01);
    }
  },
);

test("smoothSharpen() filters each plane of each channel alone", () => {
  const size = { channels: 2, depth: 2, height: 6, width: 7 };
  const image = noise(168);
  for (const parity of [false, true]) {
    const options = { smoothRadius: 1, sharpenRadius: 2, parity };
    const all = core.smoothSharpen(image, size, options);
    for (let plane = 0; plane < 4; plane++) {
      const part = image.slice(plane * 42, plane * 42 + 42);
      expect(core.smoothSharpen(part, { height: 6, width: 7 }, options))
        .toEqual(all.slice(plane * 42, plane * 42 + 42));
    }
  }
});

test.each([[40, 57, 12], [64, 20, 16], [9, 9, 20], [33, 5, 7], [1, 40, 8]])(
  "tile normalization equals its plain form at %i×%i, tiles of %i",
  (height, width, tile) => {
    const data = noise(height * width);
    // no contrast in one corner
    for (let y = 0; y < height / 2; y++) {
      data.fill(5, y * width, y * width + (width >> 1));
    }
    const size = { height, width };
    const ours = core.normalizeImage(data, size, {
      tileNormBlocksize: tile,
      percentile: [2, 95],
    });
    const theirs = tileNormReference({ data, ...size }, {
      rows: tileStarts(height, tile, { tileOverlap: 0.1 }),
      columns: tileStarts(width, tile, { tileOverlap: 0.1 }),
      tile,
      percentile: [2, 95],
    });
    expect(errorOf(ours.image, theirs)).toBeLessThan(1e-4);
  },
);

test("tile normalization of planes takes gaps from the nearest plane", () => {
  const size = { depth: 3, height: 16, width: 16 };
  const image = noise(768);
  image.fill(5, 256, 512);
  const options = { tileNormBlocksize: 8, tileNormSmooth3D: 0, norm3D: false };
  const { image: out } = core.normalizeImage(image, size, options);
  const alone = core.normalizeImage(
    image.slice(0, 256),
    { height: 16, width: 16 },
    options,
  ).image;
  expect(out.slice(0, 256)).toEqual(alone);
  // the empty plane has the first plane's ranges, so it is not constant
  const [low, high] = core.findPercentiles(image.slice(0, 256), [0, 100]);
  const middle = out.subarray(256, 512);
  expect(Math.min(...middle)).toBeGreaterThan((5 - high) / (high - low));
  expect(new Set(middle).size).toBeGreaterThan(100);
});

test("tile normalization smooths the ranges of planes along z", () => {
  // planes alike but for their brightness
  const plane = noise(256);
  const image = Float32Array.of(...plane, ...plane.map((v) => v + 9000));
  const size = { depth: 2, height: 16, width: 16 };
  const apart = (options: { tileNormSmooth3D: number; parity?: boolean }) => {
    const { image: out } = core.normalizeImage(image, size, {
      tileNormBlocksize: 8,
      norm3D: false,
      ...options,
    });
    return out[256] - out[0];
  };
  expect(apart({ tileNormSmooth3D: 0 })).toBeCloseTo(0, 2);
  expect(apart({ tileNormSmooth3D: 1 })).toBeGreaterThan(1);
  // very wide: one range for both planes
  const together = core.normalizeImage(image, size, {
    tileNormBlocksize: 8,
    tileNormSmooth3D: 100,
    norm3D: false,
  }).image;
  const mean = core.normalizeImage(image, size, { tileNormBlocksize: 8 }).image;
  expect(errorOf(together, mean)).toBeLessThan(0.01);
});

test.each(LENGTHS)("resizeLinear() equals sampling to width %i", (width) => {
  const from = { height: 9, width: 11 };
  const image = noise(2 * 99);
  for (const height of [1, 5, 9, 20]) {
    const ours = core.resizeLinear(image, { ...from, channels: 2 }, {
      height,
      width,
    });
    const theirs = [0, 1].flatMap((channel) => {
      const plane = {
        data: image.subarray(channel * 99, channel * 99 + 99),
        ...from,
      };
      return Array.from(
        { length: height * width },
        (_, i) =>
          sampleReference(plane, [Math.floor(i / width), i % width], {
            height,
            width,
          }),
      );
    });
    expect(errorOf(ours, theirs)).toBeLessThan(0.001);
  }
});

test("resizeLinear() resizes volumes in the plane, then along z", () => {
  const size = { channels: 2, depth: 4, height: 5, width: 6 };
  const image = noise(240);
  for (const depth of [1, 3, 4, 7, 12]) {
    const target = { depth, height: 7, width: 4 };
    const ours = core.resizeLinear(image, size, target);
    // planes of both channels, then columns of pixels along z as an image
    const planes = core.resizeLinear(
      image,
      { channels: 8, height: 5, width: 6 },
      { height: 7, width: 4 },
    );
    const theirs = core.resizeLinear(
      planes,
      { channels: 2, height: 4, width: 28 },
      { height: depth, width: 28 },
    );
    expect(ours).toEqual(theirs);
  }
});
