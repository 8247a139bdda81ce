/**
 * Follow the flows of an image without interpolation: a step is the flow of
 * the pixel that a point is in.
 *
 * sinks     P u32      out: pixel in which each foreground pixel's path ends
 * flows     2×h×w f32  unit scale
 * cellprob  h×w f32    logit; flows count where it is above the threshold
 * h w       i32
 * niter     i32        steps
 * threshold f32
 *
 * Cellpose's size model finds cells this way. One path after the other: there
 * is nothing to share between them.
 *
 * Source: Cellpose 3.1, `dynamics.py` steps2D. Differs: nothing.
 */
export function followNearest(
  sinks: usize, flows: usize, cellprob: usize, h: i32, w: i32, niter: i32, threshold: f32,
): void {
  const plane = (usize(h) * usize(w)) << 2;
  const lastY = f32(h - 1);
  const lastX = f32(w - 1);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const start = usize(y * w + x) << 2;
      if (!(load<f32>(cellprob + start) > threshold)) continue;
      let py = f32(y);
      let px = f32(x);
      for (let step = 0; step < niter; step++) {
        const at = usize(i32(py) * w + i32(px)) << 2;
        // background does not move
        if (!(load<f32>(cellprob + at) > threshold)) break;
        py = min(lastY, max<f32>(0, py + load<f32>(flows + at)));
        px = min(lastX, max<f32>(0, px + load<f32>(flows + plane + at)));
      }
      store<u32>(sinks, u32(i32(py) * w + i32(px)));
      sinks += 4;
    }
  }
}
