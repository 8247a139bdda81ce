import fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  generateScene,
  type Modality,
  renderMicrograph,
  type SceneOptions,
} from "../shared/synthetic/mod.ts";

const MIXED: SceneOptions = { shape: "mixed", count: 12, overlap: 0.6 };

const digest = (data: Uint8Array | Uint32Array) =>
  createHash("sha256").update(data).digest("hex").slice(0, 16);

/** Pixels of each label. */
function areasOf(labels: Uint32Array): Map<number, number> {
  const areas = new Map<number, number>();
  for (const label of labels) areas.set(label, (areas.get(label) ?? 0) + 1);
  areas.delete(0);
  return areas;
}

test("generateScene() gives the same scene for the same seed, another for another", () => {
  const scene = generateScene(7, MIXED);
  expect(generateScene(7, MIXED)).toEqual(scene);
  expect(digest(generateScene(8, MIXED).labels)).not.toBe(digest(scene.labels));
});

test("generateScene() keeps the distances the overlap allows, 80 % of cells at the least", () => {
  const options = fc.record({
    shape: fc.constantFrom("circle", "ellipse", "rod", "bent", "mixed"),
    count: fc.integer({ min: 5, max: 20 }),
    overlap: fc.constantFrom(0.1, 0.5, 0.95),
  }) as fc.Arbitrary<SceneOptions>;
  fc.assert(
    fc.property(options, fc.nat(), (options, seed) => {
      const { cells, placedShare } = generateScene(seed, options);
      let touching = 0;
      cells.forEach((cell, k) => {
        const slack = cells.slice(0, k).map((other) =>
          Math.sqrt(
            (cell.center[0] - other.center[0]) ** 2 +
              (cell.center[1] - other.center[1]) ** 2,
          ) - (1 - options.overlap) * (cell.radius + other.radius)
        );
        const least = Math.min(...slack);
        if (k > 0) expect(least).toBeGreaterThan(-1e-9);
        if (Math.abs(least) < 1e-9) touching++;
      });
      expect(touching / cells.length).toBeCloseTo(placedShare, 9);
      expect(placedShare).toBeGreaterThanOrEqual(0.8);
      for (const { radius } of cells) {
        expect(radius).toBeGreaterThanOrEqual(12);
        expect(radius).toBeLessThan(22);
      }
    }),
    { seed: 1, numRuns: 40 },
  );
});

test("generateScene() draws every shape with the area of its mean radius", () => {
  const size = { height: 400, width: 400 };
  for (const shape of ["circle", "ellipse", "rod", "bent"] as const) {
    for (let seed = 0; seed < 5; seed++) {
      const { labels, cells } = generateScene(seed, {
        shape,
        count: 1,
        overlap: 0,
        radius: [40, 40],
        size,
        ...(shape === "circle" ? {} : { aspect: [3, 3] as const }),
      });
      const [y, x] = cells[0].center;
      const [uy, ux] = cells[0].direction;
      // a cell cut off at the edge has no known area
      const isWhole = [y, x].every((v) => v > 100 && v < 300);
      if (!isWhole) continue;
      const area = areasOf(labels).get(1) ?? 0;
      expect(Math.abs(area / (Math.PI * 1600) - 1)).toBeLessThan(
        shape === "bent" ? 0.12 : 0.01,
      );
      // its length lies along its direction
      let [along, across] = [0, 0];
      labels.forEach((label, i) => {
        if (label === 0) return;
        const [dy, dx] = [Math.floor(i / 400) - y, i % 400 - x];
        along = Math.max(along, Math.abs(dy * uy + dx * ux));
        across = Math.max(across, Math.abs(dx * uy - dy * ux));
      });
      const aspect = along / across;
      if (shape !== "bent") {
        expect(aspect).toBeCloseTo(shape === "circle" ? 1 : 3, 0);
      }
    }
  }
});

test("generateScene() numbers one piece of at least 40 pixels a cell by first pixel", () => {
  for (let seed = 0; seed < 10; seed++) {
    const { labels, count, size } = generateScene(seed, {
      shape: "mixed",
      count: 10,
      overlap: 0.95,
    });
    const areas = areasOf(labels);
    expect([...areas.keys()]).toEqual(
      Array.from({ length: count }, (_, k) => k + 1),
    );
    expect(Math.min(...areas.values())).toBeGreaterThanOrEqual(40);
    for (const [label, area] of areas) {
      // flood from the first pixel: all of the label must be reached
      const reached = new Set([labels.indexOf(label)]);
      for (const i of reached) {
        const x = i % size.width;
        for (
          const j of [
            i - size.width,
            i + size.width,
            x > 0 ? i - 1 : i,
            x < size.width - 1 ? i + 1 : i,
          ]
        ) {
          if (labels[j] === label) reached.add(j);
        }
      }
      expect(reached.size).toBe(area);
    }
  }
});

