import { expect, test } from "vitest";
import { layOutPlanes, readRows } from "../../shared/pipeline/planes.ts";
import { resizedRows } from "../../shared/pipeline/resized_rows.ts";
import { normalizeRows } from "../../shared/pipeline/rows.ts";
import { rowsForResize } from "../../wasm/mod.ts";
import { createRandom } from "../bench/scene.ts";
import { core } from "../core.ts";

const random = createRandom(5);
const DEFAULTS = {
  normalize: true,
  normPercentile: [1, 99] as [number, number],
  invert: false,
  smoothRadius: 0,
  sharpenRadius: 0,
  tileNormBlocksize: 0,
  parity: true,
};

const types = [Uint8Array, Uint16Array, Float32Array] as const;

test.each(
  types.flatMap((type) =>
    [false, true].map((invert) => [type.name, type, invert] as const)
  ),
)(
  "normalizeRows() of %s gives the rows of the normalized image",
  async (_, type, invert) => {
    const size = { height: 61, width: 37 };
    const data = new type(61 * 37 * 3);
    for (let i = 0; i < data.length; i++) data[i] = random() * 200;
    if (data instanceof Float32Array) data[100] = NaN;
    for (let i = 2; i < data.length; i += 3) data[i] = 7;
    const shape = [61, 37, 3];
    const [plane] = layOutPlanes({ data, axes: "YXC", shape });
    const sources = [1, 2, "zeros", 0] as const;
    const { source, ranges } = normalizeRows(core, plane, sources, {
      ...DEFAULTS,
      invert,
    });
    const planar = core.toPlanar(data, { ...size, channels: 3 });
    const whole = core.normalizeImage(planar, { ...size, channels: 3 }, {
      invert,
    }).image;
    const pixels = 61 * 37;
    const rows = await source.rows(10, 20);
    const expected = (channel: number) =>
      whole.subarray(channel * pixels + 370, channel * pixels + 370 + 740);
    expect(rows.subarray(0, 740)).toEqual(expected(1));
    expect(rows.subarray(740, 1480)).toEqual(new Float32Array(740));
    expect(rows.subarray(1480, 2220)).toEqual(new Float32Array(740));
    expect(rows.subarray(2220)).toEqual(expected(0));
    expect(ranges.map(({ isConstant }) => isConstant))
      .toEqual([false, true, false]);
  },
);

test("normalizeRows() takes percentiles of large images from Cellpose's grid", async () => {
  const size = { height: 12000, width: 940 };
  const data = new Uint8Array(size.height * size.width);
  for (let i = 0; i < data.length; i++) data[i] = (i * 31 ^ i >> 9) & 255;
  const [plane] = layOutPlanes({ data, axes: "YX", shape: [12000, 940] });
  const { source, ranges: [range] } = normalizeRows(
    core,
    plane,
    [0],
    DEFAULTS,
  );
  const whole = core.normalizeImage(data, size);
  expect([range.low, range.high]).toEqual([whole.low[0], whole.high[0]]);
  expect(await source.rows(11000, 5))
    .toEqual(whole.image.subarray(11000 * 940, 11005 * 940));
});

test.each([
  [61, 37, 30, 80],
  [20, 33, 61, 33],
  [5, 9, 1, 1],
  [1, 9, 40, 3],
])(
  "resizedRows() of %i×%i to %i×%i gives the rows of the resized image",
  async (height, width, toHeight, toWidth) => {
    const data = Float32Array.from({ length: 2 * height * width }, random);
    const shape = [2, height, width];
    const [plane] = layOutPlanes({ data, axes: "CYX", shape });
    const { source } = normalizeRows(core, plane, [0, 1], {
      ...DEFAULTS,
      normalize: false,
    });
    const target = { height: toHeight, width: toWidth };
    const size = { height, width, channels: 2 };
    const whole = core.resizeLinear(data, size, target);
    const resized = resizedRows(core, source, target);
    const pixels = toHeight * toWidth;
    for (let first = 0; first < toHeight; first += 7) {
      const count = Math.min(7, toHeight - first);
      const rows = await resized.rows(first, count);
      const length = count * toWidth;
      for (const c of [0, 1]) {
        const from = c * pixels + first * toWidth;
        expect(rows.subarray(c * length, (c + 1) * length))
          .toEqual(whole.subarray(from, from + length));
      }
    }
  },
);

