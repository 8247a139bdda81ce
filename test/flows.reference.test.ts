import fc from "fast-check";
import { expect, test } from "vitest";
import type { Size } from "../shared/ndarray.ts";
import { core } from "./core.ts";
import { labelImages } from "./labels.ts";
import { createOutput } from "./network_output.ts";
import { diffuseFlows } from "./reference/diffusion.ts";
import { measureFlowErrors } from "./reference/flow_error.ts";

const RUNS = { seed: 7, numRuns: 300 };
const IMAGE: Size = { height: 61, width: 83 };
const VOLUME: Size = { depth: 14, height: 25, width: 37 };

/** Largest difference on pixels whose direction is not rounding noise. */
function worstFlow(
  labels: Uint32Array | Int32Array,
  size: Size,
  options: { parity?: boolean; diffusionSteps?: number },
): { worst: number; compared: number } {
  const ours = core.labelsToFlows(labels, size, options);
  const { flows, slopes, heat } = diffuseFlows(labels, size, options);
  expect(ours.length).toBe(flows.length);
  let worst = 0;
  let compared = 0;
  for (let i = 0; i < ours.length; i++) {
    const pixel = i % labels.length;
    if (labels[pixel] !== 0 && slopes[pixel] < 1e-6 * heat[pixel]) continue;
    compared++;
    worst = Math.max(worst, Math.abs(ours[i] - flows[i]));
  }
  return { worst, compared };
}

for (
  const [name, size, cells] of [
    ["2-D", IMAGE, 9],
    ["3-D", VOLUME, 7],
  ] as const
) {
  for (const options of [{}, { parity: true }, { diffusionSteps: 13 }]) {
    const with_ = JSON.stringify(options);
    test(`labelsToFlows() is within 1e-4 of the reference, ${name}, ${with_}`, () => {
      const { labels } = createOutput(size, cells, 3);
      const { worst, compared } = worstFlow(labels, size, options);
      expect(worst).toBeLessThan(1e-4);
      expect(compared).toBeGreaterThan(0.98 * labels.length);
    });
  }

  test(`flowErrors() is within 1e-4 of the reference, ${name}`, () => {
    const { labels, flows } = createOutput(size, cells, 4);
    // ids with gaps, and one beyond 16 bits
    const masks = Uint32Array.from(
      labels,
      (label) => label === 0 ? 0 : label === 5 ? 90_000 : 3 * label,
    );
    for (const parity of [false, true]) {
      const ours = core.flowErrors(masks, flows, size, { parity });
      const theirs = measureFlowErrors(masks, flows, size, { parity });
      expect([...ours.labels]).toEqual(theirs.labels);
      theirs.errors.forEach((error, k) =>
        expect(Math.abs(ours.errors[k] - error)).toBeLessThan(1e-4)
      );
    }
  });
}

test("labelsToFlows() agrees with the reference on any small labels", () => {
  fc.assert(
    fc.property(labelImages, fc.boolean(), ({ masks, size }, parity) => {
      // a volume of one plane has the flows of an image: not the reference's
      if ("depth" in size && size.depth === 1) return;
      expect(worstFlow(masks, size, { parity }).worst).toBeLessThan(1e-4);
    }),
    RUNS,
  );
});
