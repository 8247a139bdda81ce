/**
 * Flows as the tracking kernels read them: components side by side, in steps
 * of fixed-point position, zero on background and on a border of one pixel.
 */
import { MAX_STEP, ONE, stepScale } from "./fixed";
import { fit } from "./heap";

/**
 * Bytes of `packFlows`; 16 spare, since loads are four components wide.
 * Where 4 GiB do not hold them: 2^32 − 1, which `allocate` refuses.
 *
 * d h w   i32   size of the block; d = 1 for an image
 */
export function packedBytes(d: i32, h: i32, w: i32): usize {
  if (d == 1) return fit(u64(h + 2) * u64(w + 2) * 8 + 16);
  return fit(u64(d + 2) * u64(h + 2) * u64(w + 2) * 12 + 16);
}

/**
 * Pack flows.
 *
 * out       f32        `packedBytes`: (H+2)×(W+2)×2 (dY, dX) in 2-D,
 *                      (D+2)×(H+2)×(W+2)×3 (dZ, dY, dX) in 3-D
 * flows     2×H×W | 3×D×H×W f32   unit scale, finite
 * cellprob  D×H×W f32
 * d h w     i32        d = 1 for an image
 * convention i32       of `fixed.ts`
 * threshold f32        foreground is cellprob > threshold
 * gd gh gw  i32        size of the whole image, where this is a block of it
 *
 * Steps are cut to ±255 pixels.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` follow_flows (flows times foreground).
 * Differs: nothing below a step of 255 pixels.
 */
export function packFlows(
  out: usize, flows: usize, cellprob: usize, d: i32, h: i32, w: i32,
  gd: i32, gh: i32, gw: i32, convention: i32, threshold: f32,
): void {
  memory.fill(out, 0, packedBytes(d, h, w));
  const plane = usize(d) * usize(h) * usize(w) << 2;
  const limit = MAX_STEP * f32(ONE);
  const scaleZ = stepScale(gd, convention);
  const scaleY = stepScale(gh, convention);
  const scaleX = stepScale(gw, convention);
  const components: usize = d == 1 ? 2 : 3;
  const dz = flows;
  const dy = d == 1 ? flows : flows + plane;
  const dx = dy + plane;
  for (let z = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      let at = ((usize(z) * usize(h) + usize(y)) * usize(w)) << 2;
      const shell = d == 1 ? usize(0) : usize(z + 1) * usize(h + 2);
      let to = out + (((shell + usize(y + 1)) * usize(w + 2) + 1) * components << 2);
      for (let x = 0; x < w; x++) {
        if (load<f32>(cellprob + at) > threshold) {
          if (d > 1) {
            store<f32>(to, cut(load<f32>(dz + at) * scaleZ, limit));
            store<f32>(to, cut(load<f32>(dy + at) * scaleY, limit), 4);
            store<f32>(to, cut(load<f32>(dx + at) * scaleX, limit), 8);
          } else {
            store<f32>(to, cut(load<f32>(dy + at) * scaleY, limit));
            store<f32>(to, cut(load<f32>(dx + at) * scaleX, limit), 4);
          }
        }
        at += 4;
        to += components << 2;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function cut(value: f32, limit: f32): f32 {
  return max<f32>(min<f32>(value, limit), -limit);
}
