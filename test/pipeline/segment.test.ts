import { expect, test } from "vitest";
import { ArgumentError } from "../../shared/errors.ts";
import type { Progress } from "../../shared/pipeline/segment.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import {
  type SegmentOptions,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import {
  createFake,
  createIdentity,
  createLabelReader,
  createOutputImage,
} from "./fake_encoder.ts";

const read = (options: SegmentOptions = {}) =>
  SegmentParameters.parse({ normalize: false, parity: false, ...options });

test.each([
  [240, 240, 1],
  [241, 240, 2],
  [241, 256, 4],
  [300, 120, 2],
  [300, 513, 6],
  [30, 300, 2],
])(
  "segment() gives back the flows of a %i×%i image through its tiles",
  async (height, width, tiles) => {
    const image = createOutputImage(height, width);
    const encoder = createIdentity();
    const result = await segment(image, read(), { core, encoders: [encoder] });
    const [plane] = result.planes;
    expect(result.facts.tiles).toBe(tiles);
    expect(encoder.tiles).toHaveLength(tiles);
    expect(maxDifference(plane.flows, image.flows)).toBeLessThan(1e-6);
    expect(maxDifference(plane.cellprob, image.cellprob)).toBeLessThan(1e-5);
    const own = core.computeMasks(plane.flows, plane.cellprob, image.size);
    expect(plane.masks).toEqual(own.masks);
    expect(plane.count).toBe(own.count);
    expect(plane.cells.count).toBe(own.count);
    expect(own.count).toBeGreaterThan(3);
  },
);

test.each([false, true])(
  "segment() finds the cells of a network that sees tiles, augment %s",
  async (augment) => {
    const { labels, size } = createOutputImage(300, 420);
    const whole = core.fillHolesAndRemoveSmall(labels, size, { minSize: 40 });
    const image = { data: whole.masks, axes: "YX", shape: [300, 420] };
    const deps = { core, encoders: [createLabelReader()] };
    const result = await segment(image, read({ augment }), deps);
    const [{ ap }] = core.averagePrecision(
      whole.masks,
      result.planes[0].masks,
      size,
      [0.5],
    );
    expect(whole.count).toBeGreaterThan(50);
    expect(ap).toBeGreaterThan(0.97);
  },
);

test("segment() scales to the model's diameter and back", async () => {
  const image = createOutputImage(300, 260);
  const encoder = createIdentity();
  const deps = { core, encoders: [encoder] };
  const { planes: [plane], facts } = await segment(
    image,
    read({ diameter: 20 }),
    deps,
  );
  expect(facts).toMatchObject({ diameter: 20, scale: 1.5, niter: 133 });
  const planar = core.toPlanar(image.data, { ...image.size, channels: 3 });
  const target = { height: 450, width: 390 };
  const scaled = core.resizeLinear(
    planar,
    { ...image.size, channels: 3 },
    target,
  );
  const back = core.resizeLinear(
    scaled,
    { ...target, channels: 3 },
    image.size,
  );
  const flows = back.subarray(0, 2 * 300 * 260).map((v) => v / 5);
  expect(maxDifference(plane.flows, flows)).toBeLessThan(1e-6);
  expect(plane.flowsSize).toEqual(image.size);
});

test.each([true, false])(
  "segment() tells the output of an image before its masks, resample %s",
  async (resample) => {
    const image = createOutputImage(300, 260);
    const told: Float32Array[] = [];
    const waits = new AbortController();
    const run = () =>
      segment(image, read({ diameter: 24, resample }), {
        core,
        encoders: [createIdentity()],
        async onOutput({ flows, cellprob }) {
          told.push(flows, cellprob);
          await Promise.resolve();
          waits.signal.throwIfAborted();
        },
      });
    const { planes: [plane] } = await run();
    expect(told[0]).toBe(plane.flows);
    expect(told[1]).toBe(plane.cellprob);
    expect(told).toHaveLength(2);
    // masks wait for it
    waits.abort();
    await expect(run()).rejects.toThrow();
  },
);

test("segment() tells no output of a stack", async () => {
  const { data, shape, ...image } = createOutputImage(60, 60);
  const two = new Float32Array(2 * data.length);
  two.set(data);
  two.set(data, data.length);
  const stack = { ...image, data: two, shape: [2, ...shape], axes: "ZYXC" };
  let calls = 0;
  const { planes } = await segment(stack, read({ channels: [1, 2, 3] }), {
    core,
    encoders: [createIdentity()],
    onOutput: () => Promise.resolve(void calls++),
  });
  expect(planes).toHaveLength(2);
  expect(calls).toBe(0);
});

