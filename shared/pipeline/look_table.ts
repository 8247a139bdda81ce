/**
 * What looks at an image tell of its cells' diameter, and what to make of
 * several.
 *
 *   looks  →  likelihood of each diameter  →  its median
 *
 * A network seen at a wrong scale is wrong in ways of its own: it finds parts
 * of large cells, or clumps of small ones, at about the size that it knows.
 * How often it says what at which true size is counted on images of known
 * diameters; all looks together then say which diameter makes them likely.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";

/** What one look told. */
export interface Look {
  /** Network pixels a pixel. */
  readonly scale: number;
  /** Diameter by the style, network pixels. */
  readonly style: number;
  /** Median of the whole cells seen, network pixels; `null`: too few. */
  readonly cells: number | null;
}

/** A look at an image whose diameter is known. */
export interface KnownLook extends Look {
  /** Network pixels. */
  readonly truth: number;
  /** How much it counts. */
  readonly weight: number;
}

/**
 * How likely a look tells what, given the true size: a row a size of `SIZES`,
 * a column one that is told; rows of `cells` begin with "too few".
 */
export interface LookTable {
  readonly style: readonly Float64Array[];
  readonly cells: readonly Float64Array[];
}

/** As `model.json` holds it: rows of counts in ten thousand, with spaces. */
export interface LookTableJson {
  readonly style: readonly string[];
  readonly cells: readonly string[];
}

/** log2 of network pixels: from 2 to 181 in quarter octaves. */
const SIZES = { first: 1, step: 0.25, count: 27 } as const;
/** Width of what a look at a size tells of sizes nearby, octaves. */
const TRUTH_WIDTH = 0.25;
/** The same of what was told. */
const TOLD_WIDTH = 0.22;
/** Nothing is less likely than this: looks of unknown kinds surprise. */
const FLOOR = 0.002;
const NO_CELLS_FLOOR = 0.05;
/** Diameters before any look: about 28 pixels, most within 2 octaves. */
const PRIOR = { mean: Math.log2(28), deviation: 1 } as const;
/** Of the diameters that are weighed, octaves. */
const GRID_STEP = 0.05;

/**
 * Find the diameter that makes looks likely.
 *
 * @param range  least and largest, pixels of the image
 * @returns      pixels of the image; a continuous function of the looks, so
 *               that runtimes that differ in last bits agree
 *
 * Source: Bayes' rule, looks taken as independent.
 */
export function weighLooks(
  looks: readonly Look[],
  table: LookTable,
  range: readonly [number, number],
): number {
  const [low, high] = range.map(Math.log2);
  const count = Math.floor((high - low) / GRID_STEP) + 1;
  const grid = Array.from({ length: count }, (_, i) => low + i * GRID_STEP);
  const logs = grid.map((size) => {
    const far = (size - PRIOR.mean) / PRIOR.deviation;
    return looks.reduce(
      (sum, look) => sum + judge(look, size, table),
      -far * far / 2,
    );
  });
  const top = Math.max(...logs);
  const chances = logs.map((log) => Math.exp(log - top));
  return 2 ** findMedian(grid, chances);
}

/** Log of the likelihood of a look, if cells are that large in the image. */
function judge(
  { scale, style, cells }: Look,
  size: number,
  table: LookTable,
): number {
  const truth = size + Math.log2(scale);
  const told = (value: number) => toPlace(Math.log2(Math.max(value, 1e-3)));
  const row = toPlace(truth);
  const byStyle = Math.log(between(table.style, row, told(style)) + FLOOR);
  const byCells = cells === null
    ? Math.log(between(table.cells, row, 0) + NO_CELLS_FLOOR)
    : Math.log(between(table.cells, row, 1 + told(cells)) + FLOOR);
  return byStyle + byCells;
}

/** Place of a size among `SIZES`, fractional. */
function toPlace(size: number): number {
  const place = (size - SIZES.first) / SIZES.step;
  return Math.min(Math.max(place, 0), SIZES.count - 1);
}

/** Bilinear interpolation. */
function between(
  rows: readonly Float64Array[],
  y: number,
  x: number,
): number {
  const [y0, x0] = [Math.floor(y), Math.floor(x)];
  const y1 = Math.min(y0 + 1, rows.length - 1);
  const x1 = Math.min(x0 + 1, rows[0].length - 1);
  const at = (row: Float64Array) => row[x0] + (row[x1] - row[x0]) * (x - x0);
  return at(rows[y0]) + (at(rows[y1]) - at(rows[y0])) * (y - y0);
}

