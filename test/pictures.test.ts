import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ArgumentError } from "../shared/errors.ts";
import { drawArrows, drawFlows } from "../shared/image/flow_picture.ts";
import { decodeNpy, toFloats } from "../shared/image/npy.ts";
import {
  colorOf,
  drawLabels,
  drawOutlines,
  PREDICTION,
  TRUTH,
} from "../shared/image/overlay.ts";
import {
  enlarge,
  fillPicture,
  placeInColumn,
  placeInRow,
  toPicture,
} from "../shared/image/picture.ts";
import type { Picture } from "../shared/image/types.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url);
const read = async (path: string) =>
  new Uint8Array(await readFile(new URL(path, FIXTURES)));

const BLACK = [0, 0, 0] as const;

/** Rows of a picture, a character a pixel: "." black, "#" anything else. */
function show({ data, height, width }: Picture): string[] {
  return Array.from(
    { length: height },
    (_, y) =>
      Array.from({ length: width }, (_, x) => {
        const at = (y * width + x) * 3;
        return data[at] + data[at + 1] + data[at + 2] === 0 ? "." : "#";
      }).join(""),
  );
}

test("drawFlows() gives Cellpose's colors within 1", async () => {
  const flows = decodeNpy(
    gunzipSync(await read("golden/dynamics2d/tiny/flows.npy.gz")),
  );
  const theirs = decodeNpy(await read("flow_picture/tiny.npy"));
  const [, height, width] = flows.shape;
  const picture = drawFlows(toFloats(flows), { height, width });
  expect(theirs.shape).toEqual([height, width, 3]);
  expect(picture.data.some((value) => value > 200)).toBe(true);
  picture.data.forEach((value, i) =>
    expect(Math.abs(value - Number(theirs.data[i]))).toBeLessThanOrEqual(1)
  );
});

test("drawFlows() of no flow is black", () => {
  const picture = drawFlows(new Float32Array(12), { height: 2, width: 3 });
  expect(picture.data.every((value) => value === 0)).toBe(true);
});

test("drawArrows() draws one arrow a step, along the flow", () => {
  const size = { height: 8, width: 8 };
  const flows = new Float32Array(128);
  flows[64 + 2 * 8 + 2] = 1; // dX at (2, 2)
  flows[6 * 8 + 6] = -0.5; // dY at (6, 6)
  const svg = drawArrows(flows, size, { step: 4 });
  expect(svg).toContain("M0.5 2.5L4.5 2.5");
  expect(svg).toContain("M6.5 7.5L6.5 5.5");
  expect(svg.match(/M/g)).toHaveLength(4);
  expect(() => drawArrows(flows, size, { step: 0 })).toThrow(ArgumentError);
});

test("drawOutlines() draws inside labels, at the image's edge too", () => {
  const masks = Uint8Array.from(
    "1111.1111.1111.1122".replaceAll(".", ""),
    Number,
  );
  const picture = fillPicture(4, 4, BLACK);
  expect(show(drawOutlines(picture, masks))).toEqual([
    "####",
    "#..#",
    "#.##",
    "####",
  ]);
  expect(show(picture)).toEqual(Array(4).fill("...."));
});

test("drawOutlines() follows pixel sides in an enlarged picture", () => {
  const masks = Uint8Array.from("011011", Number);
  const picture = fillPicture(8, 12, BLACK);
  expect(show(drawOutlines(picture, masks, TRUTH))).toEqual([
    "....########",
    ...Array(6).fill("....#......#"),
    "....########",
  ]);
});

