/**
 * Where an image's tiles lie. Pure arithmetic on sizes; the same numbers in
 * every runtime, since only + − × / of f64 are used.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { countPixels, type Size2D } from "../shared/ndarray.ts";

/** Settings of `planTiles`. */
export interface TileOptions {
  /** Edge of a tile, pixels ≥ 16; 256, the Cellpose-SAM network's */
  readonly tileSize?: number;
  /** Share of a tile that overlaps, clamped to 0.05–0.5; 0.1 */
  readonly tileOverlap?: number;
  /** Overlap by half and flip every other tile (test-time flips); false */
  readonly augment?: boolean;
  /** Surround the image with zeros as Cellpose does; true */
  readonly pad?: boolean;
  /**
   * Pad to at least a tile, as Cellpose 4 does; true. Cellpose 3's networks
   * take smaller images as smaller tiles
   */
  readonly padToTile?: boolean;
}

/** One tile: its corner in the image (negative within the padding). */
export interface Tile {
  readonly top: number;
  readonly left: number;
  /** Upside down, left to right */
  readonly flipY: boolean;
  readonly flipX: boolean;
}

/** The tiles of an image in raster order, on a grid of rows and columns. */
export interface TilePlan {
  readonly size: Size2D;
  readonly tileHeight: number;
  readonly tileWidth: number;
  /** Size with padding; `padTop`, `padLeft` pixels lie before the image */
  readonly paddedHeight: number;
  readonly paddedWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
  /** First rows and columns of the tiles in the padded image */
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly tiles: readonly Tile[];
}

/** Padded edges are multiples of this: the stride of Cellpose's networks. */
const PAD_MULTIPLE = 16;

/**
 * Plan the tiles of an image.
 *
 * Padding: at least 8 pixels each side, to a multiple of 16 where the edge is
 * at least a tile, else to at least a tile (`padToTile`). Without padding
 * tiles are no larger than the image. With `augment` what is still smaller
 * than a tile is extended by zeros at its end.
 *
 * @param size     the image's height and width
 * @param options  tile size, overlap, flips, padding
 * @throws {ArgumentError} naming the option
 *
 * Source: cellpose 4.2.1 `get_pad_yx`, `make_tiles`.
 * Differs: overlaps beyond 0.05–0.5 are clamped for the count of tiles too,
 * where Cellpose fails.
 */
export function planTiles(size: Size2D, options: TileOptions = {}): TilePlan {
  const { tileSize = 256, tileOverlap = 0.1, augment = false, pad = true } =
    options;
  const { padToTile = true } = options;
  const { height, width } = size;
  countPixels({ height, width });
  if (!Number.isInteger(tileSize) || tileSize < PAD_MULTIPLE) {
    throw new ArgumentError(
      "tileSize",
      `must be an integer of at least ${PAD_MULTIPLE}, is ${tileSize}`,
    );
  }
  if (!Number.isFinite(tileOverlap)) {
    throw new ArgumentError("tileOverlap", `must be finite, is ${tileOverlap}`);
  }
  const vertical = padEdge(height, { tileSize, augment, pad, padToTile });
  const horizontal = padEdge(width, { tileSize, augment, pad, padToTile });
  const overlaps = { tileOverlap, augment };
  const rows = tileStarts(vertical.length, tileSize, overlaps);
  const columns = tileStarts(horizontal.length, tileSize, overlaps);
  const tiles: Tile[] = [];
  for (const [row, y] of rows.entries()) {
    for (const [column, x] of columns.entries()) {
      tiles.push({
        top: y - vertical.before,
        left: x - horizontal.before,
        flipY: augment && column % 2 === 1,
        flipX: augment && row % 2 === 1,
      });
    }
  }
  return {
    size: { height, width },
    tileHeight: Math.min(tileSize, vertical.length),
    tileWidth: Math.min(tileSize, horizontal.length),
    paddedHeight: vertical.length,
    paddedWidth: horizontal.length,
    padTop: vertical.before,
    padLeft: horizontal.before,
    rows,
    columns,
    tiles,
  };
}

/**
 * First pixels of the tiles along an axis, evenly spread and truncated.
 *
 * @param length    pixels of the axis
 * @param tileSize  pixels of a tile; one tile where the axis is not longer
 * @param options   the overlap (clamped to 0.05–0.5), or half for `augment`
 *
 * Source: cellpose 4.2.1 `make_tiles`; numpy `linspace`. Differs: nothing.
 */
export function tileStarts(
  length: number,
  tileSize: number,
  { tileOverlap, augment = false }: {
    readonly tileOverlap: number;
    readonly augment?: boolean;
  },
): Int32Array {
  const overlap = Math.min(0.5, Math.max(0.05, tileOverlap));
  const count = augment
    ? Math.max(2, Math.ceil(2 * length / tileSize))
    : length <= tileSize
    ? 1
    : Math.ceil((1 + 2 * overlap) * length / tileSize);
  const last = length - Math.min(tileSize, length);
  const step = count > 1 ? last / (count - 1) : 0;
  const starts = Int32Array.from({ length: count }, (_, i) => i * step);
  if (count > 1) starts[count - 1] = last;
  return starts;
}

function padEdge(
  length: number,
  { tileSize, augment, pad, padToTile }: Required<
    Omit<TileOptions, "tileOverlap">
  >,
): { before: number; length: number } {
  if (!pad) {
    return { before: 0, length: augment ? Math.max(length, tileSize) : length };
  }
  const extra = length >= tileSize || !padToTile
    ? Math.ceil(length / PAD_MULTIPLE) * PAD_MULTIPLE - length
    : Math.max(0, tileSize - length - PAD_MULTIPLE);
  const before = PAD_MULTIPLE / 2 + Math.floor(extra / 2);
  const padded = length + PAD_MULTIPLE + extra;
  return { before, length: augment ? Math.max(padded, tileSize) : padded };
}
