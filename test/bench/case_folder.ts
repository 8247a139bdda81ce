/**
 * A benchmark case as it lies in a folder: `dP.npy` (5× unit scale),
 * `cellprob.npy`, `labels.npy`; an image or a volume.
 *
 * @module
 */
import { join } from "node:path";
import type { LabelArray, Size } from "../../shared/ndarray.ts";
import { readNpy } from "./npy.ts";

/** The network's flows are 5× unit scale, in Cellpose and in the folder. */
const FLOW_SCALE = 5;

/** A case, ready for the core. */
export interface BenchCase {
  readonly folder: string;
  readonly size: Size;
  readonly pixels: number;
  readonly isVolume: boolean;
  /** 2×H×W or 3×D×H×W, unit scale. */
  readonly flows: Float32Array<ArrayBuffer>;
  /** H×W or D×H×W, logit. */
  readonly cellprob: Float32Array<ArrayBuffer>;
  /** H×W or D×H×W, 0 background. */
  readonly labels: LabelArray;
}

/** Read a case folder. */
export async function openCase(folder: string): Promise<BenchCase> {
  const { data: labels, shape } = await readNpy(join(folder, "labels.npy"));
  const dP = await readNpy(join(folder, "dP.npy"));
  const cellprob = await readNpy(join(folder, "cellprob.npy"));
  const axes = shape.length;
  if (axes !== 2 && axes !== 3) {
    throw new Error(`labels.npy has ${axes} axes, it needs 2 or 3`);
  }
  checkShape("cellprob.npy", cellprob.shape, shape);
  checkShape("dP.npy", dP.shape, [axes, ...shape]);
  const [width, height, depth] = [...shape].reverse();
  return {
    folder,
    size: axes === 3 ? { depth, height, width } : { height, width },
    pixels: labels.length,
    isVolume: axes === 3,
    flows: Float32Array.from(dP.data, (value) => value / FLOW_SCALE),
    cellprob: Float32Array.from(cellprob.data),
    labels: Uint32Array.from(labels),
  };
}

function checkShape(
  file: string,
  found: readonly number[],
  expected: readonly number[],
): void {
  if (found.join() !== expected.join()) {
    throw new Error(
      `${file} is ${found.join("×")}, labels.npy asks for ${
        expected.join("×")
      }`,
    );
  }
}
