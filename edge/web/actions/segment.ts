/**
 * From an image to cells: a preview by the edge or here, a job at full
 * resolution, masks again with other parameters.
 *
 * @module
 */
import { batch } from "@preact/signals";
import { decodeNpy } from "../../../shared/image/npy.ts";
import type { Size2D } from "../../../shared/ndarray.ts";
import { type FAMILIES, ModelJson } from "../../../shared/schema/model.ts";
import * as api from "../service/api.ts";
import {
  type Cells,
  type Doc,
  eps,
  jobModel,
  makeCells,
  method,
  models,
  parameters,
  planeOf,
  runsIn,
  selected,
  type Source,
  tell,
  withBusy,
} from "../store.ts";
import { cellWorker, networkWorker, pictures } from "../workers.ts";
import { keep, keyOf } from "./kept.ts";
import type { Network } from "../work/networks.ts";

/** Longest edge that a preview looks at, pixels. */
const PREVIEW_EDGE = 1024;
/** File of a result that holds what the network gave. */
const NETWORK_FILE = "network.npy";

/** Show masks of a plane and keep them across reloads. */
export async function showMasksOf(
  image: Doc,
  masks: Uint32Array<ArrayBuffer>,
  { plane, ...facts }: {
    plane: number;
    source: Source;
    confidence?: Float32Array | undefined;
    emptyReason?: string | undefined;
  },
): Promise<void> {
  const state = planeOf(image, plane);
  const { source, confidence, emptyReason } = facts;
  const cells: Cells = makeCells(masks, {
    source,
    before: state.cells.value,
    ...(confidence ? { confidence } : {}),
    ...(emptyReason === undefined ? {} : { emptyReason }),
  });
  batch(() => {
    selected.value = [];
    state.cells.value = cells;
  });
  await keep((safe) =>
    safe.begin(keyOf(image, plane), { base: cells.base, source })
  );
}

/** Where a plane's network output is kept. */
export function networkId(image: Doc, plane = image.plane.value): string {
  return `${image.id}/${plane}`;
}

