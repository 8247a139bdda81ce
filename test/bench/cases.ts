/**
 * Make the benchmark's case folders: `labels.npy`, `flows.npy`, `dP.npy`,
 * `cellprob.npy`.
 *
 * Labels are drawn (scene.ts), flows are Cellpose's own for these labels, leak
 * between touching cells included, and noise is added as a network would.
 *
 * @module
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readNpy, writeNpy } from "./npy.ts";
import {
  createRandom,
  CROWDS,
  drawScene,
  fillNormal,
  SCENES,
} from "./scene.ts";

/** Writes Cellpose's flows of `labels.npy` to `flows.npy`. */
export type WriteFlows = (folder: string) => Promise<void>;

/** Noise of the flows at unit scale, that of the golden data. */
const FLOW_NOISE = 0.1;
/** Mean and deviation of the logits, those of the golden data. */
const LOGIT = 4;
const LOGIT_NOISE = 1.5;

/**
 * Make a case where it is not there yet.
 *
 * @returns its folder
 */
export async function makeCase(
  name: string,
  root: string,
  writeFlows: WriteFlows,
): Promise<string> {
  const scene = SCENES[name] ?? CROWDS[name];
  if (scene === undefined) throw new Error(`There is no case named ${name}`);
  const folder = join(root, name);
  // cellprob is written last: a folder that has it is whole
  if (await exists(join(folder, "cellprob.npy"))) return folder;
  await mkdir(folder, { recursive: true });

  const { depth, height, width } = scene;
  const shape = depth === 1 ? [height, width] : [depth, height, width];
  const labels = drawScene(scene);
  await writeNpy(join(folder, "labels.npy"), labels, shape);
  await writeFlows(folder);

  const random = createRandom(scene.seed + 1000);
  const { data: flows } = await readNpy(join(folder, "flows.npy"));
  const dP = new Float32Array(flows.length);
  fillNormal(dP, random);
  for (let i = 0; i < dP.length; i++) {
    dP[i] = 5 * (flows[i] + FLOW_NOISE * dP[i]);
  }
  await writeNpy(join(folder, "dP.npy"), dP, [shape.length, ...shape]);

  const cellprob = new Float32Array(labels.length);
  fillNormal(cellprob, random);
  for (let i = 0; i < labels.length; i++) {
    cellprob[i] = LOGIT_NOISE * cellprob[i] + (labels[i] > 0 ? LOGIT : -LOGIT);
  }
  await writeNpy(join(folder, "cellprob.npy"), cellprob, shape);
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}
