/**
 * Kernels on images: normalizing, resizing, filters. One file although long:
 * all are small and share the inputs.
 */
import { expect, test } from "vitest";
import { ArgumentError, ShapeError } from "../wasm/mod.ts";
import { core } from "./core.ts";

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i);
/** Pseudo-random values 0–1, the same in every run. */
function noise(length: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  });
}

test("toPlanar() turns interleaved pixels of any type into planes", () => {
  const size = { channels: 3, height: 1, width: 2 };
  const planes = core.toPlanar(Uint8Array.of(1, 2, 3, 4, 5, 6), size);
  expect(planes).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  expect(core.toInterleaved(planes, size))
    .toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
});

test.each([1, 3, 16, 17, 40])(
  "toInterleaved() undoes toPlanar() with %i channels",
  (channels) => {
    const size = { channels, depth: 2, height: 5, width: 9 };
    const image = ramp(channels * 90);
    const planes = core.toPlanar(image, size);
    expect(planes[90 * (channels - 1) + 89]).toBe(image.length - 1);
    expect(core.toInterleaved(planes, size)).toEqual(image);
  },
);

test("findPercentiles() interpolates between ranks, in any order", () => {
  const found = core.findPercentiles(ramp(5), [50, 0, 100, 12.5, 99]);
  expect(found).toEqual(Float32Array.of(2, 0, 4, 0.5, 3.96));
});

test("findIntegerPercentiles() gives the bits of findPercentiles()", () => {
  const ranks = [[1, 99], [0, 100], [99.9, 3], [50, 50], [33.3, 66.7]] as const;
  for (const type of [Uint8Array, Uint16Array]) {
    for (const count of [1, 2, 3, 5, 17, 4000]) {
      for (const [start, step] of [[0, 1], [1, 3], [7, 2]]) {
        const most = type === Uint8Array ? 255 : 65535;
        const image = Uint16Array.from(
          { length: start + count * step },
          (_, i) =>
            i % 7 === 0 ? 0 : i % 5 === 0 ? most : (i * 40503 >> 3) & most,
        );
        const values = Array.from(
          { length: count },
          (_, i) => image[start + i * step],
        );
        for (const pair of ranks) {
          expect(core.findIntegerPercentiles(
            // a view that begins at an odd place
            type.from([9, ...image]).subarray(1) as Uint8Array | Uint16Array,
            { start, step, count },
            pair,
          )).toEqual(core.findPercentiles(Float32Array.from(values), pair));
        }
      }
    }
  }
});

test("findIntegerPercentiles() refuses places outside and ranks out of range", () => {
  const image = new Uint8Array(10);
  for (
    const place of [
      { start: 0, step: 1, count: 11 },
      { start: 1, step: 3, count: 4 },
      { start: -1, step: 1, count: 2 },
      { start: 0, step: 0, count: 2 },
      { start: 0, step: 1, count: 0 },
      { start: 0.5, step: 1, count: 2 },
    ]
  ) {
    expect(() => core.findIntegerPercentiles(image, place, [1, 99]))
      .toThrow(/do not lie within 10/);
  }
  const place = { start: 1, step: 3, count: 3 };
  expect(() => core.findIntegerPercentiles(image, place, [1, 101])).toThrow();
});

test("findPercentiles() orders negative values, zeros and infinities", () => {
  const values = Float32Array.of(Infinity, -3, 0, -0, 2, -Infinity, -2);
  expect([...core.findPercentiles(values, [0, 100 / 6, 100 / 3, 100])])
    .toEqual([-Infinity, -3, -2, Infinity]);
});

test("findPercentiles() gives NaN where a value is NaN", () => {
  expect([...core.findPercentiles(Float32Array.of(1, NaN, 2), [0, 100])])
    .toEqual([NaN, NaN]);
});

test("findPercentiles() refuses no values and ranks out of range", () => {
  expect(() => core.findPercentiles(new Float32Array(), [1]))
    .toThrow("values: is empty");
  expect(() => core.findPercentiles(ramp(3), [101])).toThrow(ArgumentError);
  expect(() => core.findPercentiles(ramp(3), [NaN])).toThrow(ArgumentError);
});

