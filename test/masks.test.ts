/** Flows to masks: defined answers for every input, and named errors. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError, CoreMemoryError, ShapeError } from "../wasm/mod.ts";
import type { Size } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { fromPicture } from "./labels.ts";
import { createOutput } from "./network_output.ts";

const IMAGE: Size = { height: 61, width: 83 };
const output = createOutput(IMAGE, 9, 5);
const { flows, cellprob } = output;
const foreground = Uint8Array.from(cellprob, (p) => p > 0 ? 1 : 0);

/** Size, and flows of zeros. */
function still(...[height, width, depth]: number[]) {
  const size = depth === undefined
    ? { height, width }
    : { depth, height, width };
  const pixels = height * width * (depth ?? 1);
  return {
    size,
    pixels,
    flows: new Float32Array(pixels * (depth === undefined ? 2 : 3)),
  };
}

test("computeMasks() says why an image without cells has none", () => {
  const { size, flows } = still(8, 9);
  const none = new Float32Array(72).fill(-1);
  const empty = core.computeMasks(flows, none, size);
  expect(empty).toMatchObject({ count: 0, foreground: 0, seeds: 0 });
  expect(empty.masks).toEqual(new Uint32Array(72));
  expect(empty.emptyReason).toContain("above 0; lower cellprobThreshold");
  expect(
    core.computeMasks(flows, none, size, { cellprobThreshold: 2.5 })
      .emptyReason,
  ).toContain("above 2.5");

  const all = new Float32Array(72).fill(1);
  const scattered = core.computeMasks(flows, all, size);
  expect(scattered).toMatchObject({ count: 0, foreground: 72, seeds: 0 });
  expect(scattered.emptyReason).toContain("more than 10 of them nowhere");

  const dropped = core.computeMasks(output.flows, output.cellprob, IMAGE, {
    minSize: 10_000,
  });
  expect(dropped.count).toBe(0);
  expect(dropped.emptyReason).toMatch(/dropped: 0 larger .* \d+ smaller/);
  expect(core.computeMasks(output.flows, output.cellprob, IMAGE))
    .not.toHaveProperty("emptyReason");
});

test("computeMasks() counts what it drops", () => {
  const run = (options: object) =>
    core.computeMasks(flows, cellprob, IMAGE, options);
  const all = run({ flowThreshold: 0, minSize: 0, maxSizeFraction: 1 });
  expect(all.dropped).toEqual({ tooLarge: 0, badFlow: 0, tooSmall: 0 });
  const large = run({ flowThreshold: 0, minSize: 0, maxSizeFraction: 0 });
  expect(large.dropped.tooLarge).toBe(all.count);
  const bad = run({ flowThreshold: 1e-9, minSize: 0, maxSizeFraction: 1 });
  expect(bad.dropped.badFlow).toBe(all.count);
  const small = run({ flowThreshold: 0, minSize: 250, maxSizeFraction: 1 });
  expect(small.dropped.tooSmall).toBe(all.count - small.count);
  expect(small.dropped.tooSmall).toBeGreaterThan(0);
});

test("computeMasks() answers for the smallest images and volumes", () => {
  for (
    const edges of [[1, 1], [1, 40], [40, 1], [2, 2], [1, 1, 1], [5, 1, 7]]
  ) {
    const { size, pixels, flows } = still(...edges);
    const all = new Float32Array(pixels).fill(3);
    for (const parity of [false, true]) {
      for (const convention of ["plain", "cellpose"] as const) {
        const options = { parity, convention, minSize: 0, confidence: true };
        const { masks, foreground } = core.computeMasks(
          flows,
          all,
          size,
          options,
        );
        expect(masks).toEqual(new Uint32Array(pixels));
        expect(foreground).toBe(pixels);
      }
    }
    const start = core.followFlows(flows, new Uint8Array(pixels).fill(1), size);
    expect(start.indices).toEqual(Uint32Array.from(all.keys()));
  }
});

test("computeMasks() finds a cell on an image of one row or one column", () => {
  for (const [height, width] of [[1, 40], [40, 1]]) {
    const flows = new Float32Array(80);
    const cellprob = new Float32Array(40).fill(-1).fill(1, 5, 36);
    for (let i = 5; i < 36; i++) {
      flows[i + (width === 1 ? 0 : 40)] = Math.sign(20 - i);
    }
    for (const convention of ["plain", "cellpose"] as const) {
      const { masks, count } = core.computeMasks(
        flows,
        cellprob,
        { height, width },
        { convention, flowThreshold: 0, maxSizeFraction: 1 },
      );
      expect(count).toBe(1);
      expect(masks).toEqual(Uint32Array.from(cellprob, (p) => p > 0 ? 1 : 0));
    }
  }
});

