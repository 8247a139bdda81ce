/**
 * Rows of an image at another size.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import { type Core, rowsForResize } from "../../wasm/mod.ts";
import type { RowSource } from "./rows.ts";

/** Values that are read at a time to be scaled. */
const MAX_READ = 2 ** 22;

/**
 * Scale rows by linear interpolation, those asked for only.
 *
 * @param core    the core
 * @param source  rows at the image's size
 * @param target  the network's size
 *
 * Source: cellpose 4.2.1.1 `resize_image`. Differs: nothing.
 */
export function resizedRows(
  core: Core,
  source: RowSource,
  target: Size2D,
): RowSource {
  const { size, channels } = source;
  if (size.height === target.height && size.width === target.width) {
    return source;
  }
  const readRows = async (first: number, count: number) => {
    const { top, height } = rowsForResize(size.height, target.height, {
      first,
      count,
    });
    const band = await source.rows(top, height);
    const choice = { top, first, count };
    return core.resizeRows(band, { ...size, channels }, target, choice);
  };
  return {
    channels,
    size: target,
    async rows(first, count) {
      // rows that are made small are not read all at once
      const rowValues = channels * size.width * size.height / target.height;
      const step = Math.max(1, Math.floor(MAX_READ / rowValues));
      if (count <= step) return await readRows(first, count);
      const length = count * target.width;
      const out = new Float32Array(channels * length);
      for (let at = 0; at < count; at += step) {
        const n = Math.min(step, count - at);
        const part = await readRows(first + at, n);
        for (let c = 0; c < channels; c++) {
          out.set(
            part.subarray(c * n * target.width, (c + 1) * n * target.width),
            c * length + at * target.width,
          );
        }
      }
      return out;
    },
  };
}
