/**
 * Kind `stitch`: masks of each slice → masks of the volume.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import { type Case, getArray, getLabels, getNumber } from "./case.ts";
import { type Check, exactly } from "./check.ts";

/** Cellpose's default IoU from which labels of neighboring slices join. */
const STITCH_THRESHOLD = 0.25;

/** Check a case of this kind; exact. */
export function stitch(core: Core, from: Case): Check[] {
  const [depth, height, width] = getArray(from, "slices", 3).shape;
  const threshold = getNumber(from, "threshold", STITCH_THRESHOLD);
  const slices = getLabels(from, "slices");
  const { masks } = core.stitchSlices(slices, { depth, height, width }, {
    threshold,
    parity: true,
  });
  return [exactly("out", masks, getLabels(from, "out"))];
}
