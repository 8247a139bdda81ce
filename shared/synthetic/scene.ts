/**
 * Scenes of cells that overlap as much as asked: labels that are known exactly.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { countPixels, type Size2D } from "../ndarray.ts";
import { createRandom, type Random } from "./random.ts";
import {
  type Cell,
  drawForm,
  forEachPixel,
  type ShapeKind,
  square,
} from "./shapes.ts";
import { keepLargestParts } from "./visible.ts";

/** What a scene is made of. */
export interface SceneOptions {
  readonly shape: ShapeKind;
  /** Cells placed; fewer may be left in view. */
  readonly count: number;
  /** Each new cell may be centered as near as (1 − overlap)·(r₁ + r₂) to an
   * earlier one; 0 to below 1. */
  readonly overlap: number;
  /** Range of length over width, ≥ 1; circles have 1. */
  readonly aspect?: readonly [number, number];
  /** Range of the mean radius, pixels; default 12–22. */
  readonly radius?: readonly [number, number];
  /** Default 256×256. */
  readonly size?: Size2D;
  /** Fewer visible pixels in one piece are no cell; default 40. */
  readonly minArea?: number;
}

/** A scene and its truth. */
export interface Scene {
  readonly size: Size2D;
  /** H×W, 0 = background; numbered by first pixel. */
  readonly labels: Uint32Array;
  /** Labels in view. */
  readonly count: number;
  /** What was placed, in order; later ones cover earlier ones. */
  readonly cells: readonly Cell[];
  /** Part of the cells' area within the image that later cells cover. */
  readonly coveredShare: number;
  /** Part of the cells placed exactly at the least distance; ≥ 0.8. */
  readonly placedShare: number;
}

/** At least this part of the cells touches the least distance. */
const PLACED_SHARE = 0.8;
const MAX_SCENES = 200;
const MAX_TRIES = 400;

/**
 * Generate a scene.
 *
 * Later cells cover earlier ones; truth is each cell's largest visible part
 * (4-connected) of at least `minArea` pixels. Centers keep their mean radius
 * from the image's edge. The same seed and options give the same scene.
 *
 * @param seed  any integer
 * @throws {ArgumentError} for wrong options, or where so many cells find no room
 */
export function generateScene(seed: number, options: SceneOptions): Scene {
  const {
    shape,
    count,
    overlap,
    aspect,
    radius = [12, 22],
    size = { height: 256, width: 256 },
    minArea = 40,
  } = options;
  check(options, radius, size);
  for (let k = 0; k < MAX_SCENES; k++) {
    const random = createRandom(seed, k);
    const forms = Array.from(
      { length: count },
      () => drawForm(random, shape, radius, aspect),
    );
    const placed = placeCells(random, forms, overlap, size);
    // one of one cell has no earlier cell to touch
    if (!placed || count > 4 && placed.share < PLACED_SHARE) continue;
    const { cells, share: placedShare } = placed;
    const { labels, coveredShare } = paintCells(cells, size);
    const visible = keepLargestParts(labels, size, minArea);
    return { size, ...visible, cells, coveredShare, placedShare };
  }
  throw new ArgumentError(
    "count",
    `${count} cells of this size and overlap find no room in ${size.height}×${size.width}`,
  );
}

/** Centers for the forms; undefined where one finds no room. */
function placeCells(
  random: Random,
  forms: Omit<Cell, "center">[],
  overlap: number,
  size: Size2D,
): { cells: Cell[]; share: number } | undefined {
  const cells: Cell[] = [];
  let touching = 0;
  for (const form of forms) {
    const near = (other: Cell) => (1 - overlap) * (form.radius + other.radius);
    const fits = (y: number, x: number, partner?: Cell) => {
      const { radius } = form;
      return y >= radius && y <= size.height - 1 - radius &&
        x >= radius && x <= size.width - 1 - radius &&
        cells.every((other) =>
          other === partner ||
          square(y - other.center[0]) + square(x - other.center[1]) >=
            square(near(other))
        );
    };
    let center: [number, number] | undefined;
    for (let k = 0; k < MAX_TRIES && !center && cells.length > 0; k++) {
      const partner = cells[random.below(cells.length)];
      const [dy, dx] = random.direction();
      const y = partner.center[0] + dy * near(partner);
      const x = partner.center[1] + dx * near(partner);
      if (fits(y, x, partner)) center = [y, x];
    }
    if (center) touching++;
    for (let k = 0; k < MAX_TRIES && !center; k++) {
      const y = random.between(0, size.height);
      const x = random.between(0, size.width);
      if (fits(y, x)) center = [y, x];
    }
    if (!center) return undefined;
    cells.push({ ...form, center });
  }
  return { cells, share: touching / cells.length };
}

function paintCells(cells: Cell[], size: Size2D) {
  const labels = new Uint32Array(countPixels(size));
  let drawn = 0;
  cells.forEach((cell, k) =>
    forEachPixel(cell, size, (pixel) => {
      labels[pixel] = k + 1;
      drawn++;
    })
  );
  const visible = labels.reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0);
  return { labels, coveredShare: 1 - visible / drawn };
}

function check(
  { count, overlap, aspect }: SceneOptions,
  radius: readonly [number, number],
  size: Size2D,
): void {
  countPixels(size);
  if (!(Number.isInteger(count) && count > 0)) {
    throw new ArgumentError("count", `must be an integer ≥ 1, is ${count}`);
  }
  if (!(overlap >= 0 && overlap < 1)) {
    throw new ArgumentError("overlap", `must be in [0, 1), is ${overlap}`);
  }
  if (aspect && !(aspect[0] >= 1 && aspect[1] >= aspect[0])) {
    throw new ArgumentError("aspect", `must ascend from ≥ 1, is ${aspect}`);
  }
  if (!(radius[0] > 0 && radius[1] >= radius[0])) {
    throw new ArgumentError("radius", `must ascend from > 0, is ${radius}`);
  }
}
