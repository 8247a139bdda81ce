/**
 * Recall by the area of true cells.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { IndexMatch } from "./match.ts";
import type { OverlapTable } from "./overlap.ts";

/** Recall of the true cells with minArea ≤ area < maxArea. */
export interface SizeRecall {
  /** Pixels. */
  readonly minArea: number;
  /** Pixels; Infinity in the last row. */
  readonly maxArea: number;
  /** True cells of this size. */
  readonly cells: number;
  /** Those matched. */
  readonly found: number;
  /** found / cells; NaN where there are no such cells. */
  readonly recall: number;
}

/** Areas at which to part the cells. */
export interface SizeBins {
  /** Areas in pixels, ascending; K edges make K+1 rows. */
  readonly edges?: readonly number[];
  /**
   * Without `edges`: rows with about equally many cells (quartiles: 4). Cells
   * of equal area share a row, so there can be fewer rows.
   */
  readonly quantiles?: number;
}

/** Recall by size, from a matching. */
export function recallOf(
  table: OverlapTable,
  match: IndexMatch,
  { edges, quantiles = 4 }: SizeBins,
): SizeRecall[] {
  const areas = table.trueAreas.subarray(1);
  const bounds = edges === undefined
    ? quantileEdges(areas, quantiles)
    : checkEdges(edges);
  const cells = new Array(bounds.length + 1).fill(0);
  const found = new Array(bounds.length + 1).fill(0);
  areas.forEach((area, i) => {
    let row = 0;
    while (row < bounds.length && area >= bounds[row]) row++;
    cells[row]++;
    if (match.iouOf[i + 1] >= match.threshold) found[row]++;
  });
  return cells.map((count, row) => ({
    minArea: row === 0 ? 0 : bounds[row - 1],
    maxArea: row === bounds.length ? Infinity : bounds[row],
    cells: count,
    found: found[row],
    recall: count === 0 ? NaN : found[row] / count,
  }));
}

/** Edge q is the area of rank floor(q·K/quantiles); none twice, none idle. */
function quantileEdges(areas: Uint32Array, quantiles: number): number[] {
  if (!Number.isInteger(quantiles) || quantiles < 1) {
    throw new ArgumentError(
      "quantiles",
      `must be a positive integer, is ${quantiles}`,
    );
  }
  const sorted = areas.slice().sort();
  const edges = new Set<number>();
  for (let q = 1; q < quantiles; q++) {
    const edge = sorted[Math.floor(q * sorted.length / quantiles)];
    if (edge > sorted[0]) edges.add(edge);
  }
  return [...edges];
}

function checkEdges(edges: readonly number[]): readonly number[] {
  edges.forEach((edge, k) => {
    if (!(edge > 0) || (k > 0 && !(edge > edges[k - 1]))) {
      throw new ArgumentError(
        "edges",
        `must be positive areas in ascending order, are ${edges.join(", ")}`,
      );
    }
  });
  return edges;
}
