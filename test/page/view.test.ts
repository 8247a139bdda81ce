import { expect, test } from "vitest";
import {
  carryColors,
  labelTable,
  mapColor,
  pack,
} from "../../edge/web/view/colors.ts";
import { Labels } from "../../edge/web/edit/labels.ts";
import { pack as packLabels } from "../../edge/web/edit/packed.ts";
import {
  fitView,
  levelFor,
  levelSize,
  panBy,
  TILE,
  toImage,
  toWindow,
  visibleTiles,
  zoomAt,
} from "../../edge/web/view/geometry.ts";
import { drawOverlay } from "../../edge/web/view/overlay.ts";
import { shade, tint } from "../../edge/web/view/tint.ts";
import { changedParameters, writeCode } from "../../edge/web/panels/code.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";

const WINDOW = { height: 600, width: 800 };
const IMAGE = { height: 16384, width: 16384 };

test("zoomAt() keeps the point under the pointer", () => {
  const view = { x: 100, y: 200, zoom: 2 };
  const pointer = { x: 17, y: 411 };
  const before = toImage(view, pointer, WINDOW);
  const after = toImage(
    zoomAt(view, { ...pointer, factor: 1.7 }, WINDOW),
    pointer,
    WINDOW,
  );
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
  const back = toWindow(view, before, WINDOW);
  expect(back.x).toBeCloseTo(pointer.x);
});

test("panBy() never loses the image", () => {
  const view = panBy({ x: 10, y: 10, zoom: 1 }, { dx: 500, dy: -9e9 }, IMAGE);
  expect(view).toEqual({ x: 0, y: 16384, zoom: 1 });
});

test("levelFor() never has fewer pixels than the window", () => {
  for (const zoom of [1 / 200, 0.1, 0.26, 0.5, 0.9, 1, 7]) {
    const level = levelFor(zoom, IMAGE);
    const isDeepest = levelSize(IMAGE, level).width <= TILE;
    expect(zoom * 2 ** level <= 1 || level === 0 || isDeepest).toBe(true);
    expect(zoom * 2 ** (level + 1) > 1 || isDeepest).toBe(true);
  }
});

test("visibleTiles() cover the window and no more, the middle first", () => {
  const view = { x: 8192, y: 8192, zoom: 1 };
  const tiles = visibleTiles(view, IMAGE, { window: WINDOW, level: 0 });
  expect(tiles.length).toBeLessThanOrEqual(5 * 4);
  expect(Math.abs(tiles[0].column - 32)).toBeLessThanOrEqual(1);
  const whole = visibleTiles(fitView({ height: 300, width: 700 }, WINDOW), {
    height: 300,
    width: 700,
  }, { window: WINDOW, level: 0 });
  expect(whole).toHaveLength(3 * 2);
});

test("shade() and tint() follow range and gamma; NaN is black", () => {
  const look = { low: 10, high: 20, gamma: 1 };
  expect([5, 10, 15, 20, 99, NaN].map((value) => shade(value, look)))
    .toEqual([0, 0, 0.5, 1, 1, 0]);
  expect(shade(15, { ...look, gamma: 2 })).toBeCloseTo(0.25);
  const rgba = tint([[10, 15, 20], [NaN, 0, 1]], [
    { ...look, isShown: true, color: [255, 0, 0] },
    { low: 0, high: 1, gamma: 1, isShown: true, color: [0, 0, 255] },
  ]);
  expect([...rgba]).toEqual([0, 0, 0, 255, 128, 0, 0, 255, 255, 0, 255, 255]);
});

test("carryColors() gives a cell the color of the one that was there", () => {
  const before = packLabels(Uint32Array.of(1, 1, 0, 2, 2));
  const colors = carryColors(undefined, before, 2);
  // the first cell is gone, another has come: numbers have moved
  const after = packLabels(Uint32Array.of(0, 0, 1, 2, 2));
  const next = carryColors({ packed: before, colors }, after, 2);
  expect(next[2]).toBe(colors[2]);
  expect(new Set([next[1], next[2]]).size).toBe(2);
});

test("colors: the map ends dark and bright; tables are clear at 0", () => {
  expect(mapColor(0)).toEqual([68, 1, 84]);
  expect(mapColor(1)).toEqual([253, 231, 37]);
  expect(mapColor(NaN)).toEqual([68, 1, 84]);
  expect([...labelTable(1, () => [1, 2, 3], 255)])
    .toEqual([0, pack([1, 2, 3], 255)]);
  expect(pack([1, 2, 3], 255)).toBe(0xff030201);
});

test("drawOverlay() outlines cells within, across the edges of tiles", () => {
  const size = { height: 4, width: TILE + 4 };
  const masks = new Uint32Array(size.height * size.width);
  for (let y = 0; y < 4; y++) {
    masks.fill(1, y * size.width + TILE - 3, y * size.width + TILE + 3);
  }
  const truth = new Labels(packLabels(masks), size);
  const at = (column: number) =>
    drawOverlay({ truth, hasOutlines: false }, size, {
      level: 0,
      column,
      row: 0,
    });
  const left = at(0);
  expect(left.width).toBe(TILE);
  // inside the cell, at the tile's edge: no line, for the cell goes on
  expect(left.pixels[1 * TILE + TILE - 1]).toBe(0);
  expect(left.pixels[1 * TILE + TILE - 3]).not.toBe(0);
  expect(at(1)).toMatchObject({ width: 4, height: 4 });
});

test("writeCode() names what differs from the defaults, safely quoted", () => {
  const parameters = SegmentParameters.parse({
    flowThreshold: 0.7,
    resample: false,
  });
  expect(changedParameters(parameters))
    .toEqual({ flowThreshold: 0.7, resample: false });
  expect(writeCode("command", "a b's.tif", parameters)).toBe(
    `npx --yes deno task cli segment 'a b'\\''s.tif' --flow-threshold 0.7 --no-resample`,
  );
  expect(writeCode("curl", "$(rm).tif", parameters)).toContain("'$(rm).tif'");
  expect(writeCode("code", "a.tif", parameters)).toContain("/v1/previews");
});
