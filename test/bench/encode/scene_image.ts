/**
 * Images that hold a network's output for known cells, so that an affine map
 * of the normalized channels is all the network there is.
 *
 * @module
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { encodeTiff } from "../../../shared/image/tiff_write.ts";
import { type Core, loadCore } from "../../../wasm/mod.ts";
import { createRandom, drawScene, fillNormal, SCENES } from "../scene.ts";

/** Edge of the scene; larger images repeat it. */
export const SCENE_EDGE = 2048;

/** Values are shifted and scaled to 16 bits. */
const SHIFT = 16;
const SCALE = 2000;

/** Networks' flows have this length. */
const FLOW_SCALE = 5;

/** The map of each channel from normalized values to the network's output. */
export interface AffineMap {
  readonly gain: readonly number[];
  readonly offset: readonly number[];
}

/** Draw the scene: H×W×3 u16 with 5·dY, 5·dX and the logit. */
export async function drawImage() {
  const core = await loadCore();
  const labels = Uint32Array.from(drawScene(SCENES[String(SCENE_EDGE)]));
  const size = { height: SCENE_EDGE, width: SCENE_EDGE };
  const pixels = labels.length;
  const flows = core.labelsToFlows(labels, size);
  const random = createRandom(7);
  const noise = new Float32Array(3 * pixels);
  fillNormal(noise, random);
  const data = new Uint16Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    const logit = (labels[i] > 0 ? 4 : -4) + 1.5 * noise[3 * i + 2];
    const values = [
      FLOW_SCALE * (flows[i] + 0.1 * noise[3 * i]),
      FLOW_SCALE * (flows[pixels + i] + 0.1 * noise[3 * i + 1]),
      logit,
    ];
    for (const [c, value] of values.entries()) {
      data[3 * i + c] = Math.round((value + SHIFT) * SCALE);
    }
  }
  return { data, size, map: findMap(core, data) };
}

/** Invert the normalization by percentiles 1 and 99. */
function findMap(core: Core, data: Uint16Array): AffineMap {
  const gain: number[] = [];
  const offset: number[] = [];
  for (const c of [0, 1, 2]) {
    const channel = Float32Array.from(
      { length: data.length / 3 },
      (_, i) => data[3 * i + c],
    );
    const [low, high] = core.findPercentiles(channel, [1, 99]);
    gain.push((high - low) / SCALE);
    offset.push(low / SCALE - SHIFT);
  }
  return { gain, offset };
}

/** Write the scene as TIFF. */
export async function writeScene(
  path: string,
  { data }: { readonly data: Uint16Array },
): Promise<void> {
  const shape = [SCENE_EDGE, SCENE_EDGE, 3];
  await writeFile(path, encodeTiff({ data, axes: "YXC", shape }));
}

/** Write the scene again and again as an array of any size. */
export function writeRepeated(
  path: string,
  { data }: { readonly data: Uint16Array },
  { height, width }: { readonly height: number; readonly width: number },
): void {
  const text =
    `{'descr': '<u2', 'fortran_order': False, 'shape': (${height}, ${width}, 3), }`;
  const header = new Uint8Array(128).fill(0x20);
  header.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, 118, 0]);
  header.set(new TextEncoder().encode(text), 10);
  header[127] = 0x0a;
  const file = openSync(path, "w");
  try {
    writeSync(file, header);
    const row = new Uint16Array(width * 3);
    for (let y = 0; y < height; y++) {
      const from = y % SCENE_EDGE * SCENE_EDGE * 3;
      for (let x = 0; x < row.length; x += SCENE_EDGE * 3) {
        const length = Math.min(SCENE_EDGE * 3, row.length - x);
        row.set(data.subarray(from, from + length), x);
      }
      const bytes = new Uint8Array(row.buffer);
      for (let done = 0; done < bytes.length;) {
        done += writeSync(file, bytes, done);
      }
    }
  } finally {
    closeSync(file);
  }
}