test("normalizeImage() maps percentiles to 0 and 1 without clipping", () => {
  const image = ramp(101);
  const size = { height: 1, width: 101 };
  const { image: out, low, high } = core.normalizeImage(image, size);
  expect([low, high]).toEqual([[1], [99]]);
  expect(out[1]).toBe(0);
  expect(out[99]).toBe(1);
  expect(out[0]).toBeLessThan(0);
  expect(out[100]).toBeGreaterThan(1);
  expect(image).toEqual(ramp(101));
});

test("normalizeImage() takes 8- and 16-bit images as they are", () => {
  const size = { height: 10, width: 10 };
  const expected = core.normalizeImage(ramp(100), size).image;
  for (const type of [Uint8Array, Uint16Array, Int32Array, Float64Array]) {
    expect(core.normalizeImage(type.from(ramp(100)), size).image)
      .toEqual(expected);
  }
});

test("normalizeImage() sets constant channels to 0 and names them", () => {
  const size = { channels: 3, height: 4, width: 5 };
  const image = new Float32Array(60).fill(7);
  image.set(ramp(20), 20);
  for (const options of [{}, { invert: true }, { tileNormBlocksize: 2 }]) {
    const result = core.normalizeImage(image, size, options);
    expect(result.constantChannels).toEqual([0, 2]);
    expect(result.image.subarray(0, 20)).toEqual(new Float32Array(20));
    expect(result.image.subarray(40)).toEqual(new Float32Array(20));
    expect(new Set(result.image.subarray(20, 40)).size).toBeGreaterThan(9);
  }
});

test("normalizeImage() in parity leaves constant channels in tile mode", () => {
  const image = new Float32Array(12).fill(7);
  const size = { height: 3, width: 4 };
  const options = { tileNormBlocksize: 2, parity: true };
  const result = core.normalizeImage(image, size, options);
  expect(result.image).toEqual(image);
  expect(result.constantChannels).toEqual([0]);
});

test("normalizeImage() gives each plane its range without norm3D", () => {
  const image = Float32Array.of(...ramp(101), ...ramp(101).map((v) => 5 * v));
  const size = { depth: 2, height: 1, width: 101 };
  const result = core.normalizeImage(image, size, { norm3D: false });
  expect(result.high).toEqual([99, 495]);
  expect(result.image.subarray(101)).toEqual(result.image.subarray(0, 101));
  expect(core.normalizeImage(image, size).high.length).toBe(1);
});

test("normalizeImage() clears constant planes, Cellpose keeps them", () => {
  const image = Float32Array.of(...ramp(10), ...new Float32Array(10).fill(6));
  const size = { depth: 2, height: 2, width: 5 };
  const plane = (parity: boolean) =>
    core.normalizeImage(image, size, { norm3D: false, parity })
      .image.subarray(10);
  expect([...plane(false)]).toEqual(Array(10).fill(0));
  expect([...plane(true)]).toEqual(Array(10).fill(6));
});

test("normalizeImage() takes broken pixels for the smallest value", () => {
  const image = ramp(100);
  image[40] = NaN;
  image[50] = Infinity;
  image[60] = -Infinity;
  const size = { height: 10, width: 10 };
  const result = core.normalizeImage(image, size, { smoothRadius: 1 });
  expect(result.replacedPixels).toBe(3);
  expect(result.image.every(Number.isFinite)).toBe(true);
  const nothing = new Float32Array(100).fill(NaN);
  const empty = core.normalizeImage(nothing, size);
  expect(empty.constantChannels).toEqual([0]);
  expect(empty.image).toEqual(new Float32Array(100));
});

test("normalizeImage() takes values for the range, a pair a channel", () => {
  const size = { channels: 2, height: 1, width: 2 };
  const image = Float32Array.of(1, 3, 10, 30);
  const lowhigh = [[1, 3], [0, 20]] as const;
  expect([...core.normalizeImage(image, size, { lowhigh }).image])
    .toEqual([0, 1, 0.5, 1.5]);
  const options = { lowhigh: [0, 10], invert: true } as const;
  expect([...core.normalizeImage(image, size, options).image])
    .toEqual([0.9, 0.7, 0, -2].map(Math.fround));
});

