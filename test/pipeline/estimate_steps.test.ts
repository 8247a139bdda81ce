import { expect, test } from "vitest";
import {
  estimateBySteps,
  takeLooks,
} from "../../shared/pipeline/estimate_steps.ts";
import {
  countLooks,
  type KnownLook,
  writeTable,
} from "../../shared/pipeline/look_table.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createDiscReader, DISC_DIAMETER, drawDiscs } from "./discs.ts";

/** Looks at discs of other diameters than those that are asked for. */
const known = (async () => {
  const looks: KnownLook[] = [];
  for (const diameter of [6, 10, 17, 25, 36, 50, 72, 100, 140]) {
    const { rows } = drawDiscs(512, diameter);
    const source = { channels: 1, size: { height: 512, width: 512 }, rows };
    const encoder = createDiscReader();
    for (const look of await takeLooks(source, { core, encoder })) {
      looks.push({ ...look, truth: diameter * look.scale, weight: 1 });
    }
  }
  return looks;
})();

test.each([8, 14, 30, 60, 120])(
  "estimateBySteps() finds discs of %i pixels in four looks at most",
  async (diameter) => {
    const image = drawDiscs(512, diameter);
    const encoder = createDiscReader(writeTable(countLooks(await known)));
    const { diameter: found, looks } = await estimateBySteps(
      { channels: 1, size: { height: 512, width: 512 }, rows: image.rows },
      { core, encoder },
    );
    expect(found).toBeGreaterThan(diameter * 0.8);
    expect(found).toBeLessThan(diameter * 1.25);
    expect(looks.length).toBeLessThanOrEqual(4);
    // each look is a small tile
    for (const tile of encoder.tiles) {
      expect(tile.length).toBeLessThanOrEqual(192 * 192);
    }
  },
);

test("estimateBySteps() stays in its range for blank images", async () => {
  const rows = (_: number, count: number) => new Float32Array(count * 100);
  const { diameter } = await estimateBySteps(
    { channels: 1, size: { height: 40, width: 100 }, rows },
    { core, encoder: createDiscReader() },
  );
  expect(diameter).toBeGreaterThanOrEqual(6);
  expect(diameter).toBeLessThanOrEqual(160);
});

test("segment() estimates where no diameter is given, and says so", async () => {
  const { data } = drawDiscs(256, 40);
  const image = { data, axes: "YX", shape: [256, 256] };
  const deps = { core, encoders: [createDiscReader()] };
  const run = async (options: { diameter?: number }) => {
    const parameters = SegmentParameters.parse(options);
    return (await segment(image, parameters, deps)).facts;
  };
  const estimated = await run({});
  expect(estimated.diameterFrom).toMatch(/^estimated/);
  expect(estimated.diameter).toBeGreaterThan(32);
  expect(estimated.diameter).toBeLessThan(50);
  expect(estimated.scale).toBeCloseTo(DISC_DIAMETER / estimated.diameter!, 6);
  expect(await run({ diameter: 31 }))
    .toMatchObject({ diameter: 31, diameterFrom: "given" });
});