test("segment() without resample finds masks at the network's size", async () => {
  const image = createOutputImage(300, 260);
  const deps = { core, encoders: [createIdentity()] };
  const { planes: [plane], facts } = await segment(
    image,
    read({ diameter: 40, resample: false }),
    deps,
  );
  expect(facts.niter).toBe(200);
  expect(plane.flowsSize).toEqual({ height: 225, width: 195 });
  expect(plane.masks).toHaveLength(300 * 260);
  const { ap } =
    core.averagePrecision(image.labels, plane.masks, image.size, [0.5])[0];
  expect(ap).toBeGreaterThan(0.5);
});

test("segment() gives the same for any batch size, and after lack of memory", async () => {
  const image = createOutputImage(300, 420);
  const run = async (batchSize: number, maxBatch = Infinity) => {
    const encoder = createIdentity({ maxBatch });
    const deps = { core, encoders: [encoder], batchSize };
    const result = await segment(image, read(), deps);
    return { result, batches: encoder.batches };
  };
  const one = await run(1);
  const five = await run(5);
  const short = await run(5, 2);
  expect(one.batches).toEqual([1, 1, 1, 1, 1, 1]);
  expect(five.batches).toEqual([5, 1]);
  expect(short.batches).toEqual([5, 2, 2, 2]);
  expect(short.result.run.batchHalvings).toBe(1);
  expect(five.result.planes).toEqual(one.result.planes);
  expect(short.result.planes).toEqual(one.result.planes);
  await expect(run(3, 0)).rejects.toMatchObject({ isOutOfMemory: true });
});

test("segment() grows the batch by the memory that it measures", async () => {
  const image = createOutputImage(600, 600);
  let used = 100;
  const encoder = Object.assign(createIdentity(), {
    measureMemory: () => {
      const last = encoder.batches.at(-1) ?? 0;
      used = Math.max(used, (100 + 100 * last) * 2 ** 20);
      return Promise.resolve({ used, free: 400 * 2 ** 20 });
    },
  });
  const deps = { core, encoders: [encoder] };
  const { run } = await segment(image, read(), deps);
  // one, two, then two more of 100 MB each in half of the free 400 MB
  expect(encoder.batches).toEqual([1, 2, 4, 2]);
  expect(run.batchSize).toBe(4);
});

test("segment() averages the outputs of several models", async () => {
  const image = createOutputImage(100, 100);
  const scaled = (by: number) => createFake((tile) => tile.map((v) => v * by));
  const deps = { core, encoders: [scaled(0.5), scaled(1), scaled(1.5)] };
  const { planes: [mean] } = await segment(image, read(), deps);
  expect(maxDifference(mean.flows, image.flows)).toBeLessThan(1e-6);
  const other = createIdentity({ model: { channels: 2 } });
  await expect(
    segment(image, read(), { core, encoders: [scaled(1), other] }),
  ).rejects.toThrow(/cannot be averaged/);
});

test("segment() skips empty tiles when asked, and counts them", async () => {
  const image = createOutputImage(300, 1000);
  for (let i = 0; i < image.data.length; i++) {
    if (i / 3 % 1000 >= 500) image.data[i] = 0;
  }
  const all = createIdentity();
  await segment(image, read(), { core, encoders: [all] });
  const some = createIdentity();
  const { facts, planes: [plane] } = await segment(
    image,
    read({ skipEmptyTiles: true }),
    { core, encoders: [some] },
  );
  expect(facts.skippedTiles).toBeGreaterThan(0);
  expect(some.tiles.length + facts.skippedTiles).toBe(all.tiles.length);
  expect(plane.masks.some((label, i) => label > 0 && i % 1000 > 510)).toBe(
    false,
  );
  expect(plane.count).toBeGreaterThan(20);
});

test("segment() treats each plane of a stack by itself, and says so", async () => {
  const planes = [createOutputImage(80, 90, 1), createOutputImage(80, 90, 2)];
  const data = new Float32Array(2 * planes[0].data.length);
  for (const [z, { data: each }] of planes.entries()) {
    data.set(each, z * each.length);
  }
  const progress: Progress[] = [];
  const deps = { core, encoders: [createIdentity()] };
  const stack = await segment(
    { data, shape: [2, 80, 90, 3], axes: "ZYXC" },
    read(),
    { ...deps, onProgress: (each) => progress.push(each) },
  );
  const single = await segment(planes[1], read(), deps);
  expect(stack.planes[1]).toEqual(single.planes[0]);
  expect(stack.warnings[0].code).toBe("planes-separate");
  expect(progress).toEqual([{ done: 1, total: 2 }, { done: 2, total: 2 }]);
});

