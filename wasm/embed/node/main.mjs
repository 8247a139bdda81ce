// node main.mjs
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { loadCore } from "../../dist/core.js";

const size = { height: 224, width: 256 };
const flows = await readFloats("../case/flows.f32"); // 2×H×W (dY, dX)
const cellprob = await readFloats("../case/cellprob.f32"); // H×W logit

const core = await loadCore();
const { masks, count } = core.computeMasks(flows, cellprob, size);

console.log(createHash("sha256").update(masks).digest("hex"), `${count} cells`);

async function readFloats(path) {
  // a copy: a small file's Buffer may start at any byte of a larger one
  const bytes = new Uint8Array(await readFile(new URL(path, import.meta.url)));
  return new Float32Array(bytes.buffer);
}
