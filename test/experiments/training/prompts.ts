/**
 * SAM, prompted by the box of each true cell: what a perfect detector before it
 * would give.
 *
 * @module
 */
import { layOutPlanes } from "../../../shared/pipeline/planes.ts";
import type { PromptModel } from "../../../shared/pipeline/prompt_model.ts";
import { createRefiner } from "../../../shared/pipeline/refine.ts";
import type { Core } from "../../../wasm/mod.ts";
import type { Segmenter } from "../model/segmenters.ts";

/** Paint the answer to each box, in the order of labels; none without truth. */
export function segmentByPrompts(core: Core, model: PromptModel): Segmenter {
  return async ({ data, size, channels, truth }) => {
    let masks: Uint32Array = new Uint32Array(size.height * size.width);
    if (truth === undefined) return masks;
    const [plane] = layOutPlanes({
      data,
      axes: "YXC",
      shape: [size.height, size.width, channels],
    });
    const refiner = createRefiner(core, model);
    const image = await refiner.embed(plane);
    for (const [label, box] of findBoxes(truth, size.width)) {
      const { logits } = await refiner.refine(image, { box });
      masks = Uint32Array.from(
        core.paintCell(masks, logits, size, label).masks,
      );
    }
    return masks;
  };
}

type CellBox = [y0: number, x0: number, y1: number, x1: number];

/** First and last pixels of every label. */
export function findBoxes(
  truth: Uint32Array,
  width: number,
): Map<number, CellBox> {
  const boxes = new Map<number, CellBox>();
  for (const [i, label] of truth.entries()) {
    if (label === 0) continue;
    const [y, x] = [Math.floor(i / width), i % width];
    const box = boxes.get(label) ?? [y, x, y, x];
    boxes.set(label, [
      Math.min(box[0], y),
      Math.min(box[1], x),
      Math.max(box[2], y),
      Math.max(box[3], x),
    ]);
  }
  return boxes;
}