test("segment() drops cells on edges when asked, and tells why none is left", async () => {
  const image = createOutputImage(120, 120);
  const deps = { core, encoders: [createIdentity()] };
  const all = await segment(image, read(), deps);
  const inner = await segment(image, read({ excludeOnEdges: true }), deps);
  expect(inner.count).toBeGreaterThan(0);
  expect(inner.planes[0].masks).toEqual(
    core.removeEdgeMasks(all.planes[0].masks, image.size).masks,
  );
  const none = await segment(image, read({ cellprobThreshold: 100 }), deps);
  expect(none.count).toBe(0);
  expect(none.planes[0].emptyReason).toMatch(/above 100/);
  expect(none.warnings.map(({ code }) => code)).toContain("mask-empty");
});

test("segment() takes a U-Net's small images as they are, and its gray mean", async () => {
  const encoder = createFake(
    (_, { height, width }) => new Float32Array(3 * height * width).fill(-1),
    {
      model: {
        family: "cellpose-unet",
        channels: 2,
        tileSize: 224,
        trainedDiameter: 15,
      },
    },
  );
  const data = Float32Array.from({ length: 50 * 60 * 3 }, (_, i) => i % 3);
  const image = { data, axes: "YXC", shape: [50, 60, 3] };
  const { facts } = await segment(image, read(), { core, encoders: [encoder] });
  expect(facts).toMatchObject({
    diameter: 15,
    scale: 2,
    diameterFrom: "model",
  });
  // 100×120 scaled, 128×144 padded to multiples of 16
  expect(encoder.tiles[0]).toHaveLength(2 * 128 * 144);
  expect(encoder.tiles[0][60 * 144 + 70]).toBe(1);
  expect(encoder.tiles[0][128 * 144 + 60 * 144 + 70]).toBe(0);
});

test.each<[SegmentOptions, RegExp]>([
  [{ channels: [4] }, /channels: 4 is not there: the image has 3/],
  [{ channels: ["DAPI"] }, /channels: "DAPI" is not there.*numbers/],
  [{ channels: [1, 2, 3, 1] }, /the model takes 3/],
  [{ diameterUm: 10 }, /needs the pixel size/],
  [{ tileSize: 128 }, /takes tiles of 256 only/],
  [{ diameter: 1e6 }, /to nothing/],
])("segment() refuses %j with a reason", async (options, reason) => {
  const image = createOutputImage(32, 32);
  const promise = segment(image, read(options), {
    core,
    encoders: [createIdentity()],
  });
  await expect(promise).rejects.toBeInstanceOf(ArgumentError);
  await expect(promise).rejects.toThrow(reason);
});

test("segment() takes other tiles where the network does", async () => {
  const image = createOutputImage(130, 130);
  const model = { family: "cellpose-dino", tileMultiple: 8 } as const;
  const encoder = createIdentity({ model });
  const deps = { core, encoders: [encoder] };
  const { facts } = await segment(image, read({ tileSize: 96 }), deps);
  expect(facts.tiles).toBe(4);
  expect(encoder.tiles[0]).toHaveLength(3 * 96 * 96);
  await expect(segment(image, read({ tileSize: 100 }), deps))
    .rejects.toThrow(/takes multiples of 8/);
});

test("segment() samples flows as the model's own program by default", async () => {
  const image = createOutputImage(200, 200);
  const size = { height: 200, width: 200 };
  const run = (family: "cellpose-sam" | "cellpose-unet") =>
    segment(image, SegmentParameters.parse({ normalize: false, niter: 9 }), {
      core,
      encoders: [createIdentity({ model: { family } })],
    });
  for (
    const [family, convention] of [
      ["cellpose-sam", "cellpose"],
      ["cellpose-unet", "plain"],
    ] as const
  ) {
    const { planes: [plane] } = await run(family);
    const options = { niter: 9, parity: true, convention };
    const own = core.computeMasks(plane.flows, plane.cellprob, size, options);
    expect(plane.masks).toEqual(own.masks);
  }
});

test("segment() augments a U-Net's small images in whole tiles", async () => {
  const image = createOutputImage(260, 100);
  const model = { family: "cellpose-unet", tileSize: 224 } as const;
  const encoder = createFake((tile) => tile.fill(-1), { model });
  const parameters = read({ augment: true });
  const { facts } = await segment(image, parameters, {
    core,
    encoders: [encoder],
  });
  // 288×128 padded, 128 extended to 224: ⌈2·288/224⌉×2 tiles, as Cellpose 3.1
  expect(facts).toMatchObject({ tiles: 6 });
  expect(encoder.tiles[0]).toHaveLength(3 * 224 * 224);
});

test("segment() stops where it is told to", async () => {
  const controller = new AbortController();
  const image = createOutputImage(300, 420);
  const deps = {
    core,
    encoders: [createIdentity()],
    batchSize: 1,
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("stopped")),
  };
  await expect(segment(image, read(), deps)).rejects.toThrow("stopped");
});

function maxDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((max, v, i) => Math.max(max, Math.abs(v - b[i])), 0);
}
