/**
 * An example, from its files to masks and score.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeTiff } from "../../shared/image/tiff.ts";
import type { DecodedImage } from "../../shared/image/types.ts";
import type { Core } from "../../wasm/mod.ts";

/** Logit of a pixel that is surely cell, and negated surely background. */
const SURE = 6;

/** An image or volume with its true masks. */
export interface Example {
  readonly image: DecodedImage;
  /** H×W or D×H×W u32, 0 background. */
  readonly truth: Uint32Array;
}

/** What the core makes of an example. */
export interface Segmentation {
  /** 2×H×W or 3×D×H×W f32, unit scale. */
  readonly flows: Float32Array;
  readonly masks: Uint32Array;
  readonly count: number;
  readonly trueCount: number;
  /** AP at IoU 0.5 of the masks against the truth. */
  readonly ap: number;
  /** Time of masks from flows. */
  readonly milliseconds: number;
}

/** Read `NAME.tif` and `NAME_masks.tif`. */
export async function readExample(
  folder: string,
  name: string,
): Promise<Example> {
  const read = async (file: string) =>
    await decodeTiff(new Uint8Array(await readFile(join(folder, file))));
  const image = await read(`${name}.tif`);
  const { data } = await read(`${name}_masks.tif`);
  return { image, truth: Uint32Array.from(data) };
}

/** Truth → flows → masks → score. */
export function segmentExample(
  core: Core,
  { image: { size }, truth }: Example,
): Segmentation {
  const flows = core.labelsToFlows(truth, size);
  const cellprob = Float32Array.from(
    truth,
    (label) => label > 0 ? SURE : -SURE,
  );
  const start = performance.now();
  const { masks, count } = core.computeMasks(flows, cellprob, size);
  const milliseconds = performance.now() - start;
  const [{ ap, tp, fn }] = core.averagePrecision(truth, masks, size, [0.5]);
  return { flows, masks, count, trueCount: tp + fn, ap, milliseconds };
}
