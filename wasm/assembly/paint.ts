/**
 * Give each foreground pixel the label of the pixel in which its point ends.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch, its last step.
 * Differs: nothing.
 */

/**
 * Look up the label at each sink.
 *
 * sinks   P u32   in: pixel; out: label
 * labels  n u32   of `paintSeeds`
 * p       i32     P
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 */
export function labelSinks(sinks: usize, labels: usize, p: i32): void {
  const end = sinks + (usize(p) << 2);
  for (let at = sinks; at < end; at += 4) {
    store<u32>(at, load<u32>(labels + (usize(load<u32>(at)) << 2)));
  }
}

/**
 * Write the labels of points to the pixels where they started.
 *
 * masks     n u32   out; 0 on background
 * values    P u32   labels in raster order of the foreground
 * cellprob  n f32
 * threshold f32     foreground is cellprob > threshold
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` get_masks_torch.
 */
export function paintForeground(masks: usize, values: usize, cellprob: usize, n: i32, threshold: f32): void {
  const end = usize(n) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    let label: u32 = 0;
    if (load<f32>(cellprob + at) > threshold) {
      label = load<u32>(values);
      values += 4;
    }
    store<u32>(masks + at, label);
  }
}

/**
 * Write the flags of points to the pixels where they started.
 *
 * out       n u8    0 on background
 * flags     P u8    in raster order of the foreground
 * cellprob  n f32
 * threshold f32     foreground is cellprob > threshold
 *
 * Source: ours.
 */
export function scatterFlags(out: usize, flags: usize, cellprob: usize, n: i32, threshold: f32): void {
  for (let i: usize = 0; i < usize(n); i++) {
    let flag: u8 = 0;
    if (load<f32>(cellprob + (i << 2)) > threshold) flag = load<u8>(flags++);
    store<u8>(out + i, flag);
  }
}