test("computeMasks() treats a volume of one plane as an image, dZ unread", () => {
  const volume = new Float32Array(flows.length * 1.5).fill(77);
  volume.set(flows, flows.length / 2);
  const size = { ...IMAGE, depth: 1 };
  for (const options of [{}, { parity: true }, { confidence: true }]) {
    expect(core.computeMasks(volume, cellprob, size, options))
      .toEqual(core.computeMasks(flows, cellprob, IMAGE, options));
  }
});

test("computeMasks() takes infinite logits as certain", () => {
  const certain = cellprob.map((p) => p > 0 ? Infinity : -Infinity);
  const options = { confidence: true };
  const ours = core.computeMasks(flows, certain, IMAGE, options);
  const expected = core.computeMasks(flows, cellprob, IMAGE);
  expect(ours.masks).toEqual(expected.masks);
  ours.confidence?.probabilities.forEach((p) => {
    expect(p).toBeGreaterThan(0.5);
    expect(p).toBeLessThanOrEqual(1);
  });
});

test("computeMasks() measures the same confidence with and without early stop", () => {
  for (
    const [size, cells] of [
      [IMAGE, 9],
      [{ depth: 14, height: 25, width: 37 }, 7],
    ] as const
  ) {
    const { flows, cellprob } = createOutput(size, cells, 5);
    for (const niter of [1, 40, 201]) {
      const [on, off] = [true, false].map((earlyStop) =>
        core.computeMasks(flows, cellprob, size, {
          earlyStop,
          niter,
          confidence: true,
          flowThreshold: 0,
          minSize: 0,
        })
      );
      expect(off).toEqual(on);
      if (niter === 201) {
        expect(Math.max(...on.confidence?.settled ?? [])).toBeGreaterThan(0.5);
      }
    }
  }
});

test("computeMasks() counts the masks there are, in raster order, with parity and minSize ≤ 0", () => {
  // a ring whose hole, with another cell in it, is filled: the cell is erased
  const { masks, size } = fromPicture(`
    ..........................
    ..1111111111111111111111..
    ..1111111111111111111111..
    ..1111111111111111111111..
    ..1111111111111111111111..
    ..111................111..
    ..111................111..
    ..111..2222222222....111..
    ..111..2222222222....111..
    ..111..2222222222....111..
    ..111................111..
    ..111................111..
    ..1111111111111111111111..
    ..1111111111111111111111..
    ..........................
    ...3333333333333333.......
    ...3333333333333333.......
    ...3333333333333333.......
    ..........................
  `);
  // all pixels of a cell jump to one place; the ring's in its upper side
  const targets = [[3, 13], [8, 11], [16, 10]];
  const n = masks.length;
  const flows = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    if (masks[i] === 0) continue;
    const [y, x] = targets[masks[i] - 1];
    flows[i] = y - Math.floor(i / size.width);
    flows[n + i] = x - i % size.width;
  }
  const logits = Float32Array.from(masks, (label) => label > 0 ? 1 : -1);
  for (const minSize of [-1, 0, 1]) {
    const options = {
      minSize,
      niter: 1,
      flowThreshold: 0,
      maxSizeFraction: 1,
      convention: "plain",
    } as const;
    const kept = core.computeMasks(flows, logits, size, options);
    expect(kept.count).toBe(3);
    const parity = { ...options, parity: true };
    const erased = core.computeMasks(flows, logits, size, parity);
    expect(erased.count).toBe(2);
    expect([...new Set(erased.masks)]).toEqual([0, 1, 2]);
    expect(erased.dropped.tooSmall).toBe(1);
  }
});

