/**
 * Labels to flows, and the error of flows against labels.
 */
import { BOX_BYTES, findBoxes } from "./boxes";
import { heatStride } from "./diffuse";
import {
  cellHeat, diffusionSteps, heatScratchBytes, imageHeat, imageHeatBytes, maxDiffusionSteps,
} from "./heat";
import { allocate, fit, mark, release } from "./heap";
import { sumFlowErrors, unitFlows } from "./unit_flows";

/** Cellpose 3 counts the empty border of a label's box on both axes. */
const LONE_STEPS: i32 = 4;

/**
 * Flows of all labels: heat is diffused from each label's center, and a flow
 * is the unit vector up its gradient.
 *
 * flows   2×H×W | 3×D×H×W f32  out; 0 on background
 * labels  D×H×W u32   compact labels 1..count
 * d h w   i32         d = 1 for an image
 * count   i32
 * steps   i32         diffusion steps; 0 = each label by its own box (default
 *                     mode) or by the largest box (parity)
 * parity  i32         1 = one number of steps for all, flows leak between touching labels
 * returns i32         0, or −2 where scratch memory is short
 *
 * Cost is linear in the areas of the boxes × steps.
 *
 * Source: Cellpose 4.2.1.1, `dynamics.py` masks_to_flows_gpu(_3d).
 * Differs: parity 0 is leak-free and counts steps for each label alone.
 */
export function labelFlows(
  flows: usize, labels: usize, d: i32, h: i32, w: i32, count: i32, steps: i32, parity: i32,
): i32 {
  const n = usize(d) * usize(h) * usize(w) << 2;
  memory.fill(flows, 0, n * (d == 1 ? 2 : 3));
  const start = mark();
  const boxes = allocate(fit(u64(count) * BOX_BYTES));
  if (!boxes) return -2;
  findBoxes(boxes, labels, d, h, w, count);
  const scratch = allocate(heatScratchBytes(boxes, count, d));
  const image = parity ? allocate(imageHeatBytes(d, h, w)) : 1;
  if (!scratch || !image) {
    release(start);
    return -2;
  }
  if (parity) {
    if (!steps) steps = maxDiffusionSteps(boxes, count, d);
    imageHeat(image, scratch, labels, boxes, 0, d, h, w, count, steps);
  }
  for (let k = 0; k < count; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    if (load<i32>(box, 24) == 0) continue;
    const label = u32(k + 1);
    const heat = parity
      ? heatAt(image, box, d, h, w)
      : cellHeat(scratch, labels, box, label, d, h, w, steps ? steps : diffusionSteps(box, d));
    const row = rowBytes(box, w, parity);
    unitFlows(flows, heat, row, planeBytes(box, row, h, parity), labels, label, box, d, h, w);
  }
  release(start);
  return 0;
}

/**
 * Mean squared difference between the flows of labels and given flows.
 *
 * errors  count f64   out: mean over the label's pixels; 0 for a missing label
 * flows   2×H×W | 3×D×H×W f32  the network's flows at unit scale
 * labels d h w count steps   as in `labelFlows`
 * parity  i32         as in `labelFlows`; 2 = each label alone, as Cellpose 3
 *                     does on a processor: leak-free, with 4 steps more
 * returns i32         0, or −2 where scratch memory is short
 *
 * Source: Cellpose 4.2.1.1, `metrics.py` flow_error; for 2, Cellpose 3.1,
 * `dynamics.py` masks_to_flows_cpu.
 * Differs: as `labelFlows`; nothing for 2.
 */
export function flowErrors(
  errors: usize, flows: usize, labels: usize, d: i32, h: i32, w: i32, count: i32, steps: i32, parity: i32,
): i32 {
  const start = mark();
  const boxes = allocate(fit(u64(count) * BOX_BYTES));
  if (!boxes) return -2;
  findBoxes(boxes, labels, d, h, w, count);
  if (!steps && parity == 1) steps = maxDiffusionSteps(boxes, count, d);
  const result = boxFlowErrors(errors, flows, labels, boxes, 0, d, h, w, count, count, steps, parity);
  release(start);
  return result;
}

/**
 * `flowErrors` of some labels, whose boxes are known: a slab of a large image.
 *
 * errors  owned f64   out
 * flows   2×H×W | 3×D×H×W f32
 * labels  D×H×W u32   any labels
 * boxes   count×8 i32 of `findBoxes`, within this array
 * ids     count u32   labels of the boxes; 0 = no such array: 1..count
 * d h w   i32
 * count   i32         boxes; with parity 1, the neighbors of the owned labels are among them
 * owned   i32         the first so many get an error
 * steps   i32         diffusion steps; with parity 1 not 0
 * parity  i32         as in `flowErrors`
 * returns i32         0, or −2 where scratch memory is short
 *
 * Source: as `flowErrors`.
 */
export function boxFlowErrors(
  errors: usize, flows: usize, labels: usize, boxes: usize, ids: usize,
  d: i32, h: i32, w: i32, count: i32, owned: i32, steps: i32, parity: i32,
): i32 {
  const start = mark();
  const more = parity == 2 ? LONE_STEPS : 0;
  if (parity == 2) parity = 0;
  const scratch = allocate(heatScratchBytes(boxes, count, d));
  const image = parity ? allocate(imageHeatBytes(d, h, w)) : 1;
  if (!scratch || !image) {
    release(start);
    return -2;
  }
  if (parity) imageHeat(image, scratch, labels, boxes, ids, d, h, w, count, steps);
  for (let k = 0; k < owned; k++) {
    const box = boxes + usize(k) * BOX_BYTES;
    const area = load<i32>(box, 24);
    const label = ids ? load<u32>(ids + (usize(k) << 2)) : u32(k + 1);
    let sum: f64 = 0;
    if (area) {
      const heat = parity
        ? heatAt(image, box, d, h, w)
        : cellHeat(scratch, labels, box, label, d, h, w, steps ? steps : diffusionSteps(box, d) + more);
      const row = rowBytes(box, w, parity);
      sum = sumFlowErrors(flows, heat, row, planeBytes(box, row, h, parity), labels, label, box, d, h, w);
    }
    store<f64>(errors + (usize(k) << 3), area ? sum / f64(area) : 0);
  }
  release(start);
  return 0;
}

/** First pixel of a box in `imageHeat`. */
function heatAt(image: usize, box: usize, d: i32, h: i32, w: i32): usize {
  const z = d == 1 ? 0 : load<i32>(box, 0) + 1;
  const y = load<i32>(box, 8) + 1;
  const x = load<i32>(box, 16) + 1;
  return image + (((usize(z) * usize(h + 2) + usize(y)) * usize(w + 2) + usize(x)) << 3);
}

/** Bytes of a row of heat: of the image with parity, else of the box. */
function rowBytes(box: usize, w: i32, parity: i32): usize {
  if (parity) return usize(w + 2) << 3;
  return usize(heatStride(load<i32>(box, 20) - load<i32>(box, 16))) << 3;
}

function planeBytes(box: usize, row: usize, h: i32, parity: i32): usize {
  if (parity) return usize(h + 2) * row;
  return usize(load<i32>(box, 12) - load<i32>(box, 8) + 2) * row;
}
