// deno run --allow-read main.ts
// @ts-types="../../dist/core.d.ts"
import { loadCore } from "../../dist/core.js";

const size = { height: 224, width: 256 };
const flows = await readFloats("../case/flows.f32"); // 2×H×W (dY, dX)
const cellprob = await readFloats("../case/cellprob.f32"); // H×W logit

const core = await loadCore();
const { masks, count } = core.computeMasks(flows, cellprob, size);

const digest = await crypto.subtle.digest("SHA-256", masks.slice());
console.log(new Uint8Array(digest).toHex(), `${count} cells`);

async function readFloats(path: string): Promise<Float32Array> {
  const bytes = await Deno.readFile(new URL(path, import.meta.url));
  return new Float32Array(bytes.buffer);
}
