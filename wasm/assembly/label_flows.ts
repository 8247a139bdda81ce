/**
 * Labels to flows, and the error of flows against labels.
 */
import { BOX_BYTES, findBoxes } from "./boxes";
import { heatStride } from "./diffuse";
import {
  cellHeat, diffusionSteps, heatScratchBytes, imageHeat, imageHeatBytes, maxDiffusionSteps,
} from "./heat";
import { allocate, mark, release } from "./heap";
import { addFlowErrors, unitFlows } from "./unit_flows";

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
  const plane = usize(d) * usize(h) * usize(w) << 2;
  memory.fill(flows, 0, plane * (d == 1 ? 2 : 3));
  return run(flows, 0, labels, d, h, w, count, steps, parity);
}

/**
 * Mean squared difference between the flows of labels and given flows.
 *
 * errors  count f64   out: mean over the label's pixels; 0 for a missing label
 * flows   2×H×W | 3×D×H×W f32  the network's flows at unit scale
 * labels d h w count steps parity   as in `labelFlows`
 * returns i32         0, or −2 where scratch memory is short
 *
 * Source: Cellpose 4.2.1.1, `metrics.py` flow_error.
 * Differs: as `labelFlows`.
 */
export function flowErrors(
  errors: usize, flows: usize, labels: usize, d: i32, h: i32, w: i32, count: i32, steps: i32, parity: i32,
): i32 {
  memory.fill(errors, 0, usize(count) << 3);
  const start = mark();
  const boxes = allocate(usize(count) * BOX_BYTES);
  if (!boxes) return -2;
  const result = run(flows, errors, labels, d, h, w, count, steps, parity);
  if (result == 0) {
    findBoxes(boxes, labels, d, h, w, count);
    for (let k = 0; k < count; k++) {
      const area = load<i32>(boxes + usize(k) * BOX_BYTES, 24);
      const at = errors + (usize(k) << 3);
      if (area) store<f64>(at, load<f64>(at) / f64(area));
    }
  }
  release(start);
  return result;
}

/** Write flows where `errors` is 0, else add to `errors`. */
function run(
  flows: usize, errors: usize, labels: usize, d: i32, h: i32, w: i32, count: i32, steps: i32, parity: i32,
): i32 {
  const start = mark();
  const boxes = allocate(usize(count + 1) * BOX_BYTES);
  if (!boxes) return -2;
  findBoxes(boxes, labels, d, h, w, count);
  const scratch = allocate(heatScratchBytes(boxes, count, d));
  const heat = parity ? allocate(imageHeatBytes(d, h, w)) : 1;
  if (!scratch || !heat) {
    release(start);
    return -2;
  }
  if (parity) {
    if (!steps) steps = maxDiffusionSteps(boxes, count, d);
    imageHeat(heat, scratch, labels, boxes, d, h, w, count, steps);
    const row = usize(w + 2) << 3;
    const plane = usize(h + 2) * row;
    const whole = boxes + usize(count) * BOX_BYTES;
    store<i32>(whole, 0, 0);
    store<i32>(whole, d, 4);
    store<i32>(whole, 0, 8);
    store<i32>(whole, h, 12);
    store<i32>(whole, 0, 16);
    store<i32>(whole, w, 20);
    const first = heat + (d == 1 ? 0 : plane) + row + 8;
    if (errors) addFlowErrors(errors, flows, first, row, plane, labels, 0, whole, d, h, w);
    else unitFlows(flows, first, row, plane, labels, 0, whole, d, h, w);
  } else {
    for (let k = 0; k < count; k++) {
      const box = boxes + usize(k) * BOX_BYTES;
      const own = steps ? steps : diffusionSteps(box, d);
      if (load<i32>(box, 24) == 0) continue;
      const label = u32(k + 1);
      const first = cellHeat(scratch, labels, box, label, d, h, w, own);
      const row = usize(heatStride(load<i32>(box, 20) - load<i32>(box, 16))) << 3;
      const plane = usize(load<i32>(box, 12) - load<i32>(box, 8) + 2) * row;
      if (errors) addFlowErrors(errors, flows, first, row, plane, labels, label, box, d, h, w);
      else unitFlows(flows, first, row, plane, labels, label, box, d, h, w);
    }
  }
  release(start);
  return 0;
}
