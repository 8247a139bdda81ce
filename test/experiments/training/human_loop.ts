/**
 * A human in the loop, simulated: predict, correct the worst cells from the
 * truth, tune on all that was corrected, and again with the next image.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLeftOut, readItem } from "../../../gpu-worker/train/read_item.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { encodeLabelTiff } from "../../../shared/image/labels.ts";
import { type Budget, tuneOptions } from "./budget.ts";
import { correctWorst } from "./correct.ts";
import { drawImages } from "./draws.ts";
import { digest, type Item, type Lab, meanAp } from "./lab.ts";
import { predict } from "./predict.ts";
import { chosenKinds, cropDraw, type Material, trainBase } from "./tuning.ts";

/** One round: one image more. */
export interface LoopRound {
  readonly round: number;
  /** Cells of this round's image. */
  readonly cells: number;
  /** Corrections that the model's prediction of it needs. */
  readonly needed: number;
  /** Of these so many were made. */
  readonly made: number;
  /** Mean AP50 on the test images, after tuning on this and earlier images. */
  readonly after: number;
}

/** One kind. */
export interface LoopRow {
  readonly kind: string;
  /** Mean AP50 on the test images before any correction. */
  readonly before: number;
  readonly rounds: readonly LoopRound[];
}

/** Run it for every kind, with its first draw of images. */
export async function runHumanLoop(
  lab: Lab,
  material: Material,
  budget: Budget,
): Promise<LoopRow[]> {
  const rows: LoopRow[] = [];
  for (const [kind, items] of chosenKinds(material, budget).measurable) {
    const base = await trainBase(lab, material, { kind, budget });
    if (base === undefined) continue;
    const { test, tune } = await cropDraw(lab, drawImages(items, 0), {
      count: budget.rounds,
      crops: new Map(),
    });
    const before = meanAp(await lab.score(base.folder, test));
    const rounds: LoopRound[] = [];
    const corrected: Item[] = [];
    let model = base.folder;
    for (const [i, item] of tune.entries()) {
      const { item: next, ...counts } = await correctItem(lab, model, {
        item,
        limit: budget.corrections,
      });
      corrected.push(next);
      const tuned = await lab.train({
        name: `loop of ${kind}, round ${i + 1}`,
        items: [...corrected],
        // what was corrected may hold no cell
        options: { ...tuneOptions(budget, base.folder), minMasks: 0 },
      });
      if (tuned === undefined) break;
      model = tuned.folder;
      const after = meanAp(await lab.score(model, test));
      rounds.push({ round: i + 1, cells: item.facts.cells, ...counts, after });
    }
    rows.push({ kind, before, rounds });
  }
  return rows;
}

/** The item with the labels that a human would leave behind. */
async function correctItem(
  lab: Lab,
  model: string,
  { item, limit }: { item: Item; limit: number },
) {
  const { core } = lab.deps;
  const { plane, size, truth } = await predict(lab, model, item);
  const images = { truth, masks: plane.masks, size };
  const some = correctWorst(core, images, limit);
  const next = writeCorrected(lab, item, { masks: some.labels, size });
  const isRefused = isLeftOut(
    await readItem(core, next.file, { minMasks: 0 }),
  );
  if (!isRefused) return { item: next, needed: some.needed, made: some.made };
  // nobody would leave such labels, as one cell over half of the image
  const all = correctWorst(core, images, Infinity);
  return {
    item: writeCorrected(lab, item, { masks: all.labels, size }),
    needed: all.needed,
    made: all.made,
  };
}

function writeCorrected(
  lab: Lab,
  item: Item,
  { masks, size }: { masks: Uint32Array; size: Size2D },
): Item {
  // other labels, another name: what is read is kept by name
  const name = `corrected/${digest([item.name, [...masks]])}`;
  mkdirSync(join(lab.folder, "corrected"), { recursive: true });
  const path = join(lab.folder, `${name}_masks.tif`);
  writeFileSync(path, encodeLabelTiff({ masks, size }));
  const { labels, diameter } = lab.deps.core.estimateDiameter(masks, size);
  return {
    ...item,
    name,
    file: { ...item.file, name, labels: path },
    facts: {
      ...item.facts,
      name,
      cells: labels.length,
      diameter: labels.length === 0 ? 0 : Math.max(5, diameter),
    },
  };
}
