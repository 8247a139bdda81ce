import { expect, test } from "vitest";
import { type Band, planTiles, ShapeError } from "../wasm/mod.ts";
import { core } from "./core.ts";

test.each([
  [1, 256, [0]],
  [240, 256, [0]],
  [241, 257, [0, 1]],
  [256, 272, [0, 16]],
  [300, 320, [0, 64]],
  [368, 384, [0, 128]],
  [512, 528, [0, 136, 272]],
  [1024, 1040, [0, 196, 392, 588, 784]],
])(
  "planTiles() pads an edge of %i to %i as Cellpose",
  (edge, padded, starts) => {
    const plan = planTiles({ height: edge, width: 100 });
    expect(plan.paddedHeight).toBe(padded);
    expect([...plan.rows]).toEqual(starts);
    expect(plan.paddedWidth).toBe(256);
    expect(plan.tiles.length).toBe(starts.length);
    expect(plan.tiles[0].top).toBe(-plan.padTop);
  },
);

test("planTiles() takes one tile of 384 up to 368 pixels", () => {
  const edge = (height: number) =>
    planTiles({ height, width: 9 }, { tileSize: 384 }).tiles.length;
  expect([edge(368), edge(369)]).toEqual([1, 2]);
});

test("planTiles() clamps the overlap for count and starts alike", () => {
  const plan = (tileOverlap: number) =>
    planTiles({ height: 900, width: 700 }, { tileOverlap });
  expect(plan(0.7)).toEqual(plan(0.5));
  expect(plan(0)).toEqual(plan(0.05));
  expect(plan(0.5).tiles.length).toBeGreaterThan(plan(0.1).tiles.length);
});

test("planTiles() flips every other tile of the augmented plan", () => {
  const { tiles, columns } = planTiles({ height: 300, width: 420 }, {
    augment: true,
    pad: false,
  });
  expect([...columns]).toEqual([0, 54, 109, 164]);
  const flips = tiles.map(({ flipY, flipX }) =>
    Number(flipY) + 2 * Number(flipX)
  );
  expect(flips).toEqual([0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1]);
});

test("planTiles() refuses empty images, tiles and overlaps", () => {
  const size = { height: 9, width: 9 };
  expect(() => planTiles({ height: 0, width: 9 })).toThrow("size.height");
  expect(() => planTiles(size, { tileSize: 15 })).toThrow("tileSize");
  expect(() => planTiles(size, { tileOverlap: NaN })).toThrow("tileOverlap");
});

test("cutTile() pads by zeros and flips", () => {
  const image = Float32Array.of(1, 2, 3, 4, 5, 6);
  const plan = {
    ...planTiles({ height: 2, width: 3 }, { tileSize: 16, pad: false }),
    tileHeight: 3,
    tileWidth: 4,
  };
  const cut = (
    top: number,
    left: number,
    flipY: boolean,
    flipX: boolean,
  ) => [...core.cutTile(image, {
    ...plan,
    tiles: [{ top, left, flipY, flipX }],
  }, { tile: 0 })];
  const zeros = [0, 0, 0, 0];
  expect(cut(-1, -1, false, false)).toEqual([...zeros, 0, 1, 2, 3, 0, 4, 5, 6]);
  expect(cut(-1, -1, true, false)).toEqual([0, 4, 5, 6, 0, 1, 2, 3, ...zeros]);
  expect(cut(0, 1, false, true)).toEqual([0, 0, 3, 2, 0, 0, 6, 5, ...zeros]);
  expect(cut(1, -2, true, true))
    .toEqual([...zeros, ...zeros, 5, 4, 0, 0]);
  expect(cut(5, 0, false, false)).toEqual([...zeros, ...zeros, ...zeros]);
});

test("cutTile() takes a plane of each channel of a volume", () => {
  const volume = Float32Array.from({ length: 24 }, (_, i) => i);
  const plan = planTiles({ height: 2, width: 2 }, { pad: false });
  const options = { tile: 0, z: 1, channels: 2, depth: 3 };
  expect([...core.cutTile(volume, plan, options)])
    .toEqual([4, 5, 6, 7, 16, 17, 18, 19]);
  expect(() => core.cutTile(volume, plan, { ...options, z: 3 })).toThrow("z");
  expect(() => core.cutTile(volume, plan, { ...options, tile: 1 }))
    .toThrow("tile");
  expect(() => core.cutTile(volume, plan, { tile: 0 })).toThrow(ShapeError);
});

