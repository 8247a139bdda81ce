/**
 * Masks slab by slab are the masks of one call, bit for bit: what crosses the
 * border of a slab, and slabs of unusual size.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Size } from "../shared/ndarray.ts";
import { ArgumentError } from "../wasm/mod.ts";
import type { BandOptions, MasksOptions } from "../wasm/mod.ts";
import { createRandom, fillNormal } from "./bench/scene.ts";
import { core } from "./core.ts";
import { arrayStore } from "../shared/pipeline/array_store.ts";
import { createOutput } from "./network_output.ts";

const IMAGE: Size = { height: 61, width: 83 };
const VOLUME: Size = { depth: 14, height: 25, width: 37 };

/** A flow and a logit at each pixel; length of a flow about `step` pixels. */
function createNoise(size: Size, step: number, seed: number) {
  const planes = "depth" in size ? size.depth : 1;
  const pixels = planes * size.height * size.width;
  const random = createRandom(seed);
  const flows = new Float32Array(pixels * ("depth" in size ? 3 : 2));
  const cellprob = new Float32Array(pixels);
  fillNormal(flows, random);
  fillNormal(cellprob, random);
  // neighbors share a flow, so that points gather
  for (let i = 0; i < flows.length; i++) {
    flows[i] = step * flows[i - i % 5];
    if (i < pixels) cellprob[i] += 0.5;
  }
  return { flows, cellprob };
}

async function expectSameBySlab(
  { flows, cellprob }: { flows: Float32Array; cellprob: Float32Array },
  size: Size,
  { slabRows, ...options }: MasksOptions & { slabRows: number },
) {
  const whole = core.computeMasks(flows, cellprob, size, options);
  const slabs = await core.computeMasksBySlab(flows, cellprob, size, {
    ...options,
    slabRows,
  });
  expect(slabs.masks).toEqual(whole.masks);
  expect(slabs).toEqual(whole);
  if (!("depth" in size)) {
    const bands = await computeByBand({ flows, cellprob }, size, {
      ...options,
      slabRows,
    });
    expect(bands).toEqual(whole);
  }
  return whole;
}

/** Masks of stores, in the form of `computeMasks`. */
async function computeByBand(
  { flows, cellprob }: { flows: Float32Array; cellprob: Float32Array },
  size: Size,
  options: BandOptions,
) {
  const output = new Float32Array(3 * cellprob.length);
  output.set(flows);
  output.set(cellprob, flows.length);
  const masks = new Uint32Array(cellprob.length);
  const { boxes, countBefore, ...found } = await core.computeMasksByBand({
    output: arrayStore(output),
    size,
    masks: arrayStore(masks),
    createScratch: () => arrayStore(new Uint32Array(cellprob.length)),
  }, options);
  expect(boxes.length).toBe(8 * found.count);
  expect(countBefore).toBeGreaterThanOrEqual(found.count);
  return { masks, ...found };
}

for (
  const [name, size, cells] of [["2-D", IMAGE, 9], ["3-D", VOLUME, 7]] as const
) {
  const output = createOutput(size, cells, 5);
  for (const slabRows of [1, 2, 3, 7, 13, 1000]) {
    test(`computeMasksBySlab() gives the masks of one call, ${name}, ${slabRows} rows`, async () => {
      for (const parity of [false, true]) {
        const { count } = await expectSameBySlab(output, size, {
          slabRows,
          parity,
          flowThreshold: 0.4,
        });
        expect(count).toBeGreaterThan(cells - 3);
      }
    });
  }
}

test("computeMasksBySlab() gives the masks of one call where cells cross slabs beyond the halo", async () => {
  const size = { height: 300, width: 48 };
  const output = createOutput(size, 30, 8);
  for (const parity of [false, true]) {
    const options = { slabRows: 11, parity };
    const { count } = await expectSameBySlab(output, size, options);
    expect(count).toBeGreaterThan(20);
  }
});

test("computeMasksBySlab() follows points through slabs that they jump over", async () => {
  for (
    const [size, slabRows] of [
      [{ height: 400, width: 9 }, 2],
      [{ depth: 60, height: 6, width: 7 }, 3],
    ] as const
  ) {
    // steps far beyond a slab: the halo must grow, and points are handed on
    const output = createNoise(size, 20, 3);
    for (const niter of [0, 1, 7, 60]) {
      const { foreground } = await expectSameBySlab(output, size, {
        slabRows,
        niter,
        minSize: 0,
        flowThreshold: 0,
      });
      expect(foreground).toBeGreaterThan(1000);
    }
  }
});

test("computeMasksBySlab() tracks a few points far down a tall image", async () => {
  const size = { height: 20_000, width: 4 };
  const flows = new Float32Array(2 * 80_000);
  const cellprob = new Float32Array(80_000).fill(-1);
  cellprob.fill(1, 60_000, 60_020);
  flows.fill(1, 60_000, 60_020);
  const { foreground } = await expectSameBySlab({ flows, cellprob }, size, {
    slabRows: 64,
    minSize: 0,
  });
  expect(foreground).toBe(20);
});

