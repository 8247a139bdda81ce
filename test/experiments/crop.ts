/**
 * The part of a scene in which cells lie.
 *
 * @module
 */
import type { Size2D } from "../../shared/ndarray.ts";

/** Background shown around the cells, pixels. */
const MARGIN = 8;

/** A part of an image. */
export interface Box extends Size2D {
  readonly top: number;
  readonly left: number;
}

/** The box around all cells and a margin, as far as the image has it. */
export function findCropBox(labels: Uint32Array, size: Size2D): Box {
  let [top, left, bottom, right] = [size.height, size.width, 0, 0];
  labels.forEach((label, i) => {
    if (label === 0) return;
    const [y, x] = [Math.floor(i / size.width), i % size.width];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  });
  top = Math.max(0, top - MARGIN);
  left = Math.max(0, left - MARGIN);
  const height = Math.min(size.height, bottom + MARGIN + 1) - top;
  const width = Math.min(size.width, right + MARGIN + 1) - left;
  return { top, left, height, width };
}

/** Cut a box out of one or more planes. */
export function cropPlanes<T extends Uint8Array | Uint32Array | Float32Array>(
  planes: T,
  size: Size2D,
  box: Box,
): T {
  const pixels = size.height * size.width;
  const count = planes.length / pixels;
  const out = planes.slice(0, count * box.height * box.width) as T;
  for (let plane = 0; plane < count; plane++) {
    for (let y = 0; y < box.height; y++) {
      const from = plane * pixels + (box.top + y) * size.width + box.left;
      const to = (plane * box.height + y) * box.width;
      out.set(planes.subarray(from, from + box.width), to);
    }
  }
  return out;
}
