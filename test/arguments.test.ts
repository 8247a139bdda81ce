/** Wrong arguments: every one is named, and no bytes make a call trap. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError, CoreMemoryError, ShapeError } from "../wasm/mod.ts";
import type { Size } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";

const IMAGE: Size = { height: 61, width: 83 };
const { flows, cellprob } = createOutput(IMAGE, 9, 5);
const foreground = Uint8Array.from(cellprob, (p) => p > 0 ? 1 : 0);

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
      "points",
      () =>
        core.clusterPoints(
          new Float64Array(2) as never,
          new Uint32Array(1),
          IMAGE,
        ),
    ],
    [
      "indices",
      () =>
        core.clusterPoints(
          new Float32Array(2),
          new Int32Array(1) as never,
          IMAGE,
        ),
    ],
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
      settled: fc.boolean(),
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
