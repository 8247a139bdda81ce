/**
 * A disk that is full for a while: the folder store, edge and worker in one
 * process. Jobs end when there is space again, or fail and say why.
 *
 * @module
 */
import { isFinal } from "../../shared/queue/job_types.ts";
import { StorageError } from "../../shared/errors.ts";
import { startTestService } from "../edge/service.ts";
import { sha256 } from "./config.ts";
import { waitForEmpty } from "./judge.ts";
import {
  isCompared,
  type KnownImage,
  OUTPUTS,
  parametersOf,
} from "./images.ts";

/** How long the disk is full, ms: less than all attempts take, and for good. */
const FULL_MS = [1_500, Infinity];

/** Fill the disk twice; what is wrong comes back in words. */
export async function runDiskFull(
  known: readonly KnownImage[],
): Promise<{ count: number; jobs: number; faults: string[] }> {
  const faults: string[] = [];
  for (const [k, fullMs] of FULL_MS.entries()) {
    const service = await startTestService();
    try {
      const uploads: string[] = [];
      for (const { name, bytes } of known) {
        uploads.push(await service.upload(name, bytes));
      }
      const { store } = service.deps;
      const put = store.put;
      store.put = (key) =>
        Promise.reject(new StorageError("put", key, { isFull: true }));
      if (fullMs < Infinity) setTimeout(() => store.put = put, fullMs);
      const { body: job } = await service.call("POST", "/v1/jobs", {
        json: {
          images: uploads.map((upload) => ({ upload })),
          parameters: parametersOf(1_000 + k),
          outputs: OUTPUTS,
        },
      });
      const ended = await service.finish(job.id);
      const { body } = await service.call("GET", `/v1/jobs/${job.id}/results`);
      if (!isFinal(ended.state)) faults.push(`disk full: ${ended.state}`);
      for (const image of body.images) {
        if (image.state === "failed" && /no space is left/.test(image.error)) {
          continue;
        }
        const want = known[image.index].digests;
        for (const file of Object.keys(image.files).filter(isCompared)) {
          const { url } = image.files[file];
          const answer = await service.fetch(new Request(url));
          const bytes = new Uint8Array(await answer.arrayBuffer());
          if (sha256(bytes) !== want[file]) {
            faults.push(`disk full: ${file} differs`);
          }
        }
        if (image.state !== "succeeded") {
          faults.push(`disk full: ${image.state}, ${image.error}`);
        }
      }
      const shouldSucceed = fullMs < Infinity;
      if ((ended.state === "succeeded") !== shouldSucceed) {
        faults.push(`disk full for ${fullMs} ms: ${ended.state}`);
      }
      const left = await waitForEmpty(service.deps.jobs.queue);
      if (left > 0) faults.push(`disk full: ${left} messages are left`);
    } finally {
      await service.close();
    }
  }
  return { count: FULL_MS.length, jobs: FULL_MS.length, faults };
}
