/**
 * Stitching of slices with dense tables, slow and obvious.
 *
 * @module
 */

/** IoU of label a of one plane and label b of another. */
function iou(next: number[], a: number, prev: number[], b: number): number {
  let both = 0;
  let either = 0;
  next.forEach((label, i) => {
    const isA = label === a;
    const isB = prev[i] === b;
    both += Number(isA && isB);
    either += Number(isA || isB);
  });
  return both / either;
}

/** Link planes by overlap; ids 1 … N by plane, then by old label. */
export function stitchSlices(planes: number[][], threshold: number) {
  let count = 0;
  let prev: number[] = [];
  return planes.map((plane) => {
    const labels = distinct(plane);
    const before = distinct(prev);
    const table = labels.map((a) =>
      before.map((b) => {
        const score = iou(plane, a, prev, b);
        return score < threshold ? 0 : score;
      })
    );
    const best = before.map((_, b) => Math.max(...table.map((row) => row[b])));
    const ids = new Map([[0, 0]]);
    labels.forEach((label, a) => {
      const row = table[a].map((score, b) => score < best[b] ? 0 : score);
      const most = Math.max(0, ...row);
      ids.set(label, most > 0 ? before[row.indexOf(most)] : ++count);
    });
    return prev = plane.map((label) => ids.get(label)!);
  });
}

function distinct(plane: number[]): number[] {
  return [...new Set(plane)].filter((k) => k > 0).sort((a, b) => a - b);
}
