/**
 * Heat of labels: of one label in its own box, or of all in one padded image.
 *
 * A label's heat never depends on its neighbors; what differs between the two
 * modes is the number of steps, and whether a gradient may look across the
 * border of a label (`unit_flows.ts`).
 */
import { BOX_BYTES } from "./boxes";
import { findCenter } from "./centers";
import { diffuse, diffuseScratchBytes, heatStride } from "./diffuse";
import { diffuse3d, diffuse3dScratchBytes } from "./diffuse3d";
import { fit } from "./heap";

/**
 * Diffusion steps that a box asks for.
 *
 * box      8 i32  of `findBoxes`
 * d        i32    depth of the image, 1 in 2-D
 * returns         2·(h + w + 2) in 2-D, 6·(d + h + w + 3) in 3-D; 0 for a missing label
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` masks_to_flows_gpu and
 * masks_to_flows_gpu_3d, which take the largest over all boxes.
 */
export function diffusionSteps(box: usize, d: i32): i32 {
  const h = load<i32>(box, 12) - load<i32>(box, 8);
  const w = load<i32>(box, 20) - load<i32>(box, 16);
  if (h <= 0) return 0;
  if (d == 1) return 2 * (h + w + 2);
  return 6 * (load<i32>(box, 4) - load<i32>(box, 0) + h + w + 3);
}

/**
 * Largest `diffusionSteps` of all boxes: Cellpose's count for the whole image.
 *
 * boxes   count×8 i32   of `findBoxes`
 * d       i32           d = 1 for an image
 * returns i32           0 where no label occurs
 */
export function maxDiffusionSteps(boxes: usize, count: i32, d: i32): i32 {
  let most = 0;
  for (let k = 0; k < count; k++) {
    most = max<i32>(most, diffusionSteps(boxes + usize(k) * BOX_BYTES, d));
  }
  return most;
}

/** Bytes of scratch that the largest box needs for `cellHeat`. */
export function heatScratchBytes(boxes: usize, count: i32, d: i32): usize {
  let most: u64 = 0;
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    const h = load<i32>(box, 12) - load<i32>(box, 8);
    const w = load<i32>(box, 20) - load<i32>(box, 16);
    const bytes = d == 1
      ? diffuseScratchBytes(h, w)
      : diffuse3dScratchBytes(load<i32>(box, 4) - load<i32>(box, 0), h, w);
    if (bytes > most) most = bytes;
  }
  return fit(most);
}

/**
 * Heat of one label in its own box.
 *
 * scratch  bytes      `heatScratchBytes`
 * labels   D×H×W u32
 * box      8 i32      the label's box, not empty
 * label    u32
 * d h w    i32        size of the image, d = 1 in 2-D
 * steps    i32        iterations
 * returns             address of the heat of the box's first pixel (f64, shell
 *                     of zeros; strides as in `diffuse` and `diffuse3d`)
 */
export function cellHeat(
  scratch: usize, labels: usize, box: usize, label: u32, d: i32, h: i32, w: i32, steps: i32,
): usize {
  const center = findCenter(labels, box, label, d, h, w);
  const z0 = load<i32>(box, 0);
  const y0 = load<i32>(box, 8), y1 = load<i32>(box, 12);
  const x0 = load<i32>(box, 16), x1 = load<i32>(box, 20);
  const cx = i32(center % usize(w)) - x0;
  const row = center / usize(w);
  const cy = i32(row % usize(h)) - y0;
  const from = labels + (((usize(z0) * usize(h) + usize(y0)) * usize(w) + usize(x0)) << 2);
  if (d == 1) return diffuse(scratch, from, w, y1 - y0, x1 - x0, label, cy, cx, steps);
  const cz = i32(row / usize(h)) - z0;
  return diffuse3d(
    scratch, from, h, w, load<i32>(box, 4) - z0, y1 - y0, x1 - x0, label, cz, cy, cx, steps,
  );
}

/** Bytes of `imageHeat`. */
export function imageHeatBytes(d: i32, h: i32, w: i32): usize {
  return fit((d == 1 ? u64(1) : u64(d + 2)) * u64(h + 2) * u64(w + 2) * 8);
}

/**
 * Heat of given labels in one image with a shell of zeros.
 *
 * out      f64        `imageHeatBytes`; (D+2)×(H+2)×(W+2), in 2-D (H+2)×(W+2)
 * scratch  bytes      `heatScratchBytes`
 * labels   D×H×W u32
 * boxes    count×8 i32  of the labels, empty ones are skipped
 * ids      count u32  the labels; 0 = no such array: 1..count
 * d h w    i32        d = 1 for an image
 * count    i32
 * steps    i32        iterations, the same for each label
 *
 * Source: Cellpose 4.2.1.1, where all labels are diffused together.
 */
export function imageHeat(
  out: usize, scratch: usize, labels: usize, boxes: usize, ids: usize, d: i32, h: i32, w: i32, count: i32, steps: i32,
): void {
  memory.fill(out, 0, imageHeatBytes(d, h, w));
  const outRow = usize(w + 2) << 3;
  const outPlane = usize(h + 2) * outRow;
  const outFirst = out + (d == 1 ? 0 : outPlane) + outRow + 8;
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    const z0 = load<i32>(box, 0), z1 = load<i32>(box, 4);
    const y0 = load<i32>(box, 8), y1 = load<i32>(box, 12);
    const x0 = load<i32>(box, 16), x1 = load<i32>(box, 20);
    if (y1 == 0) continue;
    const label = ids ? load<u32>(ids + (usize(k) << 2)) : u32(k + 1);
    const heat = cellHeat(scratch, labels, box, label, d, h, w, steps);
    const heatRow = usize(heatStride(x1 - x0)) << 3;
    const heatPlane = usize(y1 - y0 + 2) * heatRow;
    for (let z = z0; z < z1; z++) {
      for (let y = y0; y < y1; y++) {
        const from = heat + usize(z - z0) * heatPlane + usize(y - y0) * heatRow;
        const to = outFirst + usize(z) * outPlane + usize(y) * outRow;
        const mask = labels + ((usize(z) * usize(h) + usize(y)) * usize(w) << 2);
        for (let x = x0; x < x1; x++) {
          if (load<u32>(mask + (usize(x) << 2)) == label) {
            store<f64>(to + (usize(x) << 3), load<f64>(from + (usize(x - x0) << 3)));
          }
        }
      }
    }
  }
}
