/**
 * Full resolution: a job of the service, and its result in the page.
 *
 * @module
 */
import { decodeNpy } from "../../../shared/image/npy.ts";
import type { PackedLabels } from "../edit/packed.ts";
import * as api from "../service/api.ts";
import {
  type Doc,
  jobModel,
  parameters,
  planeOf,
  tell,
  withBusy,
} from "../store.ts";
import { cellWorker, pictures } from "../workers.ts";
import { keepNetwork, showMasksOf } from "./masks.ts";
import { uploadOf } from "./upload.ts";

/** File of a result that holds what the network gave. */
const NETWORK_FILE = "network.npy";

/** Ask what a job would take. */
export async function quoteJob(image: Doc): Promise<void> {
  await withBusy("Asking for a quote", async () => {
    const uploadId = await uploadOf(image);
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
  index = 0,
): Promise<void> {
  const { [index]: result } = await api.readResults(job.id);
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
      diameter: described.facts.diameter,
    });
  }
  const bytes = await api.getSigned(tif);
  const show = (z: number, labels: PackedLabels) => {
    planeOf(image, z).warnings.value = described.warnings.filter((
      warning: { plane?: number },
    ) => warning.plane === undefined || warning.plane === z);
    showMasksOf(image, labels, {
      plane: z,
      source: "full",
      emptyReason: described.planes[isStack ? z : 0]?.emptyReason,
    });
  };
  const { size } = image.facts;
  if (!isStack) {
    show(
      plane,
      await cellWorker.call("readLabels", { bytes, size }, [bytes.buffer]),
    );
  } else {
    const id = crypto.randomUUID();
    const facts = await pictures.call("openFile", { id, bytes });
    const planes = facts.planes === image.facts.planes
      ? Array.from({ length: facts.planes }, (_, z) => z)
      : [plane];
    for (const z of planes) {
      const read = await pictures.call("readPlane", { id, plane: z });
      const masks = Uint32Array.from(read.data);
      show(
        z,
        await cellWorker.call("packLabels", { masks, size, target: size }, [
          masks.buffer,
        ]),
      );
    }
    await pictures.call("closeImage", { id });
  }
  tell("note", `${described.count} cells at full resolution`);
}
