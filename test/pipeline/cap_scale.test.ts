import { expect, test } from "vitest";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { createFake } from "./fake_encoder.ts";

const image = {
  data: Float32Array.from({ length: 60 * 80 }, (_, i) => i % 7),
  axes: "YX",
  shape: [60, 80],
};

test.each([
  // network of 20 pixels: 8 calls for 2.5 times, 40 for a half
  [8, 1.5, 1.5, 133, ["scale-capped"]],
  [8, undefined, 2.5, 80, []],
  [40, 1.5, 0.5, 400, []],
])(
  "segment() enlarges cells of %i pixels %s times at most: scale %f",
  async (diameter, maxScale, scale, niter, codes) => {
    const encoder = createFake(
      (tile, { height, width }) => tile.slice(0, 3 * height * width).fill(-9),
      { model: { family: "cytoedge", tileSize: 1040, diameter: 20 } },
    );
    const { facts, warnings } = await segment(
      image,
      SegmentParameters.parse({ diameter }),
      { core, encoders: [encoder], ...(maxScale ? { maxScale } : {}) },
    );
    expect(facts).toMatchObject({ scale, niter, diameter });
    const capped = warnings.filter(({ code }) => code === "scale-capped");
    expect(capped.map(({ code }) => code)).toEqual(codes);
    for (const { message } of capped) {
      expect(message).toContain("Cells of 8 pixels call for 2.50 times");
    }
  },
);
