/**
 * Contours of labels as polygons.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { isVolume, type LabelArray, type Size2D } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkLabels } from "./check.ts";

/** Rings of all labels, flat; ring r has points offsets[r] … offsets[r + 1]. */
export interface Contours {
  /** M×2 i32 (y, x); a ring's last point is joined to its first. */
  readonly points: Int32Array;
  /** R+1. */
  readonly offsets: Uint32Array;
  /** R, ascending. */
  readonly labels: Uint32Array;
  /** R; rings with the same number are one outer ring, first, and its holes. */
  readonly polygons: Uint32Array;
  /** R; 1 for the ring of a hole. */
  readonly holes: Uint8Array;
}

/** How contours are traced. */
export interface ContourOptions {
  /**
   * "edges" (default): along the sides of pixels. Points are corners: (y, x)
   * is the upper left corner of pixel (y, x), so the enclosed area is the
   * number of pixels. Components are 4-connected; rings are simple.
   *
   * "centers": over the centers of border pixels, as OpenCV and Cellpose do.
   * Components are 8-connected.
   */
  readonly along?: "edges" | "centers";
  /**
   * Rings of holes too; default: true along edges, false over centers. Without
   * holes a component within a hole of its own label is left out over centers,
   * and kept along edges.
   */
  readonly holes?: boolean;
  /** Only each label's contour of most points; over centers, without holes. */
  readonly longest?: boolean;
  /**
   * Pixels; points are left out while the contour stays as near (Douglas and
   * Peucker); rings may then meet. Default −1: all points, along edges the
   * corners; 0 leaves out points on straight lines.
   */
  readonly tolerance?: number;
}

/** Trace contours; see `shapes`. */
export function traceContours(
  arena: Arena,
  masks: LabelArray,
  size: Size2D,
  options: ContourOptions,
): Contours {
  const { along = "edges", longest = false, tolerance = -1 } = options;
  const { holes = along === "edges" } = options;
  if (along !== "edges" && along !== "centers") {
    throw new ArgumentError("along", `is "edges" or "centers", not "${along}"`);
  }
  if (isVolume(size)) {
    throw new ArgumentError("size", "has a depth; trace volumes by slices");
  }
  if (longest && (holes || along === "edges")) {
    throw new ArgumentError(
      "longest",
      'needs along "centers" and holes false',
    );
  }
  if (Number.isNaN(tolerance)) {
    throw new ArgumentError("tolerance", "must be a number of pixels, is NaN");
  }
  checkLabels("masks", masks, size);
  const { height, width } = size;
  return arena.scope((kernels) => {
    const found = arena.reserve(16);
    const at = arena.putLabels(masks);
    checkResult(
      along === "edges"
        ? kernels.traceSides(found, at, height, width, holes ? 1 : 0)
        : holes
        ? kernels.traceBorders(found, at, height, width)
        : kernels.traceOuter(found, at, height, width, longest ? 1 : 0),
    );
    if (tolerance >= 0) checkResult(kernels.simplifyRings(found, tolerance));
    return gather(arena, found);
  });
}

function gather(arena: Arena, found: number): Contours {
  const [rings, count] = arena.viewU32(found, 2);
  const points = arena.reserve(count * 8);
  const offsets = arena.reserve((rings + 1) * 4);
  const labels = arena.reserve(rings * 4);
  const polygons = arena.reserve(rings * 4);
  const holes = arena.reserve(rings);
  checkResult(
    arena.kernels.gatherRings(points, offsets, labels, polygons, holes, found),
  );
  return {
    points: arena.viewI32(points, count * 2).slice(),
    offsets: arena.viewU32(offsets, rings + 1).slice(),
    labels: arena.viewU32(labels, rings).slice(),
    polygons: arena.viewU32(polygons, rings).slice(),
    holes: arena.viewU8(holes, rings).slice(),
  };
}