/** Preview the chosen plane where the switch says. */
export async function previewPlane(image: Doc): Promise<void> {
  await withBusy(
    runsIn.value === "edge"
      ? "Preview by the service"
      : "Preview in the browser",
    () => runsIn.value === "edge" ? previewAtEdge(image) : previewHere(image),
  );
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
    });
  }
  if (wire.format === "none") return;
  const bytes = wire.format === "png"
    ? fromBase64(wire.data)
    : new TextEncoder().encode(wire.data);
  const { masks } = await cellWorker.call("readLabels", {
    bytes,
    size: wire.size,
  });
  const confidence = answer.cells.every((cell) => cell.confidence !== null)
    ? Float32Array.from(answer.cells, (cell) => cell.confidence ?? 0)
    : undefined;
  planeOf(image, plane).warnings.value = answer.warnings;
  await showMasksOf(image, await toSize(masks, wire.size, image.facts.size), {
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
  const masks = await toSize(answer.masks, answer.masksSize, image.facts.size);
  await showMasksOf(image, masks, {
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

let loaded: Promise<unknown> | undefined;

/** Load the service's model into the browser, once. */
function loadModel(): Promise<unknown> {
  loaded ??= (async () => {
    const text = new TextDecoder().decode(
      await api.readModelFile("model.json"),
    );
    const json = ModelJson.parse(JSON.parse(text));
    const [graph, data] = await Promise.all(
      json.networks[0].files.map(({ name }) => api.readModelFile(name)),
    );
    return await networkWorker().call("load", {
      name: models.value[0]?.name ?? "default",
      json,
      graph,
      ...(data ? { data } : {}),
    });
  })();
  loaded.catch(() => loaded = undefined);
  return loaded;
}

/** Ask what a job would take. */
export async function quoteJob(image: Doc): Promise<void> {
  await withBusy("Asking for a quote", async () => {
    const uploadId = image.job.value.uploadId ??
      await api.upload(image.file, image.name);
    const quote = await api.quote(
      [uploadId],
      parameters.value,
      jobModel.value,
    );
    image.job.value = { uploadId, quote };
  });
}

/** Run the job that was quoted; its masks take the place of the preview's. */
export async function runJob(image: Doc): Promise<void> {
  const { uploadId, quote } = image.job.value;
  if (uploadId === undefined || quote === undefined) return;
  const abort = new AbortController();
  const show = (job: api.WireJob) => {
    image.job.value = { uploadId, quote, job, abort };
  };
  try {
    let job = await api.startJob(
      [uploadId],
      parameters.value,
      jobModel.value,
    );
    show(job);
    await api.follow(`jobs/${job.id}`, async (type, data) => {
      if (type === "progress") {
        const { done, total } = data as { done: number; total: number };
        const begun = job.started === null ? NaN : Date.parse(job.started);
        const eta = done > 0
          ? (Date.now() - begun) / done * (total - done) / 1000
          : NaN;
        job = {
          ...job,
          state: "running",
          progress: { done, total },
          eta: Number.isFinite(eta) ? eta : null,
        };
        show(job);
      } else if (type === "state") {
        job = await api.readJob(job.id);
        show(job);
      }
    }, abort.signal);
    job = await api.readJob(job.id);
    show(job);
    if (job.state === "succeeded") await takeResult(image, job);
    else if (job.state === "failed") {
      const [result] = await api.readResults(job.id);
      tell("error", result?.error ?? job.error ?? "The job failed");
    }
  } catch (err) {
    if (abort.signal.aborted) return;
    tell("error", err instanceof Error ? err.message : String(err));
  }
}

/** Cancel the job of an image. */
export async function cancelJob(image: Doc): Promise<void> {
  const { job } = image.job.value;
  if (job === undefined) return;
  try {
    const cancelled = await api.cancelJob(job.id);
    image.job.value = { ...image.job.value, job: cancelled };
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
  }
}

/** Get a job's masks and flows. */
export async function takeResult(
  image: Doc,
  job: api.WireJob,
): Promise<void> {
  const [result] = await api.readResults(job.id);
  const files = Object.entries(result?.files ?? {});
  const find = (test: (name: string) => boolean) =>
    files.find(([name]) => test(name))?.[1];
  const tif = find((name) => name.endsWith(".tif"));
  const json = find((name) => name === "result.json");
  const npy = find((name) => name === NETWORK_FILE);
  if (!tif || !json) throw new Error("The job has no masks");
  const described = JSON.parse(
    new TextDecoder().decode(await api.getSigned(json)),
  );
  const isStack = image.facts.planes > 1;
  const plane = image.plane.value;
  if (npy) {
    const network = decodeNpy(await api.getSigned(npy));
    const [, height, width] = network.shape;
    await keepNetwork(image, 0, {
      npy: network.data as Float32Array<ArrayBuffer>,
      flowsSize: { height, width },
      family: described.models[0].family,
      niter: described.facts.niter,
    });
  }
  const id = crypto.randomUUID();
  const facts = await pictures.call("openFile", {
    id,
    bytes: await api.getSigned(tif),
  });
  const planes = isStack && facts.planes === image.facts.planes
    ? Array.from({ length: facts.planes }, (_, z) => z)
    : [plane];
  for (const z of planes) {
    const read = await pictures.call("readPlane", {
      id,
      plane: isStack ? z : 0,
    });
    planeOf(image, z).warnings.value = described.warnings.filter((
      warning: { plane?: number },
    ) => warning.plane === undefined || warning.plane === z);
    await showMasksOf(image, Uint32Array.from(read.data), {
      plane: z,
      source: "full",
      emptyReason: described.planes[isStack ? z : 0]?.emptyReason,
    });
  }
  await pictures.call("closeImage", { id });
  tell("note", `${described.count} cells at full resolution`);
}

let isTuning = false;
let isTuneDue = false;

/** Masks again from the kept flows; only the last of many changes counts. */
export async function tunePlane(image: Doc): Promise<void> {
  const plane = image.plane.value;
  if (!planeOf(image, plane).hasFlows.value) return;
  if (isTuning) {
    isTuneDue = true;
    return;
  }
  isTuning = true;
  try {
    do {
      isTuneDue = false;
      const found = await cellWorker.call("tune", {
        id: networkId(image, plane),
        parameters: parameters.value,
        method: method.value,
        eps: eps.value,
        confidence: false,
      });
      await showMasksOf(image, found.masks, {
        plane,
        source: "tuned",
        confidence: found.confidence,
        emptyReason: found.emptyReason,
      });
      tell("note", `${found.count} cells in ${Math.round(found.ms)} ms`);
    } while (isTuneDue);
  } catch (err) {
    tell("error", err instanceof Error ? err.message : String(err));
  } finally {
    isTuning = false;
  }
  clearTimeout(pause);
  pause = setTimeout(() => void measureConfidence(image, plane), PAUSE_MS);
}

/** Confidence takes as long as the masks: it waits for a pause. */
const PAUSE_MS = 400;
let pause: ReturnType<typeof setTimeout> | undefined;

async function measureConfidence(image: Doc, plane: number): Promise<void> {
  const { cells } = planeOf(image, plane);
  const before = cells.value;
  if (before?.source !== "tuned" || isTuning) return;
  const { confidence } = await cellWorker.call("tune", {
    id: networkId(image, plane),
    parameters: parameters.value,
    method: method.value,
    eps: eps.value,
    confidence: true,
  });
  // what came meanwhile counts
  if (confidence && cells.value === before) {
    cells.value = { ...before, confidence };
  }
}

/** Hand a network's output to the worker. */
export async function keepNetwork(
  image: Doc,
  plane: number,
  { npy, flowsSize, family, niter }: {
    npy: Float32Array<ArrayBuffer>;
    flowsSize: Size2D;
    family: string;
    niter: number;
  },
): Promise<void> {
  const pixels = flowsSize.height * flowsSize.width;
  const network: Network = {
    flows: npy.slice(0, 2 * pixels),
    cellprob: npy.slice(2 * pixels),
    flowsSize,
    size: image.facts.size,
    family: family as typeof FAMILIES[number],
    niter,
  };
  await cellWorker.call("keepNetwork", {
    id: networkId(image, plane),
    ...network,
  });
  planeOf(image, plane).hasFlows.value = true;
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

async function toSize(
  masks: Uint32Array<ArrayBuffer>,
  size: Size2D,
  target: Size2D,
): Promise<Uint32Array<ArrayBuffer>> {
  if (size.height === target.height && size.width === target.width) {
    return masks;
  }
  return await cellWorker.call("resizeLabels", { masks, size, target });
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
