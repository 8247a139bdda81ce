/**
 * The scalar references against Cellpose 4.2.1.1 on small cuts of real masks,
 * `test/fixtures/dynamics/make_fixtures.py`.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Size } from "../shared/ndarray.ts";
import { readNpy } from "./bench/npy.ts";
import { diffuseFlows } from "./reference/diffusion.ts";
import { fillAndRemoveSmall } from "./reference/fill.ts";
import { measureFlowErrors, removeBadFlows } from "./reference/flow_error.ts";
import { followPixels } from "./reference/follow.ts";
import { renumber } from "./reference/grid.ts";
import { masksOf } from "./reference/masks.ts";
import { clusterByPeaks } from "./reference/peaks.ts";

/** Folders of fixtures; the recorded one has another name for positions. */
const CASES = ["dynamics/crop2d", "dynamics/crop3d", "golden/dynamics2d/tiny"];
const RECORDED: Readonly<Record<string, string>> = {
  positions_20: "final_positions_niter20",
  positions_200: "final_positions",
};

async function open(name: string) {
  const read = async (array: string) => {
    const file = name.startsWith("golden/") ? RECORDED[array] ?? array : array;
    const url = new URL(`./fixtures/${name}/${file}.npy.gz`, import.meta.url);
    return await readNpy(fileURLToPath(url));
  };
  const { data: labels, shape } = await read("labels");
  const [width, height, depth] = [...shape].reverse();
  const size: Size = depth ? { depth, height, width } : { height, width };
  const dP = (await read("dP")).data;
  const flows = Float32Array.from(dP, (value) => value / 5);
  const cellprob = (await read("cellprob")).data;
  const foreground = Uint8Array.from(cellprob, (logit) => logit > 0 ? 1 : 0);
  const get = async (array: string) => (await read(array)).data;
  return { labels, size, axes: shape.length, flows, cellprob, foreground, get };
}

/** The peer's axis-by-axis positions, point by point. */
function interleave(positions: ArrayLike<number>, axes: number): Float64Array {
  const count = positions.length / axes;
  return Float64Array.from(
    positions,
    (_, i) => positions[(i % axes) * count + Math.floor(i / axes)],
  );
}

for (const name of CASES) {
  test(`diffuseFlows() with parity is within 1e-6 of the peer's flows, ${name}`, async () => {
    const { labels, size, axes, get } = await open(name);
    const expected = await get("flows");
    const { flows, slopes, heat } = diffuseFlows(labels, size, {
      parity: true,
    });
    let worst = 0;
    let compared = 0;
    for (let i = 0; i < labels.length; i++) {
      // a slope of nearly 0 has the direction of its rounding error
      if (labels[i] !== 0 && slopes[i] < 1e-6 * heat[i]) continue;
      compared++;
      for (let axis = 0; axis < axes; axis++) {
        const at = axis * labels.length + i;
        worst = Math.max(worst, Math.abs(flows[at] - expected[at]));
      }
    }
    expect(worst).toBeLessThan(1e-6);
    expect(compared).toBeGreaterThan(0.98 * labels.length);
  });

  test(`diffuseFlows() without parity gives a cell the flows it has alone, ${name}`, async () => {
    const { labels, size, axes } = await open(name);
    const together = diffuseFlows(labels, size).flows;
    const diffusionSteps = 80;
    const tight = diffuseFlows(labels, size, { diffusionSteps }).flows;
    const leaking = diffuseFlows(labels, size, {
      diffusionSteps,
      parity: true,
    }).flows;
    const ids = new Set(labels);
    ids.delete(0);
    for (const id of ids) {
      const alone = Uint8Array.from(labels, (label) => label === id ? 1 : 0);
      const flows = diffuseFlows(alone, size).flows;
      for (let i = 0; i < axes * labels.length; i++) {
        if (labels[i % labels.length] !== id) continue;
        expect(together[i]).toBe(flows[i]);
      }
    }
    // cells touch in these cases: the leak does change flows
    expect(tight).not.toEqual(leaking);
  });

  test(`followPixels() ends where the peer does, ${name}`, async () => {
    const { size, axes, flows, foreground, get } = await open(name);
    for (
      const [niter, pixels, share] of [[20, 0.01, 0.995], [200, 0.2, 0.99]]
    ) {
      const expected = interleave(await get(`positions_${niter}`), axes);
      const { points, indices } = followPixels(flows, foreground, size, {
        niter,
      });
      expect(points.length).toBe(expected.length);
      const near = Array.from(indices, (_, p) =>
        [...points.subarray(p * axes, (p + 1) * axes)].every((end, axis) =>
          Math.abs(end - expected[p * axes + axis]) <= pixels
        )).filter(Boolean).length;
      expect(near / indices.length).toBeGreaterThanOrEqual(share);
    }
  });

  test(`clusterByPeaks() of the peer's points gives the peer's labels, ${name}`, async () => {
    const { size, axes, flows, foreground, get } = await open(name);
    const points = interleave(await get("positions_200"), axes);
    const { indices } = followPixels(flows, foreground, size, { niter: 0 });
    const { masks, count } = clusterByPeaks(points, indices, size);
    const expected = await get("masks_raw");
    expect([...masks]).toEqual([...expected]);
    expect(count).toBe(Math.max(...expected));
  });

  test(`masksOf() equals the peer's masks, ${name}`, async () => {
    const { size, axes, flows, cellprob, get } = await open(name);
    const { masks } = masksOf(flows, cellprob, size, {
      parity: true,
      // the peer has no flow check in 3-D
      flowThreshold: axes === 2 ? 0.4 : 0,
    });
    expect([...masks]).toEqual([...await get("masks")]);
  });
}

