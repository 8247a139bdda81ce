/**
 * Images in bands: the same as in memory, bit for bit, for every kind of
 * input and parameter that bands take.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IN_MEMORY } from "../../shared/pipeline/array_store.ts";
import { normalizeBands } from "../../shared/pipeline/band_rows.ts";
import { openStoreFolder } from "../../shared/pipeline/file_store.ts";
import { layOutPlanes } from "../../shared/pipeline/planes.ts";
import { normalizeRows } from "../../shared/pipeline/rows.ts";
import { segmentBands } from "../../shared/pipeline/segment_bands.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import type { Store, Stored } from "../../wasm/mod.ts";
import { createRandom } from "../bench/scene.ts";
import { core } from "../core.ts";
import { bandsOf, expectSame } from "./as_bands.ts";
import {
  createFake,
  createIdentity,
  createLabelReader,
  createOutputImage,
} from "./fake_encoder.ts";

const image = createOutputImage(300, 331);

test.each<[string, SegmentOptions]>([
  ["defaults", {}],
  ["augmented tiles", { augment: true }],
  ["without cells at edges", { excludeOnEdges: true }],
  ["our own rules", { parity: false }],
  ["large and small cells dropped", { minSize: 200, maxSizeFraction: 0.006 }],
  ["no flow check", { flowThreshold: 0, minSize: 0 }],
  ["scaled up", { diameter: 21 }],
  ["scaled down", { diameter: 41 }],
  ["no foreground", { cellprobThreshold: 1000 }],
])("segmentBands() gives what segment() gives: %s", async (_, options) => {
  const { count } = await expectSame(image, { normalize: false, ...options });
  if (options.cellprobThreshold === undefined) expect(count).toBeGreaterThan(3);
});

test("segmentBands() tells segment()'s share of settled paths between 1 and 4 Mpx", async () => {
  // paths that have no time, and cells that would lie between windows
  const { facts, warnings } = await expectSame(
    createOutputImage(1100, 1000),
    { normalize: false, niter: 12, flowThreshold: 0 },
    { bandRows: 300 },
  );
  expect(facts.settled).toBeGreaterThan(0);
  expect(facts.settled).toBeLessThan(0.9);
  expect(warnings.map(({ code }) => code)).toContain("unconverged");
});

test("segmentBands() tells of no paths where no cell is left, as segment()", async () => {
  const options = { normalize: false, minSize: 100_000 };
  const { count, facts } = await expectSame(image, options);
  expect(count).toBe(0);
  expect(facts).not.toHaveProperty("settled");
});

test.each([
  ["Uint8Array", Uint8Array],
  ["Uint16Array", Uint16Array],
  ["Float32Array", Float32Array],
])("segmentBands() normalizes %s as segment() does", async (_, type) => {
  const random = createRandom(3);
  const data = new type(2 * 3 * 90 * 70);
  for (let i = 0; i < data.length; i++) data[i] = random() * 250;
  if (data instanceof Float32Array) {
    data[77] = NaN;
    data[12_345] = -Infinity;
  }
  const shape = [2, 3, 90, 70];
  const input = { data, axes: "ZCYX", shape };
  const seen: Float32Array[] = [];
  const encoder = createFake((tile) => {
    seen.push(tile);
    return tile.slice();
  });
  await expectSame(input, { invert: true }, { encoder });
  const half = seen.length / 2;
  expect(half).toBeGreaterThan(0);
  expect(seen.slice(half)).toEqual(seen.slice(0, half));
});

test.each([["Uint16Array", Uint16Array], ["Float32Array", Float32Array]])(
  "normalizeBands() takes the percentiles of large %s as normalizeRows() does",
  async (_, type) => {
    const shape = [12_100, 931, 1];
    const data = new type(shape[0] * shape[1]);
    for (let i = 0; i < data.length; i++) data[i] = (i * 31 ^ i >> 9) & 1023;
    if (data instanceof Float32Array) data[5] = NaN;
    const input = { data, axes: "YXC", shape };
    const parameters = SegmentParameters.parse({});
    const [plane] = layOutPlanes(input);
    const whole = normalizeRows(core, plane, [0, "zeros"], parameters);
    const { readBand, ...rest } = bandsOf(input);
    const bands = await normalizeBands(
      core,
      {
        ...rest,
        readBand: (top, count) => readBand(0, top, count),
      },
      [0, "zeros"],
      parameters,
    );
    expect(bands.ranges).toEqual(whole.ranges);
    expect(bands.replacedPixels).toBe(whole.replacedPixels);
    expect(await bands.source.rows(0, 9)).toEqual(whole.source.rows(0, 9));
    expect(await bands.source.rows(12_000, 100))
      .toEqual(whole.source.rows(12_000, 100));
  },
);

test.each([7, 64, 1000])(
  "segmentBands() finds cells with holes in bands of %i rows",
  async (bandRows) => {
    // rings of all sizes, some within another
    const labels = new Uint8Array(260 * 180);
    let next = 0;
    for (const [y, x, r] of [[60, 60, 50], [60, 60, 20], [160, 110, 60]]) {
      next++;
      for (let i = 0; i < labels.length; i++) {
        const far = Math.hypot(Math.floor(i / 180) - y, i % 180 - x);
        if (far <= r && far > r - 9) labels[i] = next;
      }
    }
    const input = { data: labels, axes: "YX", shape: [260, 180] };
    const encoder = createLabelReader();
    for (const parity of [true, false]) {
      const options = { normalize: false, parity, flowThreshold: 0 };
      const { count } = await expectSame(input, options, {
        encoder,
        bandRows,
      });
      expect(count).toBeGreaterThan(1);
    }
  },
);

test("segmentBands() keeps its stores in files, and deletes them", async () => {
  const parent = mkdtempSync(join(tmpdir(), "cytoedge-test-"));
  try {
    const stores = openStoreFolder(parent);
    await expectSame(image, { normalize: false }, { stores });
    expect(stores.bytes()).toBe(24 * 300 * 331);
    expect(readdirSync(parent)).toHaveLength(1);
    stores.close();
    expect(readdirSync(parent)).toEqual([]);
  } finally {
    rmSync(parent, { recursive: true });
  }
});

test("openStoreFolder() gives zeros for what is not written, and no more", () => {
  const stores = openStoreFolder(tmpdir());
  try {
    const store = stores.createFloats(10);
    store.write(3, Float32Array.of(1, 2));
    expect([...store.read(2, 4)]).toEqual([0, 1, 2, 0]);
    expect(() => store.read(8, 3)).toThrow(RangeError);
  } finally {
    stores.close();
  }
  expect(() => openStoreFolder(join(tmpdir(), "no", "such", "folder")))
    .toThrow(/folder with room/);
});

test("segmentBands() refuses what needs the whole image", async () => {
  const input = bandsOf(image);
  const run = (options: SegmentOptions, encoder = createIdentity()) =>
    segmentBands(input, SegmentParameters.parse(options), {
      core,
      encoders: [encoder],
      stores: IN_MEMORY,
    });
  await expect(run({ resample: false, diameter: 60 })).rejects
    .toThrow(/resample.*memory budget/);
  await expect(run({ tileNormBlocksize: 100 })).rejects
    .toThrow(/tileNormBlocksize.*memory budget/);
  const semantic = createIdentity({ model: { family: "unet" } });
  await expect(run({ semanticMethod: "watershed" }, semantic)).rejects
    .toThrow(/semanticMethod.*memory budget/);
});

test("segmentBands() reads no more of its stores at a time from a taller image", async () => {
  const longest = async (height: number) => {
    let most = 0;
    const watch = <T extends Stored>(store: Store<T>): Store<T> => ({
      read(at, length) {
        most = Math.max(most, length);
        return store.read(at, length);
      },
      readInto(at, out) {
        most = Math.max(most, out.length);
        store.readInto(at, out);
      },
      write: store.write,
    });
    const input = bandsOf(createOutputImage(height, 300));
    const parameters = SegmentParameters.parse({ normalize: false });
    const { count } = await segmentBands(input, parameters, {
      core,
      encoders: [createIdentity()],
      bandRows: 64,
      stores: {
        createFloats: (length) => watch(IN_MEMORY.createFloats(length)),
        createLabels: (length) => watch(IN_MEMORY.createLabels(length)),
      },
    });
    expect(count).toBeGreaterThan(height / 30);
    return most;
  };
  const short = await longest(400);
  // a band, its halo of 64 rows, and the rows of a cell
  expect(short).toBeLessThanOrEqual(300 * (64 + 2 * 64 + 40));
  expect(await longest(1600)).toBeLessThanOrEqual(300 * (64 + 2 * 64 + 40));
});
