// A module worker: fetches the case, runs the core, posts the masks.
import { loadCore } from "../../dist/core.js";

const size = { height: 224, width: 256 };
const [core, flows, cellprob] = await Promise.all([
  loadCore(),
  fetchFloats("../case/flows.f32"), // 2×H×W (dY, dX)
  fetchFloats("../case/cellprob.f32"), // H×W logit
]);

const { masks, count } = core.computeMasks(flows, cellprob, size);
postMessage({ masks, count }, [masks.buffer]);

async function fetchFloats(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Float32Array(await response.arrayBuffer());
}
