/**
 * Where the image lies in the window, and which tiles are seen.
 *
 * @module
 */
import type { Size2D } from "../../../shared/ndarray.ts";

/** Edge of a tile, pixels of its level. */
export const TILE = 256;

/** What is looked at: the image's point in the middle, and the zoom. */
export interface View {
  /** Image pixels. */
  readonly x: number;
  readonly y: number;
  /** Window pixels an image pixel. */
  readonly zoom: number;
}

/** A tile of a level; level l has a pixel for 2^l × 2^l of the image's. */
export interface TileAt {
  readonly level: number;
  readonly column: number;
  readonly row: number;
}

/** Zooms that make sense, window pixels an image pixel. */
const [LEAST_ZOOM, MOST_ZOOM] = [1 / 256, 64];

/** Show the whole image, with a margin. */
export function fitView(image: Size2D, window: Size2D): View {
  const zoom = Math.min(
    window.width / image.width,
    window.height / image.height,
  ) * 0.98;
  return {
    x: image.width / 2,
    y: image.height / 2,
    zoom: clampZoom(zoom),
  };
}

/** Zoom by a factor; the image's point under (x, y) of the window stays. */
export function zoomAt(
  view: View,
  { x, y, factor }: { x: number; y: number; factor: number },
  window: Size2D,
): View {
  const zoom = clampZoom(view.zoom * factor);
  const at = toImage(view, { x, y }, window);
  return {
    x: at.x - (x - window.width / 2) / zoom,
    y: at.y - (y - window.height / 2) / zoom,
    zoom,
  };
}

/** Move by pixels of the window; the image never leaves it altogether. */
export function panBy(
  view: View,
  { dx, dy }: { dx: number; dy: number },
  image: Size2D,
): View {
  return {
    ...view,
    x: clamp(view.x - dx / view.zoom, 0, image.width),
    y: clamp(view.y - dy / view.zoom, 0, image.height),
  };
}

/** A point of the window as one of the image; pixel (0, 0) is at 0…1. */
export function toImage(
  view: View,
  { x, y }: { x: number; y: number },
  window: Size2D,
): { x: number; y: number } {
  return {
    x: view.x + (x - window.width / 2) / view.zoom,
    y: view.y + (y - window.height / 2) / view.zoom,
  };
}

/** A point of the image as one of the window. */
export function toWindow(
  view: View,
  { x, y }: { x: number; y: number },
  window: Size2D,
): { x: number; y: number } {
  return {
    x: (x - view.x) * view.zoom + window.width / 2,
    y: (y - view.y) * view.zoom + window.height / 2,
  };
}

/** The coarsest level with at least a pixel for each of the window's. */
export function levelFor(zoom: number, image: Size2D): number {
  const deepest = Math.max(
    0,
    Math.ceil(Math.log2(Math.max(image.width, image.height) / TILE)),
  );
  return clamp(Math.floor(Math.log2(1 / zoom)), 0, deepest);
}

/** Size of a level, pixels. */
export function levelSize({ height, width }: Size2D, level: number): Size2D {
  return {
    height: Math.max(1, Math.ceil(height / 2 ** level)),
    width: Math.max(1, Math.ceil(width / 2 ** level)),
  };
}

/** Tiles of a level that are in the window, the middle ones first. */
export function visibleTiles(
  view: View,
  image: Size2D,
  { window, level }: { window: Size2D; level: number },
): TileAt[] {
  const edge = TILE * 2 ** level;
  const from = toImage(view, { x: 0, y: 0 }, window);
  const to = toImage(view, { x: window.width, y: window.height }, window);
  const columns = Math.ceil(image.width / edge);
  const rows = Math.ceil(image.height / edge);
  const tiles: TileAt[] = [];
  const firstRow = Math.max(0, Math.floor(from.y / edge));
  const lastRow = Math.min(rows - 1, Math.floor(to.y / edge));
  const firstColumn = Math.max(0, Math.floor(from.x / edge));
  const lastColumn = Math.min(columns - 1, Math.floor(to.x / edge));
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      tiles.push({ level, column, row });
    }
  }
  const far = ({ column, row }: TileAt) =>
    Math.hypot((column + 0.5) * edge - view.x, (row + 0.5) * edge - view.y);
  return tiles.sort((a, b) => far(a) - far(b));
}

/** Keep a number within limits. */
export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function clampZoom(zoom: number): number {
  return clamp(zoom, LEAST_ZOOM, MOST_ZOOM);
}
