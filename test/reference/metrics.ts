/**
 * Slow and obvious scores: dense tables and a dense Hungarian assignment.
 *
 * @module
 */

/** Dense IoU of all pairs of cells, labels ascending, no background. */
export function denseIou(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
) {
  const trueLabels = labelsOf(truth);
  const predLabels = labelsOf(prediction);
  const shared = trueLabels.map((t) =>
    predLabels.map((p) =>
      count(truth, (i) => truth[i] === t && prediction[i] === p)
    )
  );
  const trueAreas = trueLabels.map((t) => count(truth, (i) => truth[i] === t));
  const predAreas = predLabels.map((p) =>
    count(prediction, (i) => prediction[i] === p)
  );
  const iou = shared.map((row, a) =>
    row.map((n, b) => n / (trueAreas[a] + predAreas[b] - n))
  );
  return { trueLabels, predLabels, trueAreas, predAreas, shared, iou };
}

/** Ascending labels without 0. */
export function labelsOf(labels: ArrayLike<number>): number[] {
  return [...new Set(Array.from(labels))].filter((l) => l > 0).sort((a, b) =>
    a - b
  );
}

function count(like: ArrayLike<number>, test: (i: number) => boolean): number {
  let n = 0;
  for (let i = 0; i < like.length; i++) if (test(i)) n++;
  return n;
}

/** Cellpose's weight of a pair: [IoU ≥ t] + IoU / (2·min(cells, cells)). */
export function weights(iou: number[][], threshold: number): number[][] {
  const scale = 1 / (2 * Math.min(iou.length, iou[0]?.length ?? 0));
  return iou.map((row) => row.map((x) => (x >= threshold ? 1 : 0) + x * scale));
}

/**
 * Assignment of the greatest weight by the dense Hungarian method, O(n³):
 * the square matrix is filled up with zeros.
 *
 * @returns column of each row, −1 where the weight is 0 or the column a filler
 */
export function assign(weight: number[][]): number[] {
  const rows = weight.length;
  const columns = weight[0]?.length ?? 0;
  const n = Math.max(rows, columns);
  const cost = (i: number, j: number) =>
    i < rows && j < columns ? -weight[i][j] : 0;
  const u = new Array(n + 1).fill(0), v = new Array(n + 1).fill(0);
  const owner = new Array(n + 1).fill(0); // 1-based row of each column
  for (let i = 1; i <= n; i++) {
    owner[0] = i;
    const least = new Array(n + 1).fill(Infinity);
    const used = new Array(n + 1).fill(false);
    const way = new Array(n + 1).fill(0);
    let j0 = 0;
    do {
      used[j0] = true;
      let delta = Infinity, next = 0;
      for (let j = 1; j <= n; j++) {
        if (used[j]) continue;
        const reduced = cost(owner[j0] - 1, j - 1) - u[owner[j0]] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = j0;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (used[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else least[j] -= delta;
      }
      j0 = next;
    } while (owner[j0] !== 0);
    while (j0) {
      owner[j0] = owner[way[j0]];
      j0 = way[j0];
    }
  }
  const columnOf = new Array(rows).fill(-1);
  for (let j = 1; j <= columns; j++) {
    const i = owner[j] - 1;
    if (i < rows && weight[i][j - 1] > 0) columnOf[i] = j - 1;
  }
  return columnOf;
}

/** Sum of the weights that an assignment takes. */
export function weightOf(weight: number[][], columnOf: number[]): number {
  return columnOf.reduce((sum, j, i) => sum + (j < 0 ? 0 : weight[i][j]), 0);
}

/** Kumar et al. 2017, algorithm 1, as written there. */
export function kumarJaccard(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
): number {
  const { iou, shared, trueAreas, predAreas } = denseIou(truth, prediction);
  const used = new Set<number>();
  let intersection = 0, union = 0;
  iou.forEach((row, i) => {
    const best = row.indexOf(Math.max(...row));
    if (best < 0 || row[best] === 0) {
      union += trueAreas[i];
      return;
    }
    intersection += shared[i][best];
    union += trueAreas[i] + predAreas[best] - shared[i][best];
    used.add(best);
  });
  predAreas.forEach((area, j) => union += used.has(j) ? 0 : area);
  return union === 0 ? 1 : intersection / union;
}

/** Pixels within `radius` of a pixel of the mask, by looking at all of them. */
export function dilate(
  mask: Uint8Array,
  { height, width }: { height: number; width: number },
  radius: number,
): Uint8Array {
  return mask.map((_, at) => {
    const y = Math.floor(at / width), x = at % width;
    for (let b = 0; b < height; b++) {
      for (let a = 0; a < width; a++) {
        if (!mask[b * width + a]) continue;
        if (Math.sqrt((y - b) ** 2 + (x - a) ** 2) <= radius) return 1;
      }
    }
    return 0;
  });
}

/** The same, but the pixels in the disc are counted in one byte, and mirrored. */
export function dilateWrapped(
  mask: Uint8Array,
  { height, width }: { height: number; width: number },
  radius: number,
): Uint8Array {
  const mirror = (i: number, n: number) => {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
  };
  const reach = Math.floor(radius);
  return mask.map((_, at) => {
    const y = Math.floor(at / width), x = at % width;
    let n = 0;
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        if (Math.sqrt(dy * dy + dx * dx) > radius) continue;
        n += mask[mirror(y + dy, height) * width + mirror(x + dx, width)];
      }
    }
    return n % 256 ? 1 : 0;
  });
}
