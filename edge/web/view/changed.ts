/**
 * Which tiles of the overlay look different: only these are drawn again.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";
import type { Runs } from "../edit/log.ts";
import type { Packed } from "../edit/packed.ts";
import { TILE, type TileAt } from "./geometry.ts";

/** Tells of any tile whether it may look different. */
export type IsChanged = (at: TileAt) => boolean;

/** More runs are not compared: drawing what is in view is quicker. */
const MAX_RUNS = 2 ** 19;

/** Masks and the color number of each label; each label has its own. */
export interface Colored {
  readonly packed: Packed;
  readonly colors: Uint32Array;
}

/** Tiles that an edit's runs touch. */
export function changedByRuns(runs: Runs, size: Size2D): IsChanged {
  const marks = createMarks(size);
  for (let r = 0; r < runs.length; r += 4) {
    marks.add(runs[r], runs[r] + runs[r + 1]);
  }
  return marks.isChanged;
}

/**
 * Tiles in which two masks of an image have other colors.
 *
 * @returns  undefined where comparing takes longer than drawing
 */
export function changedByColors(
  { packed: a, colors: colorsA }: Colored,
  { packed: b, colors: colorsB }: Colored,
  size: Size2D,
): IsChanged | undefined {
  if (a.length + b.length > 4 * MAX_RUNS) return undefined;
  const marks = createMarks(size);
  let [i, j, at, endA, endB] = [0, 0, 0, a[0], b[0]];
  while (i < a.length && j < b.length) {
    const end = Math.min(endA, endB);
    const [before, after] = [a[i + 1], b[j + 1]];
    const isSame = before === 0 || after === 0
      ? before === after
      : colorsA[before] === colorsB[after];
    if (!isSame) marks.add(at, end);
    at = end;
    if (endA === end) endA += a[i += 2];
    if (endB === end) endB += b[j += 2];
  }
  return marks.isChanged;
}

/** Tiles of the finest level, marked. */
function createMarks({ height, width }: Size2D) {
  const columns = Math.ceil(width / TILE);
  const rows = Math.ceil(height / TILE);
  const marked = new Uint8Array(columns * rows);
  return {
    /** Mark the tiles of pixels from … to in raster order. */
    add(from: number, to: number): void {
      const [top, bottom] = [
        Math.floor(from / width),
        Math.floor((to - 1) / width),
      ];
      const [left, right] = top === bottom
        ? [from - top * width, to - 1 - top * width]
        : [0, width - 1];
      for (let y = Math.floor(top / TILE); y <= bottom / TILE; y++) {
        const row = y * columns;
        marked.fill(
          1,
          row + Math.floor(left / TILE),
          row + Math.floor(right / TILE) + 1,
        );
      }
    },
    isChanged({ level, column, row }: TileAt): boolean {
      // an outline depends on the next pixel of its level: one tile more
      const span = 2 ** level;
      const [x0, x1] = [column * span - 1, (column + 1) * span];
      const [y0, y1] = [row * span - 1, (row + 1) * span];
      for (let y = Math.max(0, y0); y <= Math.min(rows - 1, y1); y++) {
        for (let x = Math.max(0, x0); x <= Math.min(columns - 1, x1); x++) {
          if (marked[y * columns + x] === 1) return true;
        }
      }
      return false;
    },
  };
}
