/**
 * Labels that are hard to keep: holes, islands in holes, parts, gaps in the
 * numbers, single pixels, diagonal neighbors, cells on the border.
 *
 * @module
 */
import type { Size2D } from "../../shared/ndarray.ts";

/** Labels of at least 20×30 pixels. */
export function makeHardLabels(size: Size2D) {
  const { height, width } = size;
  const masks = new Uint32Array(height * width);
  const paint = (label: number, y: number, x: number, h: number, w: number) => {
    for (let v = y; v < Math.min(height, y + h); v++) {
      for (let u = x; u < Math.min(width, x + w); u++) {
        masks[v * width + u] = label;
      }
    }
  };
  paint(3, 0, 0, 9, 9); // on the border, with a hole and an island
  paint(0, 2, 2, 5, 5);
  paint(7, 4, 4, 1, 1);
  paint(12, 0, 12, 4, 4); // two parts, and a diagonal one
  paint(12, 6, 12, 3, 5);
  paint(12, 4, 16, 2, 2);
  paint(13, 6, 17, 3, 3); // touches 12
  for (let i = 0; i < 6; i++) paint(40, 11 + i, 20 + i, 1, 2); // a staircase
  for (let i = 0; i < 8; i++) paint(65535, 12 + i, 2 + 2 * (i % 4), 1, 1);
  paint(500, height - 2, width - 3, 2, 3);
  return { masks, size };
}
