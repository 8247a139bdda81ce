/** Flows and logits as a network would give them, for tests. */
import type { Size } from "../shared/ndarray.ts";
import { createRandom, drawScene, fillNormal } from "./bench/scene.ts";
import { diffuseFlows } from "./reference/diffusion.ts";

/** Touching cells on a small image or volume, with noisy flows and logits. */
export function createOutput(size: Size, cells: number, seed: number) {
  const depth = "depth" in size ? size.depth : 1;
  const labels = drawScene({
    ...size,
    depth,
    cells,
    radius: depth === 1 ? [6, 11] : [4, 6],
    seed,
  });
  const random = createRandom(seed + 1);
  const exact = diffuseFlows(labels, size).flows;
  const flows = new Float32Array(exact.length);
  fillNormal(flows, random);
  for (let i = 0; i < flows.length; i++) flows[i] = exact[i] + 0.1 * flows[i];
  const cellprob = new Float32Array(labels.length);
  fillNormal(cellprob, random);
  for (let i = 0; i < labels.length; i++) {
    cellprob[i] = 1.5 * cellprob[i] + (labels[i] > 0 ? 4 : -4);
  }
  return { labels, flows, cellprob };
}
