/**
 * Diffuse heat from the center of one label of a volume through its voxels.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` masks_to_flows_gpu_3d: the voxel and
 * its six face neighbors, divided by 7.
 * Differs: f64 instead of f32, so that the gradient does not vanish where the
 * heat is small; multiplied by 1/7 instead of divided by 7.
 */
import { heatStride } from "./diffuse";

/** Bytes of one heat block of a box of d×h×w voxels, with a shell of zeros. */
export function heatBytes3d(d: i32, h: i32, w: i32): usize {
  return usize(d + 2) * usize(h + 2) * usize(heatStride(w)) * 8;
}

/** Scratch of `diffuse3d`: two blocks, weights, and the column pairs each row spans. */
export function diffuse3dScratchBytes(d: i32, h: i32, w: i32): u64 {
  return u64(d + 2) * u64(h + 2) * u64(heatStride(w)) * 24 + u64(d) * u64(h) * 8;
}

/**
 * Diffuse heat through one label of a volume.
 *
 * scratch  bytes        `diffuse3dScratchBytes(d, h, w)`, 16-byte aligned
 * labels   u32          first voxel of the label's box
 * rows     i32          rows from one plane of `labels` to the next
 * stride   i32          voxels from one row of `labels` to the next
 * d h w    i32          size of the box
 * label    u32
 * cz cy cx i32          center, within the box
 * steps    i32          iterations
 * returns               address of the heat of the box's first voxel: f64,
 *                       rows `heatStride(w)` and planes (h+2)·`heatStride(w)` apart
 */
export function diffuse3d(
  scratch: usize, labels: usize, rows: i32, stride: i32, d: i32, h: i32, w: i32,
  label: u32, cz: i32, cy: i32, cx: i32, steps: i32,
): usize {
  const rowBytes = usize(heatStride(w)) << 3;
  const planeBytes = usize(h + 2) * rowBytes;
  const blockBytes = heatBytes3d(d, h, w);
  let now = scratch;
  let next = scratch + blockBytes;
  const weights = next + blockBytes;
  const spans = weights + blockBytes;
  memory.fill(scratch, 0, blockBytes * 3);

  // 1/7 on the label, 0 elsewhere; the pairs of columns that each row spans
  const first = planeBytes + rowBytes + 16;
  let span = spans;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++, span += 8) {
      const from = labels + (((usize(z) * usize(rows) + usize(y)) * usize(stride)) << 2);
      const to = weights + first + usize(z) * planeBytes + usize(y) * rowBytes;
      let x0 = w, x1 = 0;
      for (let x = 0; x < w; x++) {
        if (load<u32>(from + (usize(x) << 2)) != label) continue;
        store<f64>(to + (usize(x) << 3), 1.0 / 7.0);
        if (x < x0) x0 = x;
        x1 = x + 1;
      }
      store<i32>(span, x0 & ~1, 0);
      store<i32>(span, (x1 + 1) & ~1, 4);
    }
  }

  const center = first + usize(cz) * planeBytes + usize(cy) * rowBytes + (usize(cx) << 3);
  for (let t = 0; t < steps; t++) {
    store<f64>(now + center, load<f64>(now + center) + 1.0);
    const toNext = next - now;
    const toWeight = weights - now;
    span = spans;
    for (let z = 0; z < d; z++) {
      for (let y = 0; y < h; y++, span += 8) {
        const row = now + first + usize(z) * planeBytes + usize(y) * rowBytes;
        let at = row + (usize(load<i32>(span, 0)) << 3);
        const end = row + (usize(load<i32>(span, 4)) << 3);
        while (at < end) {
          let sum = f64x2.add(f64x2.add(v128.load(at - 8), v128.load(at + 8)), v128.load(at));
          sum = f64x2.add(sum, f64x2.add(v128.load(at - rowBytes), v128.load(at + rowBytes)));
          sum = f64x2.add(sum, f64x2.add(v128.load(at - planeBytes), v128.load(at + planeBytes)));
          v128.store(at + toNext, f64x2.mul(sum, v128.load(at + toWeight)));
          at += 16;
        }
      }
    }
    const last = now;
    now = next;
    next = last;
  }
  return now + first;
}
