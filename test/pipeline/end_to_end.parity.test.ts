/**
 * From the same weights and image to the same flows and masks as Cellpose
 * 4.2.1.1's `eval` in fp32; `test/fixtures/end_to_end/make.py` records it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  loadNodeEncoder,
  type NodeEncoder,
} from "../../gpu-worker/encoder_node.ts";
import { toLabels } from "../../shared/image/npy.ts";
import type { PixelArray } from "../../shared/image/types.ts";
import { segment } from "../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { core } from "../core.ts";
import { importSmallModel, readCases, readRecorded } from "./small_model.ts";

/** Share of the peer's range that outputs in fp32 may differ by. */
const LIMIT = 2e-3;

let encoder: NodeEncoder;
const model = importSmallModel();
beforeAll(async () => {
  encoder = await loadNodeEncoder(model.folder, { providers: ["cpu"] });
});
afterAll(async () => {
  await encoder.close();
  model.remove();
});

test.each(readCases().map((each) => [each.name, each] as const))(
  "segment() gives what Cellpose gives: %s",
  async (name, { options, step }) => {
    const image = readRecorded(`${name}_image`);
    const axes = image.shape.length === 3 ? "YXC" : "YX";
    const parameters = SegmentParameters.parse({
      diameter: options.diameter ?? null,
      augment: options.augment ?? false,
      resample: options.resample ?? true,
      flowThreshold: options.flow_threshold ?? 0.4,
      cellprobThreshold: options.cellprob_threshold ?? 0,
      parity: true,
    });
    const { planes: [plane] } = await segment(
      { data: image.data as PixelArray, shape: image.shape, axes },
      parameters,
      { core, encoders: [encoder] },
    );

    const dP = readRecorded(`${name}_dP`);
    const { height, width } = plane.flowsSize;
    const flows = [
      ...thin(plane.flows, { height, width, step }),
      ...thin(plane.flows.subarray(height * width), { height, width, step }),
    ].map((value) => 5 * value);
    expect(relativeError(flows, dP.data as Float32Array)).toBeLessThan(LIMIT);
    const cellprob = readRecorded(`${name}_cellprob`).data as Float32Array;
    const ours = thin(plane.cellprob, { height, width, step });
    expect(relativeError(ours, cellprob)).toBeLessThan(LIMIT);

    const masks = toLabels(readRecorded(`${name}_masks`));
    expect(Math.max(...masks)).toBeGreaterThan(5);
    expect(plane.count).toBe(Math.max(...masks));
    // where seeds tie the peer's order is undefined, and so are numbers
    const { iou } = core.matchMasks(masks, plane.masks, plane.size);
    expect(Math.min(...iou)).toBeGreaterThan(0.99);
    const different = masks.filter((label, i) => label !== plane.masks[i]);
    if (name === "color") return;
    // single pixels whose paths end on a pixel's edge
    expect(different.length / masks.length).toBeLessThan(2e-4);
  },
);

/** Every step-th row's every step-th value of a plane. */
function thin(
  plane: Float32Array,
  { height, width, step }: { height: number; width: number; step: number },
): number[] {
  const kept: number[] = [];
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) kept.push(plane[y * width + x]);
  }
  return kept;
}

function relativeError(ours: number[], theirs: Float32Array): number {
  expect(ours).toHaveLength(theirs.length);
  const largest = ours.reduce(
    (max, v, i) => Math.max(max, Math.abs(v - theirs[i])),
    0,
  );
  const low = theirs.reduce((a, b) => Math.min(a, b));
  const high = theirs.reduce((a, b) => Math.max(a, b));
  return largest / (high - low);
}