test("followFlows() follows points beyond pixel 65,536 of an axis", async () => {
  const length = 130_816;
  for (const axis of [0, 1]) {
    const size = axis === 0
      ? { height: length, width: 1 }
      : { height: 1, width: length };
    const few = new Uint8Array(length).fill(1, 0, 10);
    few.fill(1, 65_500, 65_600).fill(1, length - 10);
    for (const step of [1, 250, -250]) {
      const flows = new Float32Array(2 * length);
      flows.fill(step, axis * length, (axis + 1) * length);
      const all = new Uint8Array(length).fill(1);
      for (const convention of ["plain", "cellpose"] as const) {
        const { points } = core.followFlows(flows, all, size, {
          niter: 20,
          convention,
        });
        few.forEach((flag, i) => {
          if (!flag) return;
          const end = Math.min(length - 1, Math.max(0, i + 20 * step));
          expect(Math.abs(points[2 * i + axis] - end)).toBeLessThan(
            // near an edge "cellpose" samples half a zero
            convention === "plain" ? 0.02 : Math.abs(step),
          );
        });
      }
    }
  }
  const size = { height: 1, width: length + 1 };
  const one = new Float32Array(length + 1);
  const two = new Float32Array(2 * length + 2);
  const calls = [
    () => core.followFlows(two, new Uint8Array(length + 1), size),
    () => core.computeMasks(two, one, size),
    () => core.computeMasksBySlab(two, one, size),
  ];
  for (const call of calls) {
    await expect((async () => await call())()).rejects.toMatchObject({
      argument: "size.width",
    });
  }
});

test("functions of flows name the argument that is wrong", () => {
  const bad = (at: number, value: number) => {
    const copy = flows.slice();
    copy[at] = value;
    return copy;
  };
  const run = (options: object) => () =>
    core.computeMasks(flows, cellprob, IMAGE, options);
  const wrong: [string, () => unknown][] = [
    ["flows", () => core.computeMasks(bad(7, NaN), cellprob, IMAGE)],
    ["flows", () => core.computeMasks(bad(10_125, Infinity), cellprob, IMAGE)],
    ["flows", () => core.followFlows(bad(8, -Infinity), foreground, IMAGE)],
    ["flows", () => core.flowErrors(foreground, bad(0, NaN), IMAGE)],
    [
      "cellprob",
      () => core.computeMasks(flows, bad(5, NaN).subarray(0, 5063), IMAGE),
    ],
    [
      "size.height",
      () => core.computeMasks(flows, cellprob, { height: 0, width: 3 }),
    ],
    [
      "size.depth",
      () => core.labelsToFlows(foreground, { ...IMAGE, depth: NaN }),
    ],
    [
      "size.width",
      () => core.labelsToFlows(foreground, { height: 1, width: 0.5 }),
    ],
    ["labels", () => core.labelsToFlows(new Int16Array(5063).fill(-4), IMAGE)],
    [
      "masks",
      () => core.flowErrors(new Int32Array(5063).fill(-1), flows, IMAGE),
    ],
    [
      "diffusionSteps",
      () => core.labelsToFlows(foreground, IMAGE, { diffusionSteps: -1 }),
    ],
    [
      "diffusionSteps",
      () => core.labelsToFlows(foreground, IMAGE, { diffusionSteps: 1e99 }),
    ],
    ["niter", run({ niter: -1 })],
    ["niter", run({ niter: 1e99 })],
    ["niter", run({ niter: 2.5 })],
    ["niter", run({ niter: NaN })],
    ["cellprobThreshold", run({ cellprobThreshold: NaN })],
    ["flowThreshold", run({ flowThreshold: NaN })],
    ["minSize", run({ minSize: NaN })],
    ["minSize", run({ minSize: 15.5 })],
    ["minSize", run({ minSize: 2 ** 32 })],
    ["maxSizeFraction", run({ maxSizeFraction: NaN })],
    ["maxSizeFraction", run({ maxSizeFraction: -0.1 })],
    ["convention", run({ convention: "Plain" })],
    // of another type: their bytes would be read as something else
    [
      "flows",
      () =>
        core.computeMasks(Float64Array.from(flows) as never, cellprob, IMAGE),
    ],
    ["flows", () => core.computeMasks([...flows] as never, cellprob, IMAGE)],
    [
      "cellprob",
      () =>
        core.computeMasks(flows, Float64Array.from(cellprob) as never, IMAGE),
    ],
    [
      "foreground",
      () =>
        core.followFlows(flows, Uint16Array.from(foreground) as never, IMAGE),
    ],
    [
      "labels",
      () => core.labelsToFlows(Float32Array.from(foreground) as never, IMAGE),
    ],
    ["masks", () => core.flowErrors([...foreground] as never, flows, IMAGE)],
  ];
  for (const [argument, call] of wrong) {
    let thrown: unknown;
    try {
      call();
    } catch (err) {
      thrown = err;
    }
    expect(thrown).toBeInstanceOf(ArgumentError);
    expect((thrown as ArgumentError).argument).toBe(argument);
  }
  expect(() => core.computeMasks(flows.subarray(1), cellprob, IMAGE))
    .toThrow(ShapeError);
});

