/**
 * What went wrong, cell by cell: splits, merges, misses, spurious cells.
 *
 * Of a pair, the true fraction is shared pixels / area of the true cell, the
 * predicted fraction is shared pixels / area of the predicted cell. A
 * predicted cell lies in a true cell if its predicted fraction is ≥ 0.5 and
 * its true fraction is ≥ `minFraction` (specks do not make a split); a true
 * cell lies in a predicted one with the two fractions exchanged. Then
 *
 * - split: a true cell in which two or more predicted cells lie;
 * - merge: a predicted cell in which two or more true cells lie;
 * - miss: a true cell that is not matched, not split and not part of a merge;
 * - spurious: a predicted cell that is not matched, not part of a split and
 *   not a merge.
 *
 * So each unmatched cell is in at least one list. A split or merged cell can
 * be matched as well (with its greater part). A pair that is alone but below
 * the threshold counts twice, as a miss and as spurious, as it does in AP.
 *
 * @module
 */
import type { IndexMatch } from "./match.ts";
import type { OverlapTable } from "./overlap.ts";

/** One cell cut into several, or several made one; all are labels. */
export interface CellGroup {
  /** The true label that was split; the predicted label that merges. */
  readonly label: number;
  /** Its parts: predicted labels of a split, true labels of a merge. */
  readonly parts: readonly number[];
}

/** The labels concerned by each kind of error, ascending. */
export interface ErrorKinds {
  /** IoU from which cells count as matched. */
  readonly threshold: number;
  /** True cells in which two or more predicted cells lie. */
  readonly splits: readonly CellGroup[];
  /** Predicted cells in which two or more true cells lie. */
  readonly merges: readonly CellGroup[];
  /** True labels. */
  readonly misses: readonly number[];
  /** Predicted labels. */
  readonly spurious: readonly number[];
}

/** Sort the errors of a matching into kinds; see the head of this file. */
export function errorKindsOf(
  table: OverlapTable,
  match: IndexMatch,
  minFraction: number,
): ErrorKinds {
  const { pairs, trueLabels, trueAreas, predLabels, predAreas } = table;
  const inTrue = new Map<number, number[]>(); // true index → predicted ones
  const inPred = new Map<number, number[]>();
  for (let k = 0; k < pairs.length; k += 3) {
    const [i, j, pixels] = pairs.subarray(k, k + 3);
    if (i === 0 || j === 0) continue;
    const isHalfOfPred = 2 * pixels >= predAreas[j];
    const isHalfOfTrue = 2 * pixels >= trueAreas[i];
    if (isHalfOfPred && pixels >= minFraction * trueAreas[i]) {
      append(inTrue, i, j);
    }
    if (isHalfOfTrue && pixels >= minFraction * predAreas[j]) {
      append(inPred, j, i);
    }
  }

  const isTrueExplained = new Uint8Array(trueLabels.length);
  const isPredExplained = new Uint8Array(predLabels.length);
  match.predOf.forEach((j, i) => {
    if (match.iouOf[i] < match.threshold) return;
    isTrueExplained[i] = isPredExplained[j] = 1;
  });
  const splits = groups(
    inTrue,
    { whole: trueLabels, part: predLabels },
    (i, parts) => {
      isTrueExplained[i] = 1;
      for (const j of parts) isPredExplained[j] = 1;
    },
  );
  const merges = groups(
    inPred,
    { whole: predLabels, part: trueLabels },
    (j, parts) => {
      isPredExplained[j] = 1;
      for (const i of parts) isTrueExplained[i] = 1;
    },
  );
  return {
    threshold: match.threshold,
    splits,
    merges,
    misses: unexplained(trueLabels, isTrueExplained),
    spurious: unexplained(predLabels, isPredExplained),
  };
}

function append(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Groups of two or more, as labels in ascending order. */
function groups(
  parts: Map<number, number[]>,
  labels: { whole: Uint32Array; part: Uint32Array },
  explain: (whole: number, parts: readonly number[]) => void,
): CellGroup[] {
  const found: CellGroup[] = [];
  for (const [whole, list] of [...parts].sort(([a], [b]) => a - b)) {
    if (list.length < 2) continue;
    explain(whole, list);
    found.push({
      label: labels.whole[whole],
      parts: list.map((part) => labels.part[part]),
    });
  }
  return found;
}

function unexplained(labels: Uint32Array, isExplained: Uint8Array): number[] {
  const found: number[] = [];
  for (let i = 1; i < labels.length; i++) {
    if (!isExplained[i]) found.push(labels[i]);
  }
  return found;
}
