import { expect, test } from "vitest";
import { generateScene, renderMicrograph } from "../shared/synthetic/mod.ts";
import { core } from "./core.ts";
import { otsuWatershed } from "./experiments/otsu_watershed.ts";
import { splitForeground } from "./experiments/watershed.ts";

const { labels, size, count } = generateScene(3, {
  shape: "circle",
  count: 8,
  overlap: 0.1,
});
const clear = { noise: 0.01, texture: 0.1, illumination: 0 };

function ap50(masks: Uint32Array): number {
  return core.averagePrecision(labels, masks, size, [0.5])[0].ap;
}

test("otsuWatershed() finds bright cells on dark, and dark ones on bright", () => {
  const { data } = renderMicrograph(labels, size, 1, clear);
  expect(ap50(otsuWatershed(data, size))).toBe(1);
  const inverted = data.map((value) => 255 - value);
  expect(ap50(otsuWatershed(inverted, size))).toBe(1);
});

test("otsuWatershed() takes the channel that holds the cells, in any order", () => {
  const { data } = renderMicrograph(labels, size, 1, clear);
  for (let c = 0; c < 3; c++) {
    const image = new Uint8Array(3 * data.length);
    data.forEach((value, i) => {
      image[3 * i + c] = value;
      // another channel is a gradient, the third is empty
      image[3 * i + (c + 1) % 3] = i % size.width / 2;
    });
    expect(ap50(otsuWatershed(image, size))).toBe(1);
  }
  const stained = renderMicrograph(labels, size, 1, {
    ...clear,
    modality: "histology",
  });
  expect(ap50(otsuWatershed(stained.data, size))).toBeGreaterThan(0.7);
});

test("otsuWatershed() gives the same masks whatever the range of the image", () => {
  const { data } = renderMicrograph(labels, size, 1, clear);
  const masks = otsuWatershed(data, size);
  const wide = Uint16Array.from(data, (value) => 1000 + 200 * value);
  expect(otsuWatershed(wide, size)).toEqual(masks);
  expect(new Set(masks).size - 1).toBe(count);
});

test("otsuWatershed() finds nothing in a plain image, and names a wrong length", () => {
  const plain = new Uint8Array(64).fill(7);
  expect(otsuWatershed(plain, { height: 8, width: 8 })).toEqual(
    new Uint32Array(64),
  );
  expect(() => otsuWatershed(plain, { height: 8, width: 7 })).toThrow(
    "64 values, no multiple of 56 pixels",
  );
});

test("splitForeground() parts a big and a small disc at their neck, pixel by pixel", () => {
  const size = { height: 60, width: 80 };
  const inDisc = (i: number, x: number, radius: number) =>
    (Math.floor(i / 80) - 30) ** 2 + (i % 80 - x) ** 2 <= radius ** 2;
  const masks = splitForeground(
    (i) => inDisc(i, 28, 20) || inDisc(i, 56, 12),
    size,
    15,
  );
  // the circles cross in the column 46.6
  masks.forEach((label, i) => {
    const x = i % 80;
    if (label === 0 || x > 43 && x < 50) return;
    expect(label, `column ${x}`).toBe(masks[30 * 80 + (x < 46 ? 28 : 56)]);
  });
  expect(new Set(masks).size).toBe(3);
});