/** Where half of the chances lie on either side, between the grid's points. */
function findMedian(
  grid: readonly number[],
  chances: readonly number[],
): number {
  const half = chances.reduce((a, b) => a + b) / 2;
  let below = 0;
  for (const [i, chance] of chances.entries()) {
    if (below + chance >= half) {
      return grid[i] + GRID_STEP * ((half - below) / chance - 0.5);
    }
    below += chance;
  }
  return grid[grid.length - 1];
}

/**
 * Count what looks told at which size, smoothed.
 *
 * @param looks  at images whose diameters are known
 *
 * Source: kernel density estimates (Nadaraya 1964) with Gaussians.
 */
export function countLooks(looks: readonly KnownLook[]): LookTable {
  const rows = Array.from({ length: SIZES.count }, (_, i) => {
    const size = SIZES.first + i * SIZES.step;
    const style = new Float64Array(SIZES.count);
    const cells = new Float64Array(1 + SIZES.count);
    for (const look of looks) {
      const near = bell((size - Math.log2(look.truth)) / TRUTH_WIDTH);
      const weight = near * look.weight;
      spread(style, Math.log2(look.style), weight);
      if (look.cells === null) cells[0] += weight;
      else spread(cells.subarray(1), Math.log2(look.cells), weight);
    }
    return { style: toShares(style), cells: toShares(cells) };
  });
  return {
    style: rows.map(({ style }) => style),
    cells: rows.map(({ cells }) => cells),
  };
}

/** Add a weight to the sizes around one. */
function spread(row: Float64Array, size: number, weight: number): void {
  const bells = row.map((_, j) =>
    bell((SIZES.first + j * SIZES.step - size) / TOLD_WIDTH)
  );
  const sum = bells.reduce((a, b) => a + b);
  // a size beyond the table counts at its edge
  if (sum < 1e-3) row[size < SIZES.first ? 0 : row.length - 1] += weight;
  else bells.forEach((share, j) => row[j] += weight * share / sum);
}

function bell(x: number): number {
  return Math.exp(-x * x / 2);
}

/** Of sizes that were never seen, nothing is told. */
function toShares(row: Float64Array): Float64Array {
  const sum = row.reduce((a, b) => a + b);
  return sum < 1e-6 ? row.fill(1 / row.length) : row.map((v) => v / sum);
}

/**
 * What to take for a network whose looks were not counted: its style is off
 * by half an octave, its cells are right near its own size.
 *
 * @param own  diameter that it knows best, network pixels
 */
export function assumeTable(own: number): LookTable {
  const looks: KnownLook[] = [];
  for (let truth = 2; truth < 180; truth *= 2 ** 0.25) {
    const distance = Math.log2(truth / own);
    const right = bell(distance / 0.9);
    for (const error of [-0.5, 0, 0.5]) {
      const weight = error === 0 ? 2 : 1;
      const style = truth * 2 ** error;
      looks.push(
        { scale: 1, truth, style, cells: truth, weight: weight * right },
        {
          scale: 1,
          truth,
          style,
          cells: own * 2 ** error,
          weight: weight * (1 - right) / 2,
        },
        {
          scale: 1,
          truth,
          style,
          cells: null,
          weight: weight * (1 - right) / 2,
        },
      );
    }
  }
  return countLooks(looks);
}

/** As text, four digits a share. */
export function writeTable({ style, cells }: LookTable): LookTableJson {
  const write = (row: Float64Array) =>
    Array.from(row, (share) => Math.round(1e4 * share)).join(" ");
  return { style: style.map(write), cells: cells.map(write) };
}

/**
 * Read the text.
 *
 * @throws {ArgumentError} if it is no such table
 */
export function readTable({ style, cells }: LookTableJson): LookTable {
  const read = (rows: readonly string[], columns: number) => {
    const table = rows.map((row) =>
      Float64Array.from(row.split(" "), (text) => Number(text) / 1e4)
    );
    const isWhole = table.length === SIZES.count &&
      table.every((row) =>
        row.length === columns && row.every(Number.isFinite)
      );
    if (isWhole) return table;
    throw new ArgumentError(
      "diameter.looks",
      `has ${rows.length} rows; a table of ${SIZES.count}×${columns} numbers is expected`,
    );
  };
  return {
    style: read(style, SIZES.count),
    cells: read(cells, 1 + SIZES.count),
  };
}