test("measureFlowErrors() with parity is within 1e-6 of the peer's errors", async () => {
  const { size, flows, get } = await open("dynamics/crop2d");
  const raw = await get("masks_raw");
  const { errors } = measureFlowErrors(raw, flows, size, { parity: true });
  const expected = await get("flow_errors");
  expect(errors.length).toBe(expected.length);
  errors.forEach((error, k) => expect(error).toBeCloseTo(expected[k], 5));
});

test("removeBadFlows() removes labels above the threshold and renumbers", async () => {
  const { size, flows, get } = await open("dynamics/crop2d");
  const masks = Uint32Array.from(await get("masks_raw"));
  expect(removeBadFlows(masks, flows, size, { parity: true })).toBe(3);
  expect(new Set(masks)).toEqual(new Set([0, 1, 2, 3]));
});

test("fillAndRemoveSmall() fills a hole, keeps a diagonal gap closed, erases what lies inside", () => {
  const size = { height: 5, width: 5 };
  // deno-fmt-ignore
  const ring = Uint32Array.from([
    0, 7, 7, 7, 7,
    7, 0, 0, 0, 7,
    7, 0, 3, 0, 7,
    7, 0, 0, 0, 7,
    7, 7, 7, 7, 7,
  ]);
  expect(fillAndRemoveSmall(ring, size, 1)).toBe(1);
  expect(ring[0]).toBe(0);
  expect(ring[12]).toBe(1);
  expect(ring.filter((label) => label === 1).length).toBe(24);
});

test("renumber() numbers labels in order of first appearance", () => {
  const labels = Uint32Array.from([0, 9, 2, 9, 4_000_000_000]);
  expect(renumber(labels)).toBe(3);
  expect([...labels]).toEqual([0, 1, 2, 1, 3]);
});

test("followPixels() samples half a pixel beside the pixel, plain() on it", () => {
  // reference values of the peer: 8×10, dX = 1 everywhere, from (0, 0)
  const size = { height: 8, width: 10 };
  const flows = new Float32Array(160).fill(1, 80);
  const foreground = new Uint8Array(80).fill(1);
  const once = followPixels(flows, foreground, size, { niter: 1 }).points;
  const twice = followPixels(flows, foreground, size, { niter: 2 }).points;
  expect([once[0], once[1]]).toEqual([0, 0.25]);
  expect(twice[1]).toBeCloseTo(0.638889, 6);
  const plain = followPixels(flows, foreground, size, {
    niter: 3,
    convention: "plain",
  }).points;
  expect([plain[0], plain[1]]).toEqual([0, 3]);
  // the last point of the last row cannot leave the image
  expect([plain[158], plain[159]]).toEqual([7, 9]);
});