test("drawOutlines() leaves gaps in a dashed line, in all directions", () => {
  const masks = new Uint8Array(100).fill(1);
  const dashed = show(
    drawOutlines(fillPicture(40, 40, BLACK), masks, PREDICTION),
  );
  const column = (x: number) => dashed.map((row) => row[x]).join("");
  for (const side of [dashed[0], dashed[39], column(0), column(39)]) {
    expect(side).toMatch(/#\.+#/);
    expect(side).toMatch(/##/);
  }
});

test("drawOutlines() refuses masks that do not fit the picture", () => {
  const picture = fillPicture(4, 6, BLACK);
  for (const pixels of [5, 96, 12]) {
    expect(() => drawOutlines(picture, new Uint8Array(pixels)))
      .toThrow(ArgumentError);
  }
});

test("drawLabels() mixes the label's color with the picture", () => {
  const picture = fillPicture(1, 2, [100, 100, 100]);
  const { data } = drawLabels(picture, new Uint8Array([0, 4]), 0.25);
  const mixed = colorOf(4).map((c) => Math.round(100 + (c - 100) * 0.25));
  expect([...data]).toEqual([100, 100, 100, ...mixed]);
});

test("colorOf() gives near labels colors far apart", () => {
  for (let label = 1; label < 300; label++) {
    for (let next = label + 1; next < label + 4; next++) {
      const [a, b] = [colorOf(label), colorOf(next)];
      const apart = a.map((value, c) => Math.abs(value - b[c]));
      expect(Math.max(...apart), `${label} ${next}`).toBeGreaterThan(60);
    }
  }
});

test("toPicture() shows u8 as it is, the rest between percentiles", () => {
  const size = { height: 1, width: 3 };
  const gray = toPicture({
    data: new Uint8Array([9, 8, 7]),
    size,
    channels: 1,
  });
  expect([...gray.data]).toEqual([9, 9, 9, 8, 8, 8, 7, 7, 7]);
  const floats = new Float32Array([-1, NaN, 3]);
  const scaled = toPicture({ data: floats, size, channels: 1 });
  expect([...scaled.data]).toEqual([0, 0, 0, 0, 0, 0, 255, 255, 255]);
  const range = toPicture(
    { data: floats, size, channels: 1 },
    { range: [-1, 7] },
  );
  expect(range.data[6]).toBe(128);
  const constant = new Uint16Array(3).fill(900);
  expect(toPicture({ data: constant, size, channels: 1 }).data[0]).toBe(0);
});

test("toPicture() shows two channels as red and green, RGB without alpha", () => {
  const size = { height: 1, width: 1 };
  const two = toPicture({ data: new Uint8Array([1, 2]), size, channels: 2 });
  expect([...two.data]).toEqual([1, 2, 0]);
  const rgba = new Uint8Array([1, 2, 3, 4]);
  expect([...toPicture({ data: rgba, size, channels: 4 }).data])
    .toEqual([1, 2, 3]);
});

test("toPicture() shows the slice of a volume, by default the middle one", () => {
  const volume = {
    data: new Uint8Array([1, 2, 3]),
    size: { depth: 3, height: 1, width: 1 },
    channels: 1,
  };
  expect(toPicture(volume).data[0]).toBe(2);
  expect(toPicture(volume, { slice: 2 }).data[0]).toBe(3);
  expect(() => toPicture(volume, { slice: 3 })).toThrow(ArgumentError);
});

test("enlarge() repeats pixels along both axes", () => {
  const picture = {
    data: new Uint8Array([0, 0, 0, 9, 9, 9]),
    height: 1,
    width: 2,
  };
  expect(show(enlarge(picture, 2))).toEqual(["..##", "..##"]);
  expect(() => enlarge(picture, 1.5)).toThrow(ArgumentError);
});

test("placeInRow() and placeInColumn() leave a gap and fill with white", () => {
  const [a, b] = [fillPicture(1, 2, BLACK), fillPicture(2, 1, BLACK)];
  expect(show(placeInRow([a, b], 1))).toEqual(["..#.", "###."]);
  expect(show(placeInColumn([a, b], 1))).toEqual(["..", "##", ".#", ".#"]);
  expect(() => placeInRow([])).toThrow(ArgumentError);
});
