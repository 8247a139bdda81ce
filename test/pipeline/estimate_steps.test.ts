import { expect, test } from "vitest";
import {
  estimateBySteps,
  takeLooks,
} from "../../shared/pipeline/estimate_steps.ts";
import {
  countLooks,
  type KnownLook,
  type LookTableJson,
  writeTable,
} from "../../shared/pipeline/look_table.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { createRandom } from "../../shared/synthetic/random.ts";
import { core } from "../core.ts";
import { createFake } from "./fake_encoder.ts";

const DIAMETER = 20;

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
  expect(estimated.scale).toBeCloseTo(DIAMETER / estimated.diameter!, 6);
  expect(await run({ diameter: 31 }))
    .toMatchObject({ diameter: 31, diameterFrom: "given" });
});

/** Bright discs on a grid with jitter. */
function drawDiscs(edge: number, diameter: number) {
  const random = createRandom(diameter);
  const data = new Float32Array(edge * edge);
  const radius = diameter / 2;
  const pitch = 1.5 * diameter;
  for (let cy = pitch / 2; cy + radius < edge; cy += pitch) {
    for (let cx = pitch / 2; cx + radius < edge; cx += pitch) {
      const [y0, x0] = [cy + random.uniform(), cx + random.uniform()];
      for (let y = Math.floor(y0 - radius); y < y0 + radius; y++) {
        for (let x = Math.floor(x0 - radius); x < x0 + radius; x++) {
          if (y < 0 || x < 0 || y >= edge || x >= edge) continue;
          if ((y - y0) ** 2 + (x - x0) ** 2 > radius ** 2) continue;
          data[y * edge + x] = 1;
        }
      }
    }
  }
  const rows = (top: number, count: number) =>
    data.subarray(top * edge, (top + count) * edge);
  return { data, rows };
}

/** Sees discs, best at its own diameter; its style is theirs. */
function createDiscReader(looks?: LookTableJson) {
  const fake = createFake((tile, { height, width }) => {
    const size = { height, width };
    const pixels = height * width;
    const logits = tile.slice(0, pixels).map((value) => 10 * value - 5);
    const { masks } = core.labelComponents(logits, size);
    const out = new Float32Array(3 * pixels);
    out.set(core.labelsToFlows(masks, size).map((value) => 5 * value));
    out.set(logits, 2 * pixels);
    return out;
  }, {
    model: {
      family: "cytoedge",
      channels: 1,
      tileSize: 1040,
      tileMultiple: 16,
      diameter: DIAMETER,
      tellsDiameter: true,
      ...(looks ? { looks } : {}),
    },
  });
  return {
    ...fake,
    async encode(batch: Parameters<typeof fake.encode>[0]) {
      const { outputs } = await fake.encode(batch);
      const { height, width } = batch;
      const logits = outputs.subarray(2 * height * width);
      const { masks } = core.labelComponents(logits, { height, width });
      // the window cuts others
      const { diameters } = core.estimateDiameter(masks, { height, width });
      const diameter = Math.max(0, ...diameters);
      // far from its own diameter it errs toward it
      const seen = DIAMETER * ((diameter || 1) / DIAMETER) ** 0.7;
      return { outputs, styles: Float32Array.of(seen) };
    },
  };
}
