/** Flows to masks: defined answers for every input. */
import { expect, test } from "vitest";
import type { Size } from "../wasm/mod.ts";
import { core } from "./core.ts";
import { fromPicture } from "./labels.ts";
import { createOutput } from "./network_output.ts";

const IMAGE: Size = { height: 61, width: 83 };
const output = createOutput(IMAGE, 9, 5);
const { flows, cellprob } = output;

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

test("computeMasks() tells the same share of settled paths without confidence", () => {
  for (
    const [size, cells] of [
      [IMAGE, 9],
      [{ depth: 14, height: 25, width: 37 }, 7],
    ] as const
  ) {
    const { flows, cellprob } = createOutput(size, cells, 5);
    for (const options of [{}, { niter: 5 }, { cellprobThreshold: 1 }]) {
      const [lean, full, plain] = [
        { settled: true },
        { settled: true, confidence: true },
        {},
      ].map((told) =>
        core.computeMasks(flows, cellprob, size, { ...options, ...told })
      );
      expect(lean.settled?.shares).toEqual(full.confidence?.settled);
      expect(lean.settled?.pixels)
        .toEqual(core.measureRegions(lean.masks, size).area);
      const { settled: _, ...rest } = lean;
      expect(rest).toEqual(plain);
      const { confidence: __, ...told } = full;
      expect(told).toEqual(lean);
    }
  }
  const none = core.computeMasks(flows, cellprob, IMAGE, {
    settled: true,
    cellprobThreshold: 99,
  });
  expect(none.settled?.shares.length).toBe(0);
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
