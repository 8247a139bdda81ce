/**
 * How far each mask can be trusted: from its flows, its cell probability and
 * whether its paths came to rest.
 */
import { allocate, mark, release } from "./heap";
import { flowErrors } from "./label_flows";

/** Bytes of one row of `measureConfidence`. */
const ROW: usize = 16;

/**
 * Measure each label.
 *
 * out      count×4 f32   flow error; mean probability; share of settled paths;
 *                        confidence = probability · max(0, 1 − error) · share
 * masks    D×H×W u32     labels 1..count
 * flows    2×H×W | 3×D×H×W f32   unit scale
 * cellprob D×H×W f32     logit
 * settled  D×H×W u8      of `computeMasks`
 * d h w    i32           d = 1 for an image
 * count    i32
 * parity   i32           flow errors as Cellpose's
 * returns  i32           count, or −2 where scratch memory is short
 *
 * A flow error of 0 is a perfect match and 1 is what no flow at all would
 * give, so 1 − error is the part of the flows that the mask explains. Pixels
 * of filled holes have no path: the share is of the pixels that have one,
 * counted as the settled ones over all pixels above the threshold in the mask.
 *
 * Source: ours; flow error as Cellpose 4.2.1.1.
 */
export function measureConfidence(
  out: usize, masks: usize, flows: usize, cellprob: usize, settled: usize,
  d: i32, h: i32, w: i32, count: i32, threshold: f32, parity: i32,
): i32 {
  const start = mark();
  const errors = allocate(usize(count) << 3);
  // per label: sum of probabilities, pixels, paths, settled paths; all f64
  const sums = allocate(usize(count) << 5);
  if (!errors || !sums || flowErrors(errors, flows, masks, d, h, w, count, 0, parity) < 0) {
    release(start);
    return -2;
  }
  memory.fill(sums, 0, usize(count) << 5);
  const n = usize(d) * usize(h) * usize(w);
  for (let i: usize = 0; i < n; i++) {
    const label = load<u32>(masks + (i << 2));
    if (!label) continue;
    const sum = sums + (usize(label - 1) << 5);
    const logit = load<f32>(cellprob + (i << 2));
    store<f64>(sum, load<f64>(sum) + 1.0 / (1.0 + Math.exp(-f64(logit))));
    store<f64>(sum, load<f64>(sum, 8) + 1, 8);
    if (logit > threshold) {
      store<f64>(sum, load<f64>(sum, 16) + 1, 16);
      if (load<u8>(settled + i)) store<f64>(sum, load<f64>(sum, 24) + 1, 24);
    }
  }
  for (let k: usize = 0; k < usize(count); k++) {
    const sum = sums + (k << 5);
    const pixels = load<f64>(sum, 8);
    const paths = load<f64>(sum, 16);
    const error = load<f64>(errors + (k << 3));
    const probability = pixels > 0 ? load<f64>(sum) / pixels : 0;
    const share = paths > 0 ? load<f64>(sum, 24) / paths : 0;
    const row = out + k * ROW;
    store<f32>(row, f32(error));
    store<f32>(row, f32(probability), 4);
    store<f32>(row, f32(share), 8);
    store<f32>(row, f32(probability * max<f64>(0, 1 - error) * share), 12);
  }
  release(start);
  return count;
}