test("generateScene() reports the covered share: none where nothing overlaps", () => {
  const apart = generateScene(3, { shape: "circle", count: 6, overlap: 0 });
  expect(apart.coveredShare).toBeLessThan(0.01);
  const heap = generateScene(3, { shape: "circle", count: 10, overlap: 0.95 });
  expect(heap.coveredShare).toBeGreaterThan(0.6);
});

test("generateScene() names the wrong option", () => {
  const at = (options: Partial<SceneOptions>) => () =>
    generateScene(1, { ...MIXED, ...options });
  expect(at({ overlap: 1 })).toThrow("overlap: must be in [0, 1), is 1");
  expect(at({ count: 0 })).toThrow("count:");
  expect(at({ aspect: [0.5, 2] })).toThrow("aspect:");
  expect(at({ radius: [9, 8] })).toThrow("radius:");
  expect(at({ size: { height: 0, width: 5 } })).toThrow("size.height");
  expect(at({ count: 500, overlap: 0 })).toThrow("find no room");
});

test("generateScene() and renderMicrograph() give the bytes they always gave", () => {
  const { labels, size } = generateScene(1, MIXED);
  const digests = [digest(labels)];
  for (
    const modality of [
      "fluorescence",
      "phase",
      "brightfield",
      "histology",
    ] as Modality[]
  ) {
    const image = renderMicrograph(labels, size, 1, { modality });
    expect(image.channels).toBe(modality === "histology" ? 3 : 1);
    digests.push(digest(image.data));
  }
  expect(digests).toEqual([
    "92cc007f9db5d6c7",
    "9dd1294569d12f12",
    "7450f4163bec8b32",
    "c0cb1bd0758cd7c7",
    "01670fff2020081e",
  ]);
});

test("renderMicrograph() has each effect as strong as asked", () => {
  const { labels, size } = generateScene(2, MIXED);
  const plain = { noise: 0, blur: 0, illumination: 0, texture: 0 };
  const render = (options: object) =>
    renderMicrograph(labels, size, 2, { ...plain, ...options }).data;
  const still = render({});
  // without texture and noise the background is one gray
  const grays = new Set(still.filter((_, i) => labels[i] === 0));
  expect(grays.size).toBe(1);
  const deviation = (data: Uint8Array) => {
    const values = [...data.filter((_, i) => labels[i] === 0)];
    const mean = values.reduce((a, b) => a + b) / values.length;
    return Math.sqrt(
      values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length,
    );
  };
  // the background is 0.07 bright: √0.07 · 0.2 · 255
  expect(deviation(render({ noise: 0.2 }))).toBeCloseTo(12, 0);
  expect(deviation(render({ texture: 1 }))).toBeGreaterThan(1);
  const edges = (data: Uint8Array) =>
    data.reduce((sum, v, i) => sum + (i > 0 ? (v - data[i - 1]) ** 2 : 0), 0);
  expect(edges(render({ blur: 2 }))).toBeLessThan(edges(still) / 4);
  const dark = render({ illumination: 1 });
  expect(Math.max(...dark)).toBeLessThanOrEqual(Math.max(...still));
  expect(dark.reduce((a, b) => a + b)).toBeLessThan(
    0.8 * still.reduce((a, b) => a + b),
  );
});

test("renderMicrograph() takes labels without cells, and names the wrong option", () => {
  const size = { height: 3, width: 5 };
  const none = renderMicrograph(new Uint32Array(15), size, 1, {
    modality: "phase",
  });
  expect(none.data.length).toBe(15);
  expect(() => renderMicrograph(new Uint32Array(14), size, 1))
    .toThrow("labels: has 14");
  expect(() =>
    renderMicrograph(new Uint32Array(15), size, 1, { illumination: 2 })
  ).toThrow("illumination:");
  expect(() => renderMicrograph(new Uint32Array(15), size, 1, { blur: -1 }))
    .toThrow("blur:");
});
