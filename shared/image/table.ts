/**
 * Measurements of cells as CSV: one row a cell.
 *
 * @module
 */
import type { PixelSize } from "./pixel_size.ts";

/** Columns as the core's `measureRegions` gives them. */
export interface CellColumns {
  readonly count: number;
  readonly label: ArrayLike<number>;
  readonly area: ArrayLike<number>;
  /** K×2 (y, x) or K×3 (z, y, x). */
  readonly centroid: ArrayLike<number>;
  /** K×4 (y0, x0, y1, x1) or K×6 (z0, y0, x0, z1, y1, x1), ends exclusive. */
  readonly box: ArrayLike<number>;
  readonly diameter: ArrayLike<number>;
  readonly extent: ArrayLike<number>;
  readonly majorAxis: ArrayLike<number>;
  readonly minorAxis: ArrayLike<number>;
  readonly shape?: {
    readonly orientation: ArrayLike<number>;
    readonly eccentricity: ArrayLike<number>;
    readonly perimeter: ArrayLike<number>;
    readonly circularity: ArrayLike<number>;
    readonly convexArea: ArrayLike<number>;
    readonly solidity: ArrayLike<number>;
  };
  readonly intensity?: readonly {
    readonly mean: ArrayLike<number>;
    readonly min: ArrayLike<number>;
    readonly max: ArrayLike<number>;
    readonly sum: ArrayLike<number>;
  }[];
}

/** What else is known. */
export interface TableOptions {
  /** Adds columns in micrometers. */
  readonly pixelSize?: PixelSize;
  /** Names of the channels of `intensity`; default: their numbers. */
  readonly channelNames?: readonly string[];
}

type Column = readonly [name: string, value: (row: number) => number];

/**
 * Encode measurements as CSV (RFC 4180, LF, a header row).
 *
 * Lengths are pixels; with a pixel size, columns ending in `_um`, `_um2` and
 * `_um3` follow. What is undefined (NaN) is an empty field.
 */
export function encodeCellTable(
  cells: CellColumns,
  options: TableOptions = {},
): string {
  const columns = listColumns(cells, options);
  const lines = [columns.map(([name]) => quote(name)).join(",")];
  for (let row = 0; row < cells.count; row++) {
    lines.push(columns.map(([, value]) => format(value(row))).join(","));
  }
  return lines.join("\n") + "\n";
}

function listColumns(cells: CellColumns, options: TableOptions): Column[] {
  const isVolume = cells.count > 0
    ? cells.centroid.length === 3 * cells.count
    : cells.shape === undefined;
  const axes = isVolume ? ["z", "y", "x"] : ["y", "x"];
  const n = axes.length;
  const of = (name: string, values: ArrayLike<number>): Column => [
    name,
    (row) => values[row],
  ];
  const columns: Column[] = [
    of("label", cells.label),
    of(isVolume ? "volume" : "area", cells.area),
    ...axes.map((axis, i): Column => [
      `centroid_${axis}`,
      (row) => cells.centroid[row * n + i],
    ]),
    ...["0", "1"].flatMap((end, j) =>
      axes.map((axis, i): Column => [
        `box_${axis}${end}`,
        (row) => cells.box[row * 2 * n + j * n + i],
      ])
    ),
    of("diameter", cells.diameter),
    of("major_axis", cells.majorAxis),
    of("minor_axis", cells.minorAxis),
    of("extent", cells.extent),
  ];
  const { shape } = cells;
  if (shape) {
    columns.push(
      of("orientation", shape.orientation),
      of("eccentricity", shape.eccentricity),
      of("perimeter", shape.perimeter),
      of("circularity", shape.circularity),
      of("convex_area", shape.convexArea),
      of("solidity", shape.solidity),
    );
  }
  cells.intensity?.forEach((values, c) => {
    const name = options.channelNames?.[c] ?? `${c}`;
    for (const kind of ["mean", "min", "max", "sum"] as const) {
      columns.push(of(`intensity_${kind}_${name}`, values[kind]));
    }
  });
  return [...columns, ...listMicrometers(cells, isVolume, options.pixelSize)];
}

function listMicrometers(
  cells: CellColumns,
  isVolume: boolean,
  size?: PixelSize,
): Column[] {
  if (!size) return [];
  const { z, y, x } = size;
  if (isVolume) {
    return z === undefined
      ? []
      : [["volume_um3", (row) => cells.area[row] * x * y * z]];
  }
  const columns: Column[] = [
    ["area_um2", (row) => cells.area[row] * x * y],
    ["centroid_y_um", (row) => cells.centroid[row * 2] * y],
    ["centroid_x_um", (row) => cells.centroid[row * 2 + 1] * x],
    // of the circle of the same area
    ["diameter_um", (row) => cells.diameter[row] * Math.sqrt(x * y)],
  ];
  // lengths along any direction need square pixels
  if (Math.abs(x - y) > 1e-6 * x) return columns;
  return [
    ...columns,
    ["major_axis_um", (row) => cells.majorAxis[row] * x],
    ["minor_axis_um", (row) => cells.minorAxis[row] * x],
  ];
}

/** Nine digits: more than a measurement has, and the same everywhere. */
function format(value: number): string {
  return Number.isFinite(value)
    ? `${Number.isInteger(value) ? value : Number(value.toPrecision(9))}`
    : "";
}

function quote(name: string): string {
  // a name that begins with = + - @ would be a formula in a spreadsheet
  const safe = /^[=+\-@]/.test(name) ? `'${name}` : name;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