test("resizeRows() refuses a band without the rows it needs", () => {
  const size = { height: 20, width: 3 };
  const target = { height: 10, width: 3 };
  const choice = { first: 4, count: 2 };
  const { top, height } = rowsForResize(20, 10, choice);
  const band = (rows: number) => new Float32Array(rows * 3);
  core.resizeRows(band(height), size, target, { top, ...choice });
  expect(() =>
    core.resizeRows(band(height - 1), size, target, { top, ...choice })
  ).toThrow(/band/);
  expect(() => rowsForResize(20, 10, { first: 9, count: 2 })).toThrow(/first/);
});

test.each([
  ["YX", [2, 3], [[0]], 1],
  ["YXC", [2, 3, 2], [[0, 1]], 2],
  ["CYX", [2, 2, 3], [[0, 6]], 1],
  ["ZYX", [2, 2, 3], [[0], [6]], 1],
  ["ZCYX", [2, 2, 2, 3], [[0, 6], [12, 18]], 1],
  ["CZYX", [2, 2, 2, 3], [[0, 12], [6, 18]], 1],
  ["TZYXC", [1, 2, 2, 3, 2], [[0, 1], [12, 13]], 2],
])("layOutPlanes() finds the images of %s %j", (axes, shape, starts, step) => {
  const length = shape.reduce((a, b) => a * b);
  const data = Uint8Array.from({ length }, (_, i) => i);
  const planes = layOutPlanes({ data, axes, shape });
  expect(planes.map((plane) => plane.starts)).toEqual(starts);
  expect(planes[0].step).toBe(step);
  expect([...readRows(core, planes[0], 1, 1)]).toEqual(
    starts[0].flatMap((start) => [3, 4, 5].map((x) => start + x * step)),
  );
});

test.each(["XY", "YCX", "YXZ", "YYX", "CC"])(
  "layOutPlanes() refuses axes %s",
  (axes) => {
    const data = new Uint8Array(8);
    expect(() => layOutPlanes({ data, axes, shape: [2, 2, 2] })).toThrow(
      /axes/,
    );
  },
);

test("meanPlanes() averages in f64", () => {
  const planes = Float32Array.of(1, 2, 3e8, 0, 5, 1);
  expect([...core.meanPlanes(planes, 3)])
    .toEqual([(1 + 3e8 + 5) / 3, 1].map(Math.fround));
  expect(core.meanPlanes(planes, 1)).toEqual(planes);
  expect(() => core.meanPlanes(planes, 4)).toThrow(/planes/);
  expect(() => core.meanPlanes(planes, 0)).toThrow(/count/);
});

test.each([
  ["smoothed", { smoothRadius: 1.5 }],
  ["sharpened", { sharpenRadius: 4 }],
  ["both, our geometry", { smoothRadius: 1, sharpenRadius: 6, parity: false }],
  ["in blocks", { tileNormBlocksize: 40 }],
])("normalizeRows() gives the rows of the image %s", async (_, options) => {
  const size = { height: 131, width: 97 };
  const data = Uint16Array.from({ length: 131 * 97 }, () => random() * 5000);
  const [plane] = layOutPlanes({ data, axes: "YX", shape: [131, 97] });
  const parameters = { ...DEFAULTS, ...options };
  const { source, ranges } = normalizeRows(core, plane, [0], parameters);
  const { parity } = parameters;
  const volume = { ...size, depth: 1 };
  const { image } = core.normalizeImage(data, volume, { ...options, parity });
  expect(await source.rows(20, 50))
    .toEqual(image.subarray(20 * 97, 70 * 97));
  expect(image).not.toEqual(core.normalizeImage(data, volume).image);
  // blocks have many ranges, which nothing is judged by
  expect(ranges).toHaveLength("tileNormBlocksize" in options ? 0 : 1);
});

test("normalizeRows() replaces NaN before it filters", async () => {
  const data = Float32Array.from({ length: 50 * 60 }, random);
  data[77] = NaN;
  const [plane] = layOutPlanes({ data, axes: "YX", shape: [50, 60] });
  const { source, replacedPixels } = normalizeRows(core, plane, [0], {
    ...DEFAULTS,
    smoothRadius: 2,
  });
  expect(replacedPixels).toBe(1);
  expect((await source.rows(0, 50)).every(Number.isFinite)).toBe(true);
});
