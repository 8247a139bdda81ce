/**
 * Where jobs and their images are kept, and what a new one is.
 *
 * @module
 */
import { emptyBits, writeBits } from "./bits.ts";
import type { Stored } from "./change_record.ts";
import {
  type ImageRecord,
  type ImageTask,
  isFinal,
  type JobRecord,
  type NewJob,
} from "./job_types.ts";
import type { Json, QueueBackend, Records } from "./types.ts";

/** Open jobs are looked after for so long, ms. */
const OPEN_MS = 7 * 24 * 3600 * 1000;

/** Open the buckets of jobs. */
export async function openJobRecords(backend: QueueBackend) {
  const images = await backend.records<Json>("images", { isSoon: true });
  return {
    jobs: await openJobs(backend),
    images: images as unknown as Records<Stored<ImageRecord>>,
    open: await backend.records<{ readonly since: number }>("open_jobs", {
      ttlMs: OPEN_MS,
      isSoon: true,
    }),
  };
}

/** Records of jobs: only their ends wait for the disk. */
async function openJobs(
  backend: QueueBackend,
): Promise<Records<Stored<JobRecord>>> {
  const [soon, durable] = await Promise.all(
    [true, false].map((isSoon) => backend.records<Json>("jobs", { isSoon })),
  ) as unknown as Records<Stored<JobRecord>>[];
  return {
    ...soon,
    update: (key, value, revision) => {
      const isEnd = isFinal(value.state) && !value.isClosed;
      return (isEnd ? durable : soon).update(key, value, revision);
    },
  };
}

/** An image before its first attempt. */
export function newImage(image: NewJob["images"][number]): ImageRecord {
  return {
    ...image,
    state: "queued",
    attempts: 0,
    deaths: 0,
    error: null,
    result: null,
    count: null,
    files: [],
    gpuSeconds: 0,
    price: 0,
  };
}

/** A job before its first image. */
export function newJob({ images, ...work }: NewJob, nowMs: number): JobRecord {
  return {
    ...work,
    state: "queued",
    created: nowMs,
    started: null,
    finished: null,
    total: images.length,
    succeeded: 0,
    failed: 0,
    settled: writeBits(emptyBits(images.length)),
    gpuSeconds: 0,
    price: 0,
    isPublished: false,
    isClosed: false,
    error: null,
  };
}

/** Where an image is. */
export function keyOf({ tenant, job, index }: ImageTask): string[] {
  return [tenant, job, `${index}`];
}
