/** Networks that tell classes: logits of tiles to cells. */
import { expect, test } from "vitest";
import { segment } from "../../shared/pipeline/segment.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createSemantic } from "./fake_encoder.ts";

const SIZE = { height: 300, width: 340 };
const read = (options: SegmentOptions = {}) =>
  SegmentParameters.parse({ normalize: false, ...options });

/** Discs, some of which touch; 3 where a pixel is in one, else −3. */
function discs(): Float32Array {
  const centers = [[60, 60], [60, 89], [150, 200], [240, 100], [236, 300]];
  return Float32Array.from({ length: SIZE.height * SIZE.width }, (_, i) => {
    const [y, x] = [Math.floor(i / SIZE.width), i % SIZE.width];
    return centers.some(([v, u]) => Math.hypot(v - y, u - x) < 16) ? 3 : -3;
  });
}

const image = { data: discs(), axes: "YX", shape: [SIZE.height, SIZE.width] };
const run = (
  encoder: ReturnType<typeof createSemantic>,
  options?: SegmentOptions,
) => segment(image, read(options), { core, encoders: [encoder] });

test("segment() labels the components of one class's logit", async () => {
  const { planes: [plane], facts, warnings } = await run(
    createSemantic([(v) => v]),
  );
  expect(facts.tiles).toBeGreaterThan(4);
  expect(plane.count).toBe(4);
  expect(plane.masks).toEqual(core.labelComponents(discs(), SIZE).masks);
  expect(plane.flows).toHaveLength(0);
  expect(plane.cells.count).toBe(4);
  expect(warnings).toEqual([]);
});

test("segment() parts touching cells by a watershed", async () => {
  const options = { semanticMethod: "watershed" } as const;
  const { count, planes: [plane] } = await run(
    createSemantic([(v) => v]),
    options,
  );
  expect(count).toBe(5);
  expect(Math.max(...plane.cells.area)).toBeLessThan(Math.PI * 17 ** 2);
});

test.each([[null, 4], [1, 4], [2, 0], [0, 1]])(
  "segment() takes class %s of three for cells: %i",
  async (foregroundClass, count) => {
    const encoder = createSemantic([(v) => -v, (v) => v, () => -9]);
    const found = await run(encoder, { foregroundClass, maxSizeFraction: 1 });
    expect(found.count).toBe(count);
  },
);

test("segment() averages flipped tiles of classes without changing signs", async () => {
  const encoder = createSemantic([(v) => v, (v) => v, (v) => v]);
  const options = { augment: true, foregroundClass: 0 };
  const { planes: [plane] } = await run(encoder, options);
  const plain = await run(createSemantic([(v) => v, (v) => v, (v) => v]), {
    foregroundClass: 0,
  });
  expect(maxDifference(plane.cellprob, plain.planes[0].cellprob))
    .toBeLessThan(1e-5);
});

test("segment() takes skipped tiles for background, whatever the class", async () => {
  for (const foregroundClass of [null, 0, 1]) {
    const encoder = createSemantic([() => 0, () => 0]);
    const { facts, planes: [plane] } = await segment(
      { data: new Float32Array(90000), axes: "YX", shape: [300, 300] },
      read({ skipEmptyTiles: true, foregroundClass }),
      { core, encoders: [encoder] },
    );
    expect(facts.skippedTiles).toBe(facts.tiles);
    expect(Math.max(...plane.cellprob)).toBeCloseTo(-6, 5);
  }
});

test("segment() says why no component is left", async () => {
  const all = createSemantic([() => 1]);
  const { warnings, planes: [plane] } = await run(all);
  expect(plane.emptyReason).toMatch(/1 larger than maxSizeFraction.*watershed/);
  expect(warnings.map(({ code }) => code)).toEqual(["mask-empty"]);
  const none = await run(createSemantic([() => -1]));
  expect(none.planes[0].emptyReason).toMatch(/logit above 0/);
});

test("segment() refuses what classes do not have", async () => {
  const encoder = createSemantic([(v) => v, (v) => v]);
  await expect(run(encoder, { diameter: 20 })).rejects.toThrow(/diameter/);
  await expect(run(encoder, { foregroundClass: 2 })).rejects
    .toThrow(/classes 0 to 1/);
});

function maxDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);
}
