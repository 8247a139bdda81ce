/**
 * Table 1, measured: methods on the same images, with the cells that touch
 * others counted apart.
 *
 * @module
 */
import type { Core } from "../../../wasm/mod.ts";
import { type Statistic, summarize } from "../statistics.ts";
import type { LabelledImage } from "./images.ts";
import type { NamedSegmenter } from "./segmenters.ts";

/** A row: one method. */
export interface Table1Row {
  readonly method: string;
  readonly ap50: Statistic;
  /** Part found (IoU ≥ 0.5) of the cells that touch another, of all images. */
  readonly foundTouching: number;
  readonly touching: number;
  /** Part found of the others. */
  readonly foundApart: number;
  readonly apart: number;
}

/** Score every method; no diameter is given. */
export async function runTable1(
  core: Core,
  images: readonly LabelledImage[],
  methods: readonly NamedSegmenter[],
): Promise<Table1Row[]> {
  const rows: Table1Row[] = [];
  for (const { name, segment } of methods) {
    const aps: number[] = [];
    const seen = { touching: 0, foundTouching: 0, apart: 0, foundApart: 0 };
    for (const image of images) {
      const masks = await segment(image);
      const { truth, size } = image;
      const [{ ap }] = core.averagePrecision(truth, masks, size, [0.5]);
      aps.push(ap);
      const found = findMatched(truth, masks);
      const touching = findTouching(truth, size.width);
      for (const label of new Set(truth)) {
        if (label === 0) continue;
        const isTouching = touching.has(label);
        seen[isTouching ? "touching" : "apart"]++;
        if (found.has(label)) {
          seen[isTouching ? "foundTouching" : "foundApart"]++;
        }
      }
    }
    rows.push({
      method: name,
      ap50: summarize(aps),
      touching: seen.touching,
      foundTouching: seen.foundTouching / Math.max(1, seen.touching),
      apart: seen.apart,
      foundApart: seen.foundApart / Math.max(1, seen.apart),
    });
  }
  return rows;
}

/** Labels with a pixel beside (4 neighbors) a pixel of another label. */
export function findTouching(truth: Uint32Array, width: number): Set<number> {
  const touching = new Set<number>();
  for (let i = 0; i < truth.length; i++) {
    const near = [(i + 1) % width === 0 ? i : i + 1, i + width];
    for (const j of near) {
      if (j >= truth.length || truth[i] === truth[j]) continue;
      if (truth[i] === 0 || truth[j] === 0) continue;
      touching.add(truth[i]).add(truth[j]);
    }
  }
  return touching;
}

/** True labels with a prediction of IoU ≥ 0.5: above it there is but one. */
function findMatched(truth: Uint32Array, masks: Uint32Array): Set<number> {
  const areas = [new Map<number, number>(), new Map<number, number>()];
  const pairs = new Map<number, number>();
  for (let i = 0; i < truth.length; i++) {
    const key = truth[i] * 2 ** 26 + masks[i];
    pairs.set(key, (pairs.get(key) ?? 0) + 1);
    areas[0].set(truth[i], (areas[0].get(truth[i]) ?? 0) + 1);
    areas[1].set(masks[i], (areas[1].get(masks[i]) ?? 0) + 1);
  }
  const matched = new Set<number>();
  for (const [key, shared] of pairs) {
    const [label, mask] = [Math.floor(key / 2 ** 26), key % 2 ** 26];
    if (label === 0 || mask === 0) continue;
    const union = areas[0].get(label)! + areas[1].get(mask)! - shared;
    if (shared / union >= 0.5) matched.add(label);
  }
  return matched;
}
