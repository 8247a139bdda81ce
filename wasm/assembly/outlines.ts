/**
 * The outline image of labels: pixels on the outer border of each component.
 */
import {
  createStates,
  followBorder,
  isInside,
  LABEL,
  padLabels,
  RIGHT,
  setState,
  VISITED,
  WEST,
} from "./border";
import { allocate, mark, release } from "./heap";
import { relabel } from "./relabel";

/**
 * Draw outlines.
 *
 * out     h×w u8   1 on an outline, else 0
 * labels  h×w u32  any ids
 *
 * A component that lies in a hole of its own label has no outline.
 *
 * returns          number of labels, or −2 without scratch memory
 *
 * Scratch: 4 bytes a pixel and 4 a label.
 *
 * Source: Cellpose 4.2.1.1 utils.masks_to_outlines, over OpenCV 5.0
 *   findContours (RETR_EXTERNAL, CHAIN_APPROX_NONE).
 * Differs: nothing.
 */
export function outlines(out: usize, labels: usize, h: i32, w: i32): i32 {
  const start = mark();
  const count = drawOutlines(out, labels, h, w);
  release(start);
  return count;
}

function drawOutlines(out: usize, labels: usize, h: i32, w: i32): i32 {
  const row = usize(w + 2) << 2;
  const padded = allocate(usize(h + 2) * row);
  if (padded == 0) return -2;
  padLabels(padded, labels, h, w);
  const count = relabel(padded, (h + 2) * (w + 2));
  if (count < 0) return count;
  const states = createStates(count);
  if (states == 0) return -2;

  for (let y = 1; y <= h; y++) {
    let at = padded + usize(y) * row + 4;
    const end = at + (usize(w) << 2);
    for (; at < end; at += 4) {
      let pixel = load<u32>(at);
      if (pixel == 0) continue;
      const label = pixel & LABEL;
      if (
        !(pixel & VISITED) && (load<u32>(at - 4) & LABEL) != label &&
        !isInside(states, label, y)
      ) {
        followBorder(at, row, WEST, 0, 0, 0);
        pixel = load<u32>(at);
      }
      if (pixel & VISITED) setState(states, label, y, !(pixel & RIGHT));
    }
  }

  for (let y = 1; y <= h; y++) {
    const at = padded + usize(y) * row + 4;
    for (let x = 0; x < w; x++) {
      store<u8>(out++, u8(load<u32>(at + (usize(x) << 2)) >> 31));
    }
  }
  return count;
}
