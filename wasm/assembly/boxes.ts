/**
 * Bounding boxes of labels 1..count, in one pass over the runs of a row.
 */

/** Bytes of one box: z0, z1, y0, y1, x0, x1, area, unused; all i32, ends exclusive. */
export const BOX_BYTES: usize = 32;

/**
 * Find the box and area of each label.
 *
 * boxes   count×8 i32   out: z0, z1, y0, y1, x0, x1 (ends exclusive), area, 0
 * labels  D×H×W u32     0 = background, else 1..count
 * d h w   i32           d = 1 for an image
 * count   i32           highest label
 *
 * A label that does not occur gets area 0 and an empty box.
 *
 * Source: scipy.ndimage.find_objects, which Cellpose uses.
 * Differs: nothing, but that a missing label has an empty box instead of none.
 */
export function findBoxes(boxes: usize, labels: usize, d: i32, h: i32, w: i32, count: i32): void {
  startBoxes(boxes, count);
  growBoxes(boxes, labels, d, h, w, 0);
  finishBoxes(boxes, count);
}

/**
 * Start boxes that grow band by band; they are no boxes until finished.
 *
 * boxes   count×8 i32   out
 * count   i32           highest label
 *
 * Source: ours.
 */
export function startBoxes(boxes: usize, count: i32): void {
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    store<i32>(box, i32.MAX_VALUE, 0);
    store<i32>(box, 0, 4);
    store<i32>(box, i32.MAX_VALUE, 8);
    store<i32>(box, 0, 12);
    store<i32>(box, i32.MAX_VALUE, 16);
    store<i32>(box, 0, 20);
    store<i32>(box, 0, 24);
    store<i32>(box, 0, 28);
  }
}

/**
 * Grow the boxes by the labels of a band.
 *
 * boxes   count×8 i32   in/out, of `startBoxes`
 * labels  D×H×W u32     0, or 1..count
 * d h w   i32           of the band
 * top     i32           row of the image in which it starts
 *
 * Source: ours.
 */
export function growBoxes(boxes: usize, labels: usize, d: i32, h: i32, w: i32, top: i32): void {
  let row = labels;
  const end = usize(w) << 2;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++, row += end) {
      let x: usize = 0;
      while (x < end) {
        const label = load<u32>(row + x);
        const from = x;
        x += 4;
        if (!label) continue;
        while (x < end && load<u32>(row + x) == label) x += 4;
        grow(boxes + usize(label - 1) * BOX_BYTES, z, top + y, i32(from >> 2), i32(x >> 2));
      }
    }
  }
}

/**
 * Finish the boxes: labels that did not occur get an empty one.
 *
 * boxes   count×8 i32   in/out
 * count   i32           highest label
 *
 * Source: ours.
 */
export function finishBoxes(boxes: usize, count: i32): void {
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    if (load<i32>(box, 24) == 0) memory.fill(box, 0, BOX_BYTES);
  }
}

function grow(box: usize, z: i32, y: i32, x0: i32, x1: i32): void {
  if (z < load<i32>(box, 0)) store<i32>(box, z, 0);
  store<i32>(box, z + 1, 4);
  if (y < load<i32>(box, 8)) store<i32>(box, y, 8);
  if (y >= load<i32>(box, 12)) store<i32>(box, y + 1, 12);
  if (x0 < load<i32>(box, 16)) store<i32>(box, x0, 16);
  if (x1 > load<i32>(box, 20)) store<i32>(box, x1, 20);
  store<i32>(box, load<i32>(box, 24) + x1 - x0, 24);
}
