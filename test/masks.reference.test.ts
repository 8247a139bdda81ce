import { expect, test } from "vitest";
import type { Size } from "../shared/ndarray.ts";
import { assertSameMasks } from "./bench/equality.ts";
import { core } from "./core.ts";
import { createOutput } from "./network_output.ts";
import { followPixels } from "./reference/follow.ts";
import { masksOf } from "./reference/masks.ts";

const CASES = [
  ["2-D", { height: 61, width: 83 }, 9],
  ["3-D", { depth: 14, height: 25, width: 37 }, 7],
] as const satisfies readonly (readonly [string, Size, number])[];

const CONVENTIONS = ["cellpose", "plain"] as const;

/** Share of points within `pixels` of the reference's on every axis. */
function shareNear(
  ours: Float32Array,
  theirs: Float64Array,
  axes: number,
  pixels: number,
): number {
  expect(ours.length).toBe(theirs.length);
  const count = ours.length / axes;
  let near = 0;
  for (let p = 0; p < count; p++) {
    let isNear = true;
    for (let i = p * axes; i < (p + 1) * axes; i++) {
      if (!(Math.abs(ours[i] - theirs[i]) <= pixels)) isNear = false;
    }
    if (isNear) near++;
  }
  return near / count;
}

for (const [name, size, cells] of CASES) {
  const axes = name === "2-D" ? 2 : 3;
  const { flows, cellprob } = createOutput(size, cells, 5);
  const foreground = Uint8Array.from(cellprob, (p) => p > 0 ? 1 : 0);

  for (const convention of CONVENTIONS) {
    test(`followFlows() is within 0.01 pixels of the reference after 20 steps, ${name}, ${convention}`, () => {
      const options = { niter: 20, convention };
      const ours = core.followFlows(flows, foreground, size, options);
      const theirs = followPixels(flows, foreground, size, options);
      expect([...ours.indices]).toEqual([...theirs.indices]);
      const share = shareNear(ours.points, theirs.points, axes, 0.01);
      expect(share).toBeGreaterThanOrEqual(0.995);
    });

    // a volume's exact paths drift by rounding, but stay in their voxels
    const isExact = axes === 3 && convention === "cellpose";
    const where = isExact ? "voxel" : "place";
    test(`followFlows() ends in the same ${where} with and without early stop, ${name}, ${convention}`, () => {
      const ends = [true, false].map((earlyStop) =>
        core.followFlows(flows, foreground, size, { convention, earlyStop })
          .points
      );
      const [early, full] = isExact
        ? ends.map((points) => points.map(Math.trunc))
        : ends;
      expect(early).toEqual(full);
    });
  }

  test(`followFlows() follows any small number of points, ${name}`, () => {
    const { indices } = core.followFlows(flows, foreground, size, { niter: 0 });
    for (const count of [0, 1, 3, 4, 5, 8, 17]) {
      const few = new Uint8Array(foreground.length);
      for (const at of indices.subarray(40, 40 + count)) few[at] = 1;
      const expected = followPixels(flows, few, size, { niter: 20 });
      const ours = core.followFlows(flows, few, size, {
        niter: 20,
        convention: "cellpose",
      });
      expect([...ours.indices]).toEqual([...expected.indices]);
      if (count > 0) {
        expect(shareNear(ours.points, expected.points, axes, 0.01)).toBe(1);
      }
    }
  });

  for (const parity of [false, true]) {
    test(`computeMasks() gives the reference's masks, ${name}, parity ${parity}`, () => {
      const options = { parity, flowThreshold: axes === 2 ? 0.4 : 0 };
      const ours = core.computeMasks(flows, cellprob, size, options);
      const theirs = masksOf(flows, cellprob, size, options);
      expect(ours.count).toBe(theirs.count);
      expect(ours.count).toBeGreaterThan(cells - 2);
      assertSameMasks("the reference", ours.masks, theirs.masks);
      // label order too
      const same = ours.masks.filter((label, i) => label === theirs.masks[i]);
      expect(same.length / ours.masks.length).toBeGreaterThanOrEqual(0.995);
    });
  }
}