test("computeMasksBySlab() checks the flows of labels of one plane", async () => {
  // a disc in one plane, whose flows point to its middle and out of the plane
  const size = { depth: 5, height: 12, width: 12 };
  const n = 720;
  const flows = new Float32Array(3 * n);
  const cellprob = new Float32Array(n).fill(-1);
  for (let y = 0; y < 12; y++) {
    for (let x = 0; x < 12; x++) {
      const length = Math.hypot(y - 6, x - 6);
      const at = 2 * 144 + y * 12 + x;
      if (length > 4) continue;
      cellprob[at] = 1;
      flows[n + at] = length > 0 ? (6 - y) / length : 0;
      flows[2 * n + at] = length > 0 ? (6 - x) / length : 0;
    }
  }
  for (const parity of [false, true]) {
    for (const plane of [0, 2, 4]) {
      const moved = { flows: flows.slice(), cellprob: cellprob.slice() };
      if (plane !== 2) {
        const by = (plane - 2) * 144;
        for (const array of [moved.flows, moved.cellprob]) {
          for (let at = 0; at < array.length; at += n) {
            const part = array.subarray(at, at + n);
            const from = part.slice(288, 432);
            part.copyWithin(288, 0, 144);
            part.set(from, 288 + by);
          }
        }
      }
      const { count } = await expectSameBySlab(moved, size, {
        slabRows: 1,
        flowThreshold: 0.4,
        parity,
      });
      expect(count).toBe(1);
    }
  }
});

test("computeMasksBySlab() gives the masks of one call on any small image", async () => {
  const edge = fc.integer({ min: 1, max: 24 });
  const arbitrary = fc.record({
    size: fc.oneof(
      fc.record({ height: edge, width: edge }),
      fc.record({
        depth: fc.integer({ min: 1, max: 9 }),
        height: fc.integer({ min: 1, max: 9 }),
        width: fc.integer({ min: 1, max: 9 }),
      }),
    ),
    step: fc.constantFrom(0.3, 1, 4, 20, 1000),
    seed: fc.nat(1000),
    options: fc.record({
      slabRows: fc.constantFrom(1, 2, 3, 7, 25),
      niter: fc.constantFrom(0, 1, 2, 7, 50),
      parity: fc.boolean(),
      earlyStop: fc.boolean(),
      convention: fc.constantFrom("plain" as const, "cellpose" as const),
      minSize: fc.constantFrom(-1, 0, 3, 15),
      flowThreshold: fc.constantFrom(0, 1.5, 4),
      maxSizeFraction: fc.constantFrom(0.1, 0.4, 1),
      cellprobThreshold: fc.constantFrom(-1, 0, 0.5, 9),
      fillHoles: fc.boolean(),
    }),
  });
  let cells = 0;
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ size, step, seed, options }) => {
      const output = createNoise(size, step, seed);
      const { count } = await expectSameBySlab(output, size, options);
      cells += count;
    }),
    { seed: 11, numRuns: 400 },
  );
  expect(cells).toBeGreaterThan(30);
});

test("computeMasksBySlab() checks any number of labels in one slab", async () => {
  // blocks of 3×4 pixels whose points jump to one of them
  const size = { height: 1300, width: 1300 };
  const pixels = 1300 * 1300;
  const flows = new Float32Array(2 * pixels);
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [Math.floor(i / 1300), i % 1300];
    flows[i] = Math.min(1299, y - y % 3 + 1) - y;
    flows[pixels + i] = x - x % 4 + 2 - x;
  }
  const output = { flows, cellprob: new Float32Array(pixels).fill(1) };
  const { count } = await expectSameBySlab(output, size, {
    slabRows: 1300,
    niter: 1,
    minSize: 0,
    flowThreshold: 4,
  });
  // more than a call takes arguments
  expect(count).toBeGreaterThan(130_000);
});

test("computeMasksBySlab() names a wrong argument before it starts", async () => {
  const { flows, cellprob } = createOutput(IMAGE, 9, 5);
  const wrong: [string, Record<string, unknown>][] = [
    ["slabRows", { slabRows: 0 }],
    ["slabRows", { slabRows: 1.5 }],
    ["slabRows", { slabRows: NaN }],
    ["minSize", { minSize: NaN }],
    ["confidence", { confidence: true }],
    ["settled", { settled: true }],
    ["cellprobThreshold", { cellprobThreshold: NaN }],
  ];
  for (const [argument, options] of wrong) {
    await expect(core.computeMasksBySlab(flows, cellprob, IMAGE, options))
      .rejects.toMatchObject({ name: "ArgumentError", argument });
  }
  // the index of a bad value is that in the caller's array
  const size = { depth: 1, height: 2, width: 2 };
  const broken = new Float32Array(12);
  broken[9] = NaN;
  await expect(core.computeMasksBySlab(broken, new Float32Array(4), size))
    .rejects.toThrow("index 9");
  expect(() => core.computeMasks(broken, new Float32Array(4), size))
    .toThrow(ArgumentError);
});
