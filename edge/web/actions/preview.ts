/**
 * Previews: a first look at a plane, by the service or wholly in the browser.
 *
 * @module
 */
import { decodeNpy } from "../../../shared/image/npy.ts";
import { ModelJson } from "../../../shared/schema/model.ts";
import * as api from "../service/api.ts";
import {
  type Doc,
  models,
  parameters,
  planeOf,
  runsIn,
  runsOn,
  tell,
  usesGpu,
  withBusy,
} from "../store.ts";
import { cellWorker, networkWorker, pictures } from "../workers.ts";
import { keepNetwork, showMasksOf } from "./masks.ts";
import { prepareTuning } from "./tune.ts";

/** Longest edge that a preview looks at, pixels. */
const PREVIEW_EDGE = 1024;

/** Preview the chosen plane where the switch says. */
export async function previewPlane(image: Doc): Promise<void> {
  await withBusy(
    runsIn.value === "edge"
      ? "Preview by the service"
      : "Preview in the browser",
    () => runsIn.value === "edge" ? previewAtEdge(image) : previewHere(image),
  );
  if (planeOf(image).hasFlows.value) prepareTuning(image);
}

async function previewAtEdge(image: Doc): Promise<void> {
  const plane = image.plane.value;
  const answer = await api.preview(await fileOf(image), parameters.value);
  const { network, masks: wire, model } = answer;
  if (network !== undefined) {
    const npy = decodeNpy(fromBase64(network.data));
    await keepNetwork(image, plane, {
      npy: npy.data as Float32Array<ArrayBuffer>,
      flowsSize: network.size,
      family: model.family,
      niter: network.niter,
      diameter: answer.diameter,
    });
  }
  if (wire.format === "none") return;
  const bytes = wire.format === "png"
    ? fromBase64(wire.data)
    : new TextEncoder().encode(wire.data);
  const labels = await cellWorker.call("readLabels", {
    bytes,
    size: wire.size,
    target: image.facts.size,
  });
  const confidence = answer.cells.every((cell) => cell.confidence !== null)
    ? Float32Array.from(answer.cells, (cell) => cell.confidence ?? 0)
    : undefined;
  planeOf(image, plane).warnings.value = answer.warnings;
  showMasksOf(image, labels, {
    plane,
    source: "preview",
    confidence,
    emptyReason: answer.emptyReason,
  });
  tell(
    "note",
    `${answer.count} cells in ${
      Math.round(answer.timings.total)
    } ms, by ${model.name}`,
  );
}

async function previewHere(image: Doc): Promise<void> {
  const plane = image.plane.value;
  await loadModel();
  const { data, axes, shape, channelNames } = await pictures.call("readPlane", {
    id: image.id,
    plane,
  });
  const answer = await networkWorker().call("run", {
    input: {
      data,
      axes,
      shape,
      ...(channelNames.length > 0 ? { channelNames } : {}),
    },
    parameters: parameters.value,
    maxEdge: PREVIEW_EDGE,
  });
  const npy = new Float32Array(answer.flows.length + answer.cellprob.length);
  npy.set(answer.flows);
  npy.set(answer.cellprob, answer.flows.length);
  await keepNetwork(image, plane, { ...answer, npy });
  planeOf(image, plane).warnings.value = answer.warnings;
  const labels = await cellWorker.call("packLabels", {
    masks: answer.masks,
    size: answer.masksSize,
    target: image.facts.size,
  }, [answer.masks.buffer]);
  showMasksOf(image, labels, {
    plane,
    source: "browser",
    confidence: answer.confidence,
    emptyReason: answer.emptyReason,
  });
  tell(
    "note",
    `${answer.count} cells in ${
      Math.round(answer.ms)
    } ms, here on ${answer.provider}`,
  );
}

let loaded: { gpu: boolean; model: Promise<unknown> } | undefined;

/** Load the service's model into the browser, once for each switch. */
function loadModel(): Promise<unknown> {
  const gpu = usesGpu.value;
  if (loaded?.gpu === gpu) return loaded.model;
  const model = (async () => {
    const text = new TextDecoder().decode(
      await api.readModelFile("model.json"),
    );
    const json = ModelJson.parse(JSON.parse(text));
    const [graph, data] = await Promise.all(
      json.networks[0].files.map(({ name }) => api.readModelFile(name)),
    );
    const sizeModel = json.networks.find((each) => each.name === "size");
    const size = sizeModel &&
      await api.readModelFile(sizeModel.files[0].name);
    const { provider, reason } = await networkWorker().call("load", {
      name: models.value[0]?.name ?? "default",
      json,
      graph,
      ...(data ? { data } : {}),
      ...(size ? { size } : {}),
      gpu,
    });
    runsOn.value = { provider, ...(reason ? { reason } : {}) };
  })();
  loaded = { gpu, model };
  model.catch(() => loaded = undefined);
  return model;
}

/** The file itself, or the chosen plane of a stack. */
async function fileOf(image: Doc): Promise<Blob> {
  if (image.facts.planes === 1) return image.file;
  const read = await pictures.call("readPlane", {
    id: image.id,
    plane: image.plane.value,
  });
  return new Blob([await cellWorker.call("writePlane", read)]);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