test("taperTile() gives Cellpose's weights", () => {
  const taper = core.taperTile({ height: 256, width: 256 });
  const row = taper.subarray(128 * 256, 129 * 256);
  [0.06913838, 0.07822821, 0.08839962].forEach((weight, t) =>
    expect(row[t]).toBeCloseTo(weight, 7)
  );
  expect(taper[0]).toBeCloseTo(0.00478012, 7);
  // small tiles take the middle of a taper of 224
  const middle = core.taperTile({ height: 224, width: 224 });
  const small = core.taperTile({ height: 3, width: 2 });
  expect(small[2]).toBe(middle[112 * 224 + 111]);
  expect(small.length).toBe(6);
});

test("flipImage() changes the sign of the flow along a flipped axis", () => {
  const output = Float32Array.of(1, 2, 3, 4, 5, 6);
  const size = { channels: 3, height: 1, width: 2 };
  const flip = (
    flipY: boolean,
    flipX: boolean,
  ) => [...core.flipImage(output, size, { flipY, flipX, flowChannel: 0 })];
  expect(flip(true, false)).toEqual([-1, -2, 3, 4, 5, 6]);
  expect(flip(false, true)).toEqual([2, 1, -4, -3, 6, 5]);
  expect(flip(true, true)).toEqual([-2, -1, -4, -3, 6, 5]);
  expect([...core.flipImage(output, size, { flipX: true })])
    .toEqual([2, 1, 4, 3, 6, 5]);
  expect(() => core.flipImage(output, size, { flowChannel: 2 }))
    .toThrow("flowChannel");
});

test("createBlender() finishes rows as soon as no tile can touch them", () => {
  const plan = planTiles({ height: 1000, width: 400 });
  const outputs = plan.tiles.map((_, k) =>
    new Float32Array(3 * 256 * 256).fill(k)
  );
  const blender = core.createBlender(plan, { flowScale: 5 });
  const bands: Band[] = [];
  outputs.forEach((output, k) => {
    const finished = blender.add(k, output);
    const isRowEnd = (k + 1) % plan.columns.length === 0;
    expect(finished.length).toBe(isRowEnd ? 1 : 0);
    bands.push(...finished);
  });
  expect(blender.missing()).toBe(0);
  const tops = [...plan.rows].map((row) => Math.max(row - plan.padTop, 0));
  expect(bands.map(({ top }) => top)).toEqual(tops);
  const last = bands[bands.length - 1];
  expect(last.top + last.height).toBe(1000);
  // cellprob stays, flows are divided
  const first = bands[0];
  const pixels = first.height * 400;
  expect(first.data[2 * pixels - 1]).toBeCloseTo(
    first.data[3 * pixels - 1] / 5,
    6,
  );
});

test("createBlender() refuses unknown, repeated and misshapen tiles", () => {
  const plan = planTiles({ height: 300, width: 300 });
  const blender = core.createBlender(plan);
  const output = new Float32Array(3 * 256 * 256);
  blender.add(0, output);
  blender.add(2, output);
  for (const tile of [0, 2, 4, -1, 0.5]) {
    expect(() => blender.add(tile, output)).toThrow("tile");
  }
  expect(() => blender.add(1, output.subarray(1))).toThrow(ShapeError);
  expect(blender.missing()).toBe(2);
});

test("blendTiles() refuses missing tiles and wrong options", () => {
  const plan = planTiles({ height: 300, width: 20 });
  const output = new Float32Array(3 * 256 * 256);
  expect(() => core.blendTiles([output], plan)).toThrow("outputs");
  expect(() => core.createBlender(plan, { channels: 0 })).toThrow("channels");
  expect(() => core.createBlender(plan, { flowScale: 0 })).toThrow("flowScale");
  expect(() => core.createBlender(plan, { channels: 2, flowChannel: 1 }))
    .toThrow("flowChannel");
});
