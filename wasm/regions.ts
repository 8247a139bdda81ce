/**
 * Properties of regions: one row a label, as columns.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  isVolume,
  type LabelArray,
  type Size,
} from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";
import type { ImageArray } from "./image_size.ts";

/** Intensities of one channel, K f64 each; sums are f64. */
export interface Intensity {
  readonly mean: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Integrated intensity. */
  readonly sum: Float64Array;
}

/** One row a label, ascending; pixels unless said. */
export interface Regions {
  /** K rows. */
  readonly count: number;
  /** K ids. */
  readonly label: Uint32Array;
  /** K; pixels, or voxels. */
  readonly area: Uint32Array;
  /** K×2 (y, x) or K×3 (z, y, x), pixel centers at integers. */
  readonly centroid: Float64Array;
  /** K×4 (y0, x0, y1, x1) or K×6 (z0, y0, x0, z1, y1, x1), ends exclusive. */
  readonly box: Uint32Array;
  /** Of the circle of the same area, or the sphere of the same volume. */
  readonly diameter: Float64Array;
  /** Area divided by its box's, 0–1. */
  readonly extent: Float64Array;
  /** Axes of the ellipse or ellipsoid with the same second moments. */
  readonly majorAxis: Float64Array;
  readonly minorAxis: Float64Array;
  /** Of images only. */
  readonly shape?: RegionShapes;
  /** Given an image: one entry a channel. */
  readonly intensity?: Intensity[];
}

/** What is measured in images, not in volumes; K f64 each. */
export interface RegionShapes {
  /** Radians from the y axis to the major axis, −π/2 … π/2, + towards x. */
  readonly orientation: Float64Array;
  /** Of the ellipse: 0 for a circle, near 1 for a line. */
  readonly eccentricity: Float64Array;
  /** scikit-image's perimeter(neighborhood=4); 0 for very small regions. */
  readonly perimeter: Float64Array;
  /** 4π·area ÷ perimeter²; NaN without perimeter; may exceed 1 when small. */
  readonly circularity: Float64Array;
  /**
   * scikit-image's area_convex: pixels with centers within the hull of the
   * midpoints of pixel sides.
   */
  readonly convexArea: Float64Array;
  /** Area ÷ convex area, 0–1. */
  readonly solidity: Float64Array;
}

/** What `measureRegions` measures besides shapes. */
export interface RegionOptions {
  /** Planar, C×H×W or C×D×H×W. */
  readonly image?: ImageArray;
  /** C; default 1. */
  readonly channels?: number;
  /** Row of a larger image in which these start; 0. */
  readonly top?: number;
}

/** Runs of labels in the arena, sorted by label. */
export interface LabelRuns {
  readonly at: number;
  /** Runs. */
  readonly count: number;
  /** Labels. */
  readonly labels: number;
}

/** Measure regions; see `shapes`. */
export function measureRegions(
  arena: Arena,
  masks: LabelArray,
  size: Size,
  { image, channels = 1, top = 0 }: RegionOptions,
): Regions {
  const pixels = checkLabels("masks", masks, size);
  if (image !== undefined) checkChannels(image, pixels, channels);
  return arena.scope((kernels) => {
    const labels = arena.putLabels(masks);
    const runs = sortRuns(arena, labels, size);
    const k = runs.labels;
    const volume = isVolume(size) ? 1 : 0;
    const { height, width } = size;
    const table = arena.reserve(14 * k * 8);
    const perimeter = arena.reserve(k * 8);
    const convex = arena.reserve(k * 8);
    const derived = arena.reserve(5 * k * 8);
    if (!volume) {
      checkResult(
        kernels.measurePerimeters(
          perimeter,
          runs.at,
          runs.count,
          labels,
          height,
          width,
        ),
      );
      checkResult(kernels.measureConvexAreas(convex, runs.at, runs.count));
    }
    const intensity = image &&
      measureIntensities(arena, runs, image, { pixels, width, channels });
    // places are those of the larger image, to the last bit
    kernels.shiftRuns(runs.at, runs.count, top);
    const bottom = top + height;
    kernels.measureRegions(table, runs.at, runs.count, k, bottom, volume);
    kernels.deriveShapes(derived, table, perimeter, convex, k, volume);

    const column = (from: number, i: number) =>
      arena.viewF64(from + i * k * 8, k).slice();
    const rows = (columns: number[]) => interleave(arena, table, k, columns);
    return {
      count: k,
      label: Uint32Array.from(column(table, 0)),
      area: Uint32Array.from(column(table, 1)),
      centroid: rows(volume ? [2, 3, 4] : [3, 4]),
      box: Uint32Array.from(rows(volume ? [5, 6, 7, 8, 9, 10] : [6, 7, 9, 10])),
      diameter: column(derived, 2),
      extent: column(derived, 1),
      majorAxis: column(table, 11),
      minorAxis: column(table, 12),
      ...(volume ? {} : {
        shape: {
          orientation: column(table, 13),
          eccentricity: column(derived, 0),
          perimeter: column(perimeter, 0),
          circularity: column(derived, 3),
          convexArea: column(convex, 0),
          solidity: column(derived, 4),
        },
      }),
      ...(intensity ? { intensity } : {}),
    };
  });
}

/** List the runs of labels, in the arena's scope. */
export function sortRuns(
  arena: Arena,
  labels: number,
  size: Size,
): LabelRuns {
  const { kernels } = arena;
  const { width } = size;
  const rows = size.height * (isVolume(size) ? size.depth : 1);
  const count = kernels.countRuns(labels, rows, width);
  const runs = arena.reserve(count * 16);
  const spare = arena.reserve(count * 16);
  const at = kernels.sortRuns(runs, spare, labels, rows, width, count) >>> 0;
  if (at === 0) checkResult(-2);
  return { at, count, labels: kernels.countGroups(at, count) };
}

function measureIntensities(
  arena: Arena,
  runs: LabelRuns,
  image: ImageArray,
  { pixels, width, channels }: {
    pixels: number;
    width: number;
    channels: number;
  },
): Intensity[] {
  // 32-bit integers need f64
  const isWide = image instanceof Float64Array ||
    image instanceof Uint32Array || image instanceof Int32Array;
  const k = runs.labels;
  const out = arena.reserve(4 * k * 8);
  const at = arena.reserve(pixels * (isWide ? 8 : 4));
  return Array.from({ length: channels }, (_, c) => {
    const plane = image.subarray(c * pixels, (c + 1) * pixels);
    if (isWide) arena.viewF64(at, pixels).set(plane);
    else arena.viewF32(at, pixels).set(plane);
    arena.kernels.measureIntensity(
      out,
      runs.at,
      runs.count,
      k,
      at,
      width,
      isWide ? 1 : 0,
    );
    const [mean, min, max, sum] = [0, 1, 2, 3]
      .map((i) => arena.viewF64(out + i * k * 8, k).slice());
    return { mean, min, max, sum };
  });
}

function checkChannels(
  image: ImageArray,
  pixels: number,
  channels: number,
): void {
  if (!Number.isInteger(channels) || channels < 1) {
    throw new ArgumentError(
      "channels",
      `must be a positive integer, is ${channels}`,
    );
  }
  checkLength("image", image, pixels * channels);
}

/** Columns of a table side by side. */
function interleave(
  arena: Arena,
  table: number,
  k: number,
  columns: number[],
): Float64Array {
  const out = new Float64Array(k * columns.length);
  columns.forEach((column, i) => {
    const values = arena.viewF64(table + column * k * 8, k);
    for (let r = 0; r < k; r++) out[r * columns.length + i] = values[r];
  });
  return out;
}
