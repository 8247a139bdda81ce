/**
 * One item through a model.
 *
 * @module
 */
import { isLeftOut, readItem } from "../../../gpu-worker/train/read_item.ts";
import { segment } from "../../../shared/pipeline/segment.ts";
import { SegmentParameters } from "../../../shared/schema/parameters.ts";
import type { Item, Lab } from "./lab.ts";

/** Segment an item, its true diameter given. */
export async function predict(
  { deps: { core, openEncoder } }: Lab,
  model: string,
  { name, file, facts }: Item,
) {
  const read = await readItem(core, file, { minMasks: 0 });
  if (isLeftOut(read) || read.labels === undefined) {
    throw new Error(`${name} cannot be read with its labels`);
  }
  const { image: data, size, channels, labels } = read;
  const encoder = await openEncoder(model);
  try {
    const image = {
      data,
      axes: "CYX",
      shape: [channels, size.height, size.width],
    };
    const parameters = SegmentParameters.parse(
      facts.diameter > 0 ? { diameter: facts.diameter } : {},
    );
    const deps = { core, encoders: [encoder], batchSize: 1 };
    const { planes: [plane] } = await segment(image, parameters, deps);
    return { plane, size, truth: Uint32Array.from(labels), image: read };
  } finally {
    await encoder.close();
  }
}