test("normalizeImage() has an answer for one pixel", () => {
  const result = core.normalizeImage([5.5] as never, { height: 1, width: 1 });
  expect([...result.image]).toEqual([0]);
  for (const parity of [false, true]) {
    const options = {
      tileNormBlocksize: 8,
      smoothRadius: 2,
      sharpenRadius: 3,
      parity,
    };
    const pixel = Float32Array.of(5.5);
    const one = core.normalizeImage(pixel, { height: 1, width: 1 }, options);
    expect([...one.image].every(Number.isFinite)).toBe(true);
  }
});

test.each<[string, Parameters<typeof core.normalizeImage>[2]]>([
  ["percentile", { percentile: [99, 1] }],
  ["percentile", { percentile: [5, 5] }],
  ["percentile", { percentile: [-1, 99] }],
  ["percentile", { percentile: [1, NaN] }],
  ["lowhigh", { lowhigh: [3, 3] }],
  ["lowhigh", { lowhigh: [NaN, 3] }],
  ["lowhigh", { lowhigh: [[0, 1], [0, 1], [0, 1]] }],
  ["lowhigh", { lowhigh: [0, 1], smoothRadius: 1 }],
  ["smoothRadius", { smoothRadius: -1 }],
  ["sharpenRadius", { sharpenRadius: Infinity }],
  ["tileNormBlocksize", { tileNormBlocksize: 2.5 }],
  ["tileNormSmooth3D", { tileNormSmooth3D: -1 }],
])("normalizeImage() names %s where it is wrong", (argument, options) => {
  expect(() =>
    core.normalizeImage(ramp(4), { channels: 2, height: 1, width: 2 }, options)
  ).toThrow(expect.objectContaining({ name: "ArgumentError", argument }));
});

test("normalizeImage() refuses arrays and sizes that disagree", () => {
  expect(() => core.normalizeImage(ramp(5), { height: 2, width: 2 }))
    .toThrow(ShapeError);
  expect(() => core.normalizeImage(ramp(0), { height: 0, width: 2 }))
    .toThrow(ArgumentError);
  expect(() =>
    core.normalizeImage(ramp(4), { channels: 0, height: 2, width: 2 })
  ).toThrow("size.channels");
});

test("smoothSharpen() keeps a blob in place, Cellpose's filter moves it", () => {
  const size = { height: 40, width: 40 };
  const image = new Float32Array(1600);
  image[20 * 40 + 20] = 100;
  const rowOf = (parity: boolean) => {
    const out = core.smoothSharpen(image, size, { smoothRadius: 2, parity });
    const sum = out.reduce((a, b) => a + b, 0);
    return out.reduce((a, b, i) => a + b * Math.floor(i / 40), 0) / sum;
  };
  expect(rowOf(false)).toBeCloseTo(20, 4);
  expect(rowOf(true)).toBeCloseTo(20.98, 1);
});

test("smoothSharpen() mirrors edges, Cellpose's filter wraps around", () => {
  const size = { height: 20, width: 20 };
  const image = new Float32Array(400).fill(0, 0).fill(100, 0, 20);
  const bottom = (parity: boolean) =>
    core.smoothSharpen(image, size, { smoothRadius: 2, parity })[399];
  expect(Math.abs(bottom(false))).toBeLessThan(1e-4);
  expect(bottom(true)).toBeGreaterThan(1);
});

test("smoothSharpen() treats both axes alike, Cellpose's filter does not", () => {
  const wide = { height: 16, width: 48 };
  const image = noise(16 * 48);
  const turned = new Float32Array(16 * 48);
  image.forEach((value, i) =>
    turned[(i % 48) * 16 + Math.floor(i / 48)] = value
  );
  const difference = (parity: boolean) => {
    const options = { smoothRadius: 2, parity };
    const a = core.smoothSharpen(image, wide, options);
    const b = core.smoothSharpen(turned, { height: 48, width: 16 }, options);
    return a.reduce(
      (worst, value, i) =>
        Math.max(
          worst,
          Math.abs(value - b[(i % 48) * 16 + Math.floor(i / 48)]),
        ),
      0,
    );
  };
  expect(difference(false)).toBeLessThan(1e-6);
  expect(difference(true)).toBeGreaterThan(0.01);
});