test("labelsToFlows() gives a lone pixel and an empty image no flow", () => {
  expect(core.labelsToFlows(new Uint8Array(12), { height: 3, width: 4 }))
    .toEqual(new Float32Array(24));
  for (const label of [1, 65_536, 2 ** 31 - 1]) {
    for (const parity of [false, true]) {
      const labels = Uint32Array.of(0, 0, label, 0);
      const size = { height: 2, width: 2 };
      expect(core.labelsToFlows(labels, size, { parity }))
        .toEqual(new Float32Array(8));
      // no flow where there should be none is no error
      expect(core.flowErrors(labels, new Float32Array(8), size, { parity }))
        .toEqual({ labels: Uint32Array.of(label), errors: Float64Array.of(0) });
    }
  }
});

test("any bytes give masks or an error that names the argument", () => {
  const word = fc.oneof(
    fc.nat(2 ** 32 - 1),
    // finite flows, so that some calls get past the first check
    fc.float({ noNaN: true, noDefaultInfinity: true, min: -9, max: 9 })
      .map((value) => new Uint32Array(Float32Array.of(value).buffer)[0]),
    fc.constantFrom(0, 1, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000),
  );
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
    .map((value) => new Uint32Array(Float32Array.of(value).buffer)[0]);
  const odd = fc.constantFrom(
    0,
    1,
    2,
    15,
    0.4,
    -1,
    0.5,
    NaN,
    Infinity,
    1e99,
    -1e99,
    2 ** 31,
  );
  const edge = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, NaN, 1.5, 1e9, 2 ** 31) },
  );
  const arbitrary = fc.record({
    size: fc.oneof(
      fc.record({ height: edge, width: edge }),
      fc.record({ depth: edge, height: edge, width: edge }),
    ),
    options: fc.record({
      niter: fc.constantFrom(0, 1, 7, 200, -1, NaN, 1e99),
      cellprobThreshold: odd,
      flowThreshold: odd,
      minSize: odd,
      maxSizeFraction: odd,
      diffusionSteps: fc.constantFrom(0, 1, 50, -1, NaN, 1e99),
      parity: fc.boolean(),
      earlyStop: fc.boolean(),
      confidence: fc.boolean(),
      fillHoles: fc.boolean(),
    }, { requiredKeys: [] }),
    extra: fc.constantFrom(0, 0, 0, 0, 0, 1, -1),
  }).chain((shape) => {
    const { size, extra } = shape;
    const depth = "depth" in size ? size.depth : 1;
    const pixels = depth * size.height * size.width;
    const n = pixels > 0 && pixels < 1000 ? Math.floor(pixels) : 8;
    const array = (length: number, of = word) =>
      fc.array(of, { minLength: length, maxLength: length })
        .map((words) => Uint32Array.from(words).buffer);
    const planes = "depth" in size ? 3 : 2;
    return fc.record({
      shape: fc.constant(shape),
      flows: fc.oneof(
        array(Math.max(0, planes * n + extra)),
        array(Math.max(0, planes * n), finite),
      ),
      cellprob: fc.oneof(array(n), array(n, finite)),
      labels: array(n),
    });
  });
  const answers = { results: 0, errors: 0 };
  fc.assert(
    fc.property(arbitrary, ({ shape, flows, cellprob, labels }) => {
      const { size, options } = shape;
      const f = new Float32Array(flows);
      const c = new Float32Array(cellprob);
      const bytes = new Uint8Array(cellprob).subarray(0, c.length);
      const calls = [
        () => core.computeMasks(f, c, size, options),
        () => core.followFlows(f, bytes, size, options),
        () => core.labelsToFlows(new Int32Array(labels), size, options),
        () => core.labelsToFlows(new Uint32Array(labels), size, options),
        () => core.flowErrors(new Uint32Array(labels), f, size, options),
      ];
      for (const call of calls) {
        try {
          call();
          answers.results++;
        } catch (err) {
          answers.errors++;
          if (err instanceof CoreMemoryError) continue;
          expect(err).toBeInstanceOf(ArgumentError);
          expect((err as ArgumentError).argument).toMatch(
            /^(flows|cellprob|foreground|labels|masks|size\.\w+|niter|cellprobThreshold|flowThreshold|minSize|maxSizeFraction|diffusionSteps)$/,
          );
        }
      }
    }),
    { seed: 5, numRuns: 1500 },
  );
  expect(answers.results).toBeGreaterThan(1000);
  expect(answers.errors).toBeGreaterThan(1000);
});
