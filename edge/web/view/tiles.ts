/**
 * Tiles that were drawn: kept as long as there is room, coarser ones in their
 * place until they are there.
 *
 * @module
 */
import type { IsChanged } from "./changed.ts";
import type { TileAt } from "./geometry.ts";

/** Tiles kept, of 256 KiB each. */
const MOST = 600;
/** Tiles drawn at a time by a worker. */
const AT_ONCE = 4;

/** A part of a tile's picture. */
export interface Piece {
  readonly picture: CanvasImageSource;
  /** Of the picture, pixels. */
  readonly source: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

/** Tiles of one layer. */
export interface TileCache {
  /** The tile, or the part of a coarser one that covers it. */
  find(at: TileAt): Piece | undefined;
  /** Have these drawn, in this order; those asked for before are dropped. */
  want(tiles: readonly TileAt[]): void;
  /** Draw again what has changed, or all; the old ones stay until then. */
  refresh(isChanged?: IsChanged): void;
  clear(): void;
}

/** How a tile is drawn. */
export type DrawTile = (
  at: TileAt,
) => Promise<ImageBitmap> | ImageBitmap | undefined;

interface Entry {
  readonly at: TileAt;
  readonly picture: ImageBitmap;
  /** That it is of; drawn again where it is not the last. */
  version: number;
}

/** Make a cache of tiles. */
export function createTiles(draw: DrawTile, onDrawn: () => void): TileCache {
  // a Map keeps the order of insertion: the first is the oldest
  const entries = new Map<string, Entry>();
  const running = new Set<string>();
  let wanted: readonly TileAt[] = [];
  let version = 0;
  const keyOf = ({ level, column, row }: TileAt) => `${level}/${column}/${row}`;

  const pump = () => {
    for (const at of wanted) {
      if (running.size >= AT_ONCE) return;
      const key = keyOf(at);
      if (running.has(key) || entries.get(key)?.version === version) continue;
      running.add(key);
      const started = version;
      Promise.resolve(draw(at)).then((picture) => {
        if (picture === undefined) return;
        entries.get(key)?.picture.close();
        entries.delete(key);
        entries.set(key, { at, picture, version: started });
        while (entries.size > MOST) {
          const [oldest, { picture }] = entries.entries().next().value as [
            string,
            Entry,
          ];
          picture.close();
          entries.delete(oldest);
        }
        onDrawn();
      }).catch(() => {
        // what was drawn from is gone: another image is shown
      }).finally(() => {
        running.delete(key);
        pump();
      });
    }
  };

  return {
    find(at) {
      for (let up = 0; up <= 12; up++) {
        const parent = {
          level: at.level + up,
          column: at.column >> up,
          row: at.row >> up,
        };
        const entry = entries.get(keyOf(parent));
        if (entry === undefined) continue;
        const edge = 256 >> up;
        const x = (at.column & ((1 << up) - 1)) * edge;
        const y = (at.row & ((1 << up) - 1)) * edge;
        const width = Math.min(edge, entry.picture.width - x);
        const height = Math.min(edge, entry.picture.height - y);
        if (width <= 0 || height <= 0 || edge < 1) continue;
        return { picture: entry.picture, source: { x, y, width, height } };
      }
      return undefined;
    },
    want(tiles) {
      wanted = tiles;
      pump();
    },
    refresh(isChanged) {
      const last = version++;
      if (isChanged) {
        for (const entry of entries.values()) {
          const isCurrent = entry.version === last && !isChanged(entry.at);
          if (isCurrent) entry.version = version;
        }
      }
      pump();
    },
    clear() {
      version++;
      for (const { picture } of entries.values()) picture.close();
      entries.clear();
      wanted = [];
    },
  };
}
