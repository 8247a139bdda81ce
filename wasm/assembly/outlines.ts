/**
 * Mark the external outlines of labels, inside the labels.
 *
 * out     H×W u8    1 on an outline
 * masks   H×W u32
 * returns 0, or −2
 *
 * Source: Cellpose 4.2.1.1, `utils.py` masks_to_outlines.
 */
import { BOX_BYTES, findBoxes } from "./boxes";
import { allocate, mark, release } from "./heap";
import { rankLabels } from "./relabel";

export function outlines(out: usize, masks: usize, h: i32, w: i32): i32 {
  const n = h * w;
  memory.fill(out, 0, usize(n));
  const start = mark();
  const labels = allocate(usize(n) << 2);
  if (!labels) return -2;
  memory.copy(labels, masks, usize(n) << 2);
  const count = rankLabels(labels, n);
  if (count < 0) return count;
  const boxes = allocate(usize(count) * BOX_BYTES);
  if (!boxes) return -2;
  findBoxes(boxes, labels, 1, h, w, count);
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    const y0 = load<i32>(box, 8) - 1, x0 = load<i32>(box, 16) - 1;
    const bh = load<i32>(box, 12) + 1 - y0, bw = load<i32>(box, 20) + 1 - x0;
    const m = mark();
    const outside = allocate(usize(bh) * usize(bw));
    const stack = allocate((usize(bh) * usize(bw) << 2) + 4);
    if (!outside || !stack) return -2;
    memory.fill(outside, 0, usize(bh) * usize(bw));
    let depth: usize = 1;
    store<i32>(stack, 0);
    store<u8>(outside, 1);
    while (depth > 0) {
      const at = load<i32>(stack + (--depth << 2));
      const y = at / bw, x = at % bw;
      for (let side = 0; side < 4; side++) {
        const v = y + (side == 0 ? -1 : side == 1 ? 1 : 0);
        const u = x + (side == 2 ? -1 : side == 3 ? 1 : 0);
        if (v < 0 || u < 0 || v >= bh || u >= bw) continue;
        const iy = v + y0, ix = u + x0;
        const isIn = iy >= 0 && ix >= 0 && iy < h && ix < w;
        const p = isIn ? iy * w + ix : 0;
        if (isIn && load<u32>(labels + (usize(p) << 2)) == u32(k + 1)) {
          store<u8>(out + usize(p), 1);
        } else if (!load<u8>(outside + usize(v * bw + u))) {
          store<u8>(outside + usize(v * bw + u), 1);
          store<i32>(stack + (depth++ << 2), v * bw + u);
        }
      }
    }
    release(m);
  }
  release(start);
  return 0;
}
