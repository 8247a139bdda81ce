import { expect, test } from "vitest";
import { Arena } from "../wasm/arena.ts";
import { core } from "./core.ts";

const GUARD = 0xa5;
const WIDTHS = [1, 3, 4, 5, 8, 17];

/** Outputs of kernels with guard bytes before and after each. */
function guarded(arena: Arena, bytes: number[]) {
  const blocks = bytes.map((size) => {
    const at = arena.reserve(size + 64);
    arena.viewU8(at, size + 64).fill(GUARD);
    return { at: at + 32, size };
  });
  const check = () => {
    for (const { at, size } of blocks) {
      const before = arena.viewU8(at - 32, 32);
      const after = arena.viewU8(at + size, 32);
      expect([...before, ...after].every((byte) => byte === GUARD)).toBe(true);
    }
  };
  return { at: blocks.map((block) => block.at), check };
}

/** Labels that touch all edges of the image, in runs of 1 to 3 pixels. */
const makeLabels = (height: number, width: number) =>
  Uint32Array.from(
    { length: height * width },
    (_, i) => (i % 7 % 3 + (i >> 2) % 2) * 65600,
  );

test("outlines kernel writes its pixels only, and keeps its input", () => {
  const arena = new Arena(core.module);
  for (const width of WIDTHS) {
    const labels = makeLabels(3, width);
    arena.scope((kernels) => {
      const { at: [out], check } = guarded(arena, [labels.length]);
      const input = arena.put(labels);
      kernels.outlines(out, input, 3, width);
      check();
      expect(arena.viewU8(out, labels.length)).not.toContain(GUARD);
      expect(arena.viewU32(input, labels.length)).toEqual(labels);
    });
  }
});

test("region kernels write their rows only", () => {
  const arena = new Arena(core.module);
  for (const width of WIDTHS) {
    const labels = makeLabels(4, width);
    const k = new Set(labels).size - 1;
    const image = new Float32Array(labels.length).fill(1);
    arena.scope((kernels) => {
      const input = arena.put(labels);
      const pixels = arena.put(image);
      const count = kernels.countRuns(input, 4, width);
      const { at, check } = guarded(arena, [
        count * 16,
        count * 16,
        14 * k * 8,
        k * 8,
        k * 8,
        4 * k * 8,
        5 * k * 8,
        k * 4,
        k * 4,
      ]);
      const [runs, spare, table, around, convex, values, more, ids, areas] = at;
      const sorted = kernels.sortRuns(runs, spare, input, 4, width, count);
      expect([runs, spare]).toContain(sorted);
      expect(kernels.countGroups(sorted, count)).toBe(k);
      kernels.measureRegions(table, sorted, count, k, 4, 0);
      kernels.measurePerimeters(around, sorted, count, input, 4, width);
      kernels.measureConvexAreas(convex, sorted, count);
      kernels.measureIntensity(values, sorted, count, k, pixels, width, 0);
      kernels.deriveShapes(more, table, around, convex, k, 0);
      kernels.groupAreas(ids, areas, sorted, count);
      check();
      const total = arena.viewU32(areas, k).reduce((a, b) => a + b, 0);
      expect(total).toBe(labels.filter((label) => label > 0).length);
    });
  }
});

test("contour kernels write their rings only", () => {
  const arena = new Arena(core.module);
  for (const width of WIDTHS) {
    const labels = makeLabels(4, width);
    arena.scope((kernels) => {
      const found = arena.reserve(16);
      const rings = kernels.traceSides(found, arena.put(labels), 4, width, 1);
      const points = arena.viewU32(found, 2)[1];
      const sizes = [points * 8, (rings + 1) * 4, rings * 4, rings * 4, rings];
      const { at, check } = guarded(arena, sizes);
      const [to, offsets, ids, polygons, holes] = at;
      kernels.gatherRings(to, offsets, ids, polygons, holes, found);
      check();
      expect(arena.viewU32(offsets, rings + 1)[rings]).toBe(points);
    });
  }
});

test("shape functions take 10⁵ cells", () => {
  const size = { height: 1280, width: 1280 };
  // 320×320 cells of 3×3 pixels, ids not in raster order
  const masks = Uint32Array.from({ length: 1280 * 1280 }, (_, i) => {
    const [y, x] = [Math.floor(i / 1280), i % 1280];
    const cell = (y >> 2) * 320 + (x >> 2);
    return y % 4 < 3 && x % 4 < 3 ? 1 + cell * 7919 % 102400 : 0;
  });
  const regions = core.measureRegions(masks, size);
  expect(regions.count).toBe(102400);
  expect(regions.area.every((area) => area === 9)).toBe(true);
  expect(regions.shape!.perimeter.every((around) => around === 8)).toBe(true);
  const contours = core.traceContours(masks, size);
  expect(contours.labels.length).toBe(102400);
  expect(contours.points.length).toBe(102400 * 8);
  const outlines = core.outlines(masks, size);
  expect(outlines.reduce((a, b) => a + b)).toBe(102400 * 8);
});