test("tile normalization smooths ranges along columns, in parity it does not", () => {
  // the right half is brighter by a hundred times the contrast
  const size = { depth: 1, height: 32, width: 64 };
  const image = noise(2048).map((value, i) =>
    i % 64 < 32 ? value : value + 100
  );
  const contrast = (parity: boolean) => {
    const options = { tileNormBlocksize: 16, parity };
    const left = core.normalizeImage(image, size, options).image
      .filter((_, i) => i % 64 >= 8 && i % 64 < 18);
    return Math.max(...left) - Math.min(...left);
  };
  expect(contrast(true)).toBeGreaterThan(0.9);
  expect(contrast(false)).toBeLessThan(0.3);
});

test("tile normalization uses every row's range; parity only the first row's", () => {
  // the lower half is ten times as bright
  const size = { height: 64, width: 16 };
  const image = noise(1024).map((value, i) => i >= 512 ? 10 * value : value);
  const highest = (parity: boolean) =>
    Math.max(
      ...core.normalizeImage(image, size, { tileNormBlocksize: 8, parity })
        .image.subarray(900),
    );
  expect(highest(false)).toBeLessThan(1.5);
  expect(highest(true)).toBeGreaterThan(5);
});

test("resizeLinear() gives OpenCV's values", () => {
  const to = (
    width: number,
  ) => [
    ...core.resizeLinear(ramp(5), { height: 1, width: 5 }, {
      height: 1,
      width,
    }),
  ];
  expect(to(8)).toEqual([0, 0.4375, 1.0625, 1.6875, 2.3125, 2.9375, 3.5625, 4]);
  expect(to(3)).toEqual([1 / 3, 2, 11 / 3].map(Math.fround));
  expect(to(5)).toEqual([0, 1, 2, 3, 4]);
});

test("resizeLinear() does not read a neighbor of weight 0", () => {
  const image = Float32Array.of(1, NaN, 3);
  const size = { height: 1, width: 3 };
  expect([...core.resizeLinear(image, size, size)]).toEqual([1, NaN, 3]);
  expect([...core.resizeLinear(image, size, { height: 4, width: 1 })])
    .toEqual([NaN, NaN, NaN, NaN]);
  expect(core.resizeLinear(image, size, { height: 2, width: 6 })[0]).toBe(1);
});

test("resizeNearest() keeps large ids and refuses negative ones", () => {
  const size = { height: 1, width: 2 };
  const labels = Uint32Array.of(2 ** 31 - 1, 2 ** 24 + 1);
  expect([...core.resizeNearest(labels, size, { height: 1, width: 4 })])
    .toEqual([2 ** 31 - 1, 2 ** 31 - 1, 2 ** 24 + 1, 2 ** 24 + 1]);
  expect(() => core.resizeNearest(Int32Array.of(1, -1), size, size))
    .toThrow(ArgumentError);
});

test("resizeNearest() rounds the factor as OpenCV does", () => {
  // 17·6/34 is 3, OpenCV's 17·(1/(34/6)) just less
  const labels = Uint32Array.of(0, 1, 2, 3, 4, 5);
  const target = { height: 1, width: 34 };
  const out = core.resizeNearest(labels, { height: 1, width: 6 }, target);
  expect([out[16], out[17], out[18]]).toEqual([2, 2, 3]);
});

test("resizeNearest() resizes several planes and f32", () => {
  const size = { channels: 2, height: 1, width: 2 };
  const target = { height: 2, width: 1 };
  expect(core.resizeNearest(Float32Array.of(1.5, 2, 3, 4), size, target))
    .toEqual(Float32Array.of(1.5, 1.5, 3, 3));
});

test("resizing wants a depth for volumes and only for them", () => {
  const flat = { height: 1, width: 4 };
  const deep = { depth: 2, height: 1, width: 2 };
  expect(() => core.resizeLinear(ramp(4), flat, deep)).toThrow("target");
  expect(() => core.resizeLinear(ramp(4), deep, flat)).toThrow("target");
  expect(() => core.resizeLinear(ramp(4), flat, { height: 0, width: 1 }))
    .toThrow(ArgumentError);
});
