// bun main.js
import { loadCore } from "../../dist/core.js";

const size = { height: 224, width: 256 };
const flows = await readFloats("../case/flows.f32"); // 2×H×W (dY, dX)
const cellprob = await readFloats("../case/cellprob.f32"); // H×W logit

const core = await loadCore();
const { masks, count } = core.computeMasks(flows, cellprob, size);

const hasher = new Bun.CryptoHasher("sha256");
console.log(hasher.update(masks).digest("hex"), `${count} cells`);

async function readFloats(path) {
  const file = Bun.file(new URL(path, import.meta.url));
  return new Float32Array(await file.arrayBuffer());
}
