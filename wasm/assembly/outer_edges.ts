import { BOX_BYTES, findGaps, GAP } from "./fill_holes";
import { allocate, mark, release } from "./heap";

// states of a box's pixels
const INSIDE: u8 = 0; // not the label, not reached from outside: a hole
const LABEL: u8 = 1;
const OUTSIDE: u8 = 2;

/**
 * Mark the outer edge of every label: its pixels that touch, by a side, the
 * border of the image or the region around the label. Edges of holes are not
 * marked, nor parts of a label that lie in its own holes.
 *
 * out     h×w u8   1 on an edge, else 0
 * labels  h×w u32  1 … count, 0 = background
 * count   i32      highest label
 *
 * Nearly all labels have no hole, and of these every pixel beside something
 * else is on the outer edge; only boxes of labels with a hole are flooded.
 * Scratch: 32 bytes a label and 5 bytes a pixel of the largest such box.
 *
 * returns 0, or −2 where memory is short
 *
 * Source: `cv2.findContours` (external, all points), by which cellpose 4.2.1.1
 * `utils.masks_to_outlines` draws.
 * Differs: nothing.
 */
export function outerEdges(out: usize, labels: usize, h: i32, w: i32, count: i32): i32 {
  const start = mark();
  const boxes = allocate((usize(count) + 1) * BOX_BYTES);
  if (!boxes) return -2;
  const gaps = findGaps(boxes, labels, 1, h, w, count);

  const row = usize(w) << 2;
  for (let y = 0; y < h; y++) {
    const isBorderRow = y == 0 || y == h - 1;
    const to = out + usize(y) * usize(w);
    for (let x = 0; x < w; x++) {
      const at = labels + usize(y) * row + (usize(x) << 2);
      const label = load<u32>(at);
      const isEdge = label != 0 && (
        isBorderRow || x == 0 || x == w - 1 ||
        load<u32>(at - 4) != label || load<u32>(at + 4) != label ||
        load<u32>(at - row) != label || load<u32>(at + row) != label
      );
      store<u8>(to + usize(x), u8(isEdge));
    }
  }

  let result = 0;
  for (let label = 1, left = gaps; left > 0; label++) {
    const box = boxes + usize(label) * BOX_BYTES;
    if (!load<u32>(box, GAP)) continue;
    left--;
    if (!keepOuter(out, labels, w, box, label)) result = -2;
  }
  release(start);
  return result;
}

/** Mark one label anew, flooding its box from outside; false without memory. */
function keepOuter(out: usize, labels: usize, w: i32, box: usize, label: u32): bool {
  const y0 = load<u32>(box, 4);
  const x0 = load<u32>(box, 8);
  const height = usize(load<u32>(box, 16) - y0 + 1);
  const width = usize(load<u32>(box, 20) - x0 + 1);
  // around the box a ring to flood, around that a ring to stop at
  const stride = width + 4;
  const size = stride * (height + 4);
  const start = mark();
  const states = allocate(size);
  const stack = allocate(size << 2);
  if (!states || !stack) {
    release(start);
    return false;
  }
  memory.fill(states, LABEL, size);
  for (let y: usize = 1; y < height + 3; y++) memory.fill(states + y * stride + 1, INSIDE, width + 2);
  const first = labels + ((usize(y0) * usize(w) + usize(x0)) << 2);
  for (let y: usize = 0; y < height; y++) {
    for (let x: usize = 0; x < width; x++) {
      const at = first + ((y * usize(w) + x) << 2);
      store<u8>(states + (y + 2) * stride + x + 2, u8(load<u32>(at) == label));
    }
  }

  let top = reach(states, stride + 1, stack, 0);
  while (top > 0) {
    const at = usize(load<u32>(stack + (usize(--top) << 2)));
    top = reach(states, at - 1, stack, top);
    top = reach(states, at + 1, stack, top);
    top = reach(states, at - stride, stack, top);
    top = reach(states, at + stride, stack, top);
  }

  for (let y: usize = 0; y < height; y++) {
    for (let x: usize = 0; x < width; x++) {
      const at = states + (y + 2) * stride + x + 2;
      if (load<u8>(at) != LABEL) continue;
      const isEdge = load<u8>(at - 1) == OUTSIDE || load<u8>(at + 1) == OUTSIDE ||
        load<u8>(at - stride) == OUTSIDE || load<u8>(at + stride) == OUTSIDE;
      store<u8>(out + (usize(y0) + y) * usize(w) + usize(x0) + x, u8(isEdge));
    }
  }
  release(start);
  return true;
}

/** Put a pixel on the stack unless it was reached or is the label. */
function reach(states: usize, at: usize, stack: usize, top: i32): i32 {
  if (load<u8>(states + at) != INSIDE) return top;
  store<u8>(states + at, OUTSIDE);
  store<u32>(stack + (usize(top) << 2), u32(at));
  return top + 1;
}
