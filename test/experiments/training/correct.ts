/**
 * A human who corrects the worst cells of a prediction, with the truth in
 * hand.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { Core } from "../../../wasm/mod.ts";

/** IoU from which a cell is good enough to be left alone. */
const GOOD = 0.5;

/** What became of a prediction. */
export interface Corrected {
  /** H×W labels, 0 background. */
  readonly labels: Uint32Array;
  /** Cells to draw or to erase for every cell to be right. */
  readonly needed: number;
  /** Those that were drawn or erased. */
  readonly made: number;
}

/** One thing to do. */
interface Correction {
  /** Best IoU of the cell, with any on the other side. */
  readonly iou: number;
  /** True label to draw; none: erase only. */
  readonly draw?: number;
  /** Predicted labels to erase. */
  readonly erase: readonly number[];
}

/**
 * Correct a prediction where it is worst.
 *
 * A true cell without a prediction of IoU ≥ 0.5 is drawn, in place of the wrong
 * predictions that lie in it or that it lies in, by half; a wrong prediction
 * that no such cell takes the place of is erased. The lowest IoU comes first.
 *
 * @param limit  corrections, at most
 */
export function correctWorst(
  core: Core,
  { truth, masks, size }: {
    truth: Uint32Array;
    masks: Uint32Array;
    size: Size2D;
  },
  limit: number,
): Corrected {
  const all = listCorrections(core, { truth, masks, size });
  const chosen = all.slice(0, Math.max(0, limit));
  const erased = new Set(chosen.flatMap(({ erase }) => erase));
  const drawn = new Set(chosen.flatMap(({ draw }) => draw ?? []));
  let most = 0;
  for (const label of masks) most = Math.max(most, label);
  const labels = masks.map((label, i) =>
    drawn.has(truth[i]) ? most + truth[i] : erased.has(label) ? 0 : label
  );
  return { labels, needed: all.length, made: chosen.length };
}

function listCorrections(
  core: Core,
  { truth, masks, size }: {
    truth: Uint32Array;
    masks: Uint32Array;
    size: Size2D;
  },
): Correction[] {
  const table = core.overlapTable(truth, masks, size);
  const { trueLabels, trueAreas, predLabels, predAreas, pairs, iou } = table;
  const bestOfTrue = new Float64Array(trueLabels.length);
  const bestOfPred = new Float64Array(predLabels.length);
  for (let k = 0; k < iou.length; k++) {
    const [i, j] = [pairs[3 * k], pairs[3 * k + 1]];
    if (i === 0 || j === 0) continue;
    bestOfTrue[i] = Math.max(bestOfTrue[i], iou[k]);
    bestOfPred[j] = Math.max(bestOfPred[j], iou[k]);
  }
  // wrong predictions that a cell takes the place of
  const replaced = new Map<number, number[]>();
  const isReplaced = new Uint8Array(predLabels.length);
  for (let k = 0; k < iou.length; k++) {
    const [i, j, shared] = pairs.subarray(3 * k, 3 * k + 3);
    if (i === 0 || j === 0) continue;
    if (bestOfTrue[i] >= GOOD || bestOfPred[j] >= GOOD) continue;
    if (2 * shared < trueAreas[i] && 2 * shared < predAreas[j]) continue;
    replaced.set(i, [...replaced.get(i) ?? [], predLabels[j]]);
    isReplaced[j] = 1;
  }
  const corrections: Correction[] = [];
  for (let i = 1; i < trueLabels.length; i++) {
    if (bestOfTrue[i] >= GOOD) continue;
    corrections.push({
      iou: bestOfTrue[i],
      draw: trueLabels[i],
      erase: replaced.get(i) ?? [],
    });
  }
  for (let j = 1; j < predLabels.length; j++) {
    if (bestOfPred[j] >= GOOD || isReplaced[j]) continue;
    corrections.push({ iou: bestOfPred[j], erase: [predLabels[j]] });
  }
  return corrections.sort((a, b) => a.iou - b.iou);
}
