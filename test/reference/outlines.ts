/**
 * Outlines, slow and obvious: flood the outside of each label, mark what
 * touches it.
 *
 * @module
 */
import type { Size2D } from "../../shared/ndarray.ts";

const SIDES = [[-1, 0], [1, 0], [0, -1], [0, 1]];

/**
 * Mark the pixels of each label that have a side in common with its outside:
 * all that is reached from beyond the image through sides, without the label.
 */
export function drawOutlines(
  masks: Uint32Array,
  { height, width }: Size2D,
): Uint8Array {
  const out = new Uint8Array(masks.length);
  const labelAt = (y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : masks[y * width + x];
  for (const label of new Set(masks)) {
    if (label === 0) continue;
    const seen = new Set(["-1,-1"]);
    const open = [[-1, -1]];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const [dy, dx] of SIDES) {
        const [y, x] = [at[0] + dy, at[1] + dx];
        if (y < -1 || x < -1 || y > height || x > width) continue;
        if (labelAt(y, x) === label) out[y * width + x] = 1;
        else if (!seen.has(`${y},${x}`)) {
          seen.add(`${y},${x}`);
          open.push([y, x]);
        }
      }
    }
  }
  return out;
}
