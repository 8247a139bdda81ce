/**
 * Rows of a file that unpacks whole blocks: bands overlap, and blocks that were
 * unpacked for one band are kept for the next.
 *
 * @module
 */
import type { PixelArray } from "./types.ts";

/** Values that are kept, besides the block in use. */
const KEEP_VALUES = 2 ** 23;
/** Rows below which blocks are unpacked together. */
const MIN_ROWS = 64;

/** How blocks are read. */
export interface BlockReader {
  readonly height: number;
  /** Rows of a block; 1: rows are read as they are, nothing is kept. */
  readonly blockRows: number;
  /** Values of a row, of all planes. */
  readonly rowValues: number;
  /** Planes that follow one another in what is read: channels, or 1. */
  readonly planes: number;
  readonly read: (
    image: number,
    top: number,
    count: number,
  ) => Promise<PixelArray>;
}

/** Read rows by way of whole blocks, the last of which are kept. */
export function cacheRows(
  { height, blockRows, rowValues, planes, read }: BlockReader,
): BlockReader["read"] {
  if (blockRows <= 1) return read;
  const step = blockRows * Math.max(1, Math.floor(MIN_ROWS / blockRows));
  const kept = new Map<string, PixelArray>();
  const load = async (image: number, block: number) => {
    const key = `${image} ${block}`;
    const top = block * step;
    const data = kept.get(key) ??
      await read(image, top, Math.min(step, height - top));
    // last used, last dropped
    kept.delete(key);
    kept.set(key, data);
    let values = 0;
    for (const [other, each] of [...kept].reverse()) {
      if (other !== key && values + each.length > KEEP_VALUES) {
        kept.delete(other);
      } else values += each.length;
    }
    return data;
  };
  return async (image, top, count) => {
    const rowLength = rowValues / planes;
    let out: PixelArray | undefined;
    for (let y = top; y < top + count;) {
      const block = Math.floor(y / step);
      const from = block * step;
      const rows = Math.min(step, height - from);
      const end = Math.min(top + count, from + rows);
      const data = await load(image, block);
      const type = data.constructor as { new (length: number): PixelArray };
      out ??= new type(count * rowValues);
      for (let k = 0; k < planes; k++) {
        const at = (k * rows + y - from) * rowLength;
        const part = data.subarray(at, at + (end - y) * rowLength);
        out.set(part, (k * count + y - top) * rowLength);
      }
      y = end;
    }
    return out ?? await read(image, top, count);
  };
}
