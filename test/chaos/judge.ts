/**
 * What must hold at the end of a run, whatever went wrong in it.
 *
 * @module
 */
import type { JobBook, JobRecord } from "../../shared/queue/job_types.ts";
import type { JobQueue } from "../../shared/queue/types.ts";
import { isFinal } from "../../shared/queue/job_types.ts";
import type { UsageBook } from "../../shared/queue/usage.ts";
import type { Client } from "./client.ts";
import { sha256 } from "./config.ts";
import { isCompared } from "./images.ts";
import type { SentJob } from "./load.ts";

/** How long jobs may take to end after the last fault, ms. */
const END_MS = 90_000;
/** How long messages may stay behind the last job's end, ms. */
const EMPTY_MS = 30_000;

/** What was found. */
export interface Verdict {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Jobs that have not ended. */
  readonly lost: number;
  /** Jobs that ended, or were charged, more than once. */
  readonly twice: number;
  /** Files compared with those of an undisturbed run. */
  readonly files: number;
  /** Images without fault of their own that were given up. */
  readonly givenUp: number;
  /** Everything that is wrong, in words. */
  readonly faults: readonly string[];
}

/** Wait for the jobs' ends and check them. */
export async function judge(
  { client, book, usage, tenant }: {
    client: Client;
    book: JobBook;
    usage: UsageBook;
    tenant: string;
  },
  sent: readonly SentJob[],
): Promise<Verdict> {
  const faults: string[] = [];
  const ends = { succeeded: 0, failed: 0, cancelled: 0 };
  let [lost, twice, files, givenUp, charged] = [0, 0, 0, 0, 0];
  const deadline = performance.now() + END_MS;
  for (const { id, images, isCancelled } of sent) {
    const job = await waitForEnd(book, { tenant, id }, deadline);
    if (!isFinal(job.state)) {
      lost++;
      faults.push(
        `${id} is ${job.state}, ${job.succeeded + job.failed} of ${job.total}`,
      );
      continue;
    }
    ends[job.state as keyof typeof ends]++;
    charged += job.succeeded;
    if (!job.isClosed) faults.push(`${id} is not closed`);
    if (job.state === "failed" && !job.error) faults.push(`${id}: no cause`);
    if (job.state === "cancelled" && !isCancelled) {
      faults.push(`${id} was cancelled by nobody`);
    }
    if (await countEnds(book, job) !== 1) {
      twice++;
      faults.push(`${id} has not one end`);
    }
    const found = await judgeImages(client, { job, images });
    files += found.files;
    givenUp += found.givenUp;
    faults.push(...found.faults);
  }
  const left = await waitForEmpty(book.queue);
  if (left > 0) faults.push(`the queue holds ${left} messages`);
  const days = await usage.list(tenant);
  const images = days.reduce((sum, day) => sum + day.images, 0);
  if (images !== charged) {
    twice += Math.abs(images - charged);
    faults.push(`${images} images are charged, ${charged} succeeded`);
  }
  return { ...ends, lost, twice, files, givenUp, faults };
}

async function waitForEnd(
  book: JobBook,
  { tenant, id }: { tenant: string; id: string },
  deadline: number,
): Promise<JobRecord> {
  for (;;) {
    const job = await book.get(tenant, id);
    const isOver = isFinal(job.state) && job.isClosed;
    if (isOver || performance.now() > deadline) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Messages that are left after a while: acks follow a job's end. */
export async function waitForEmpty(queue: JobQueue): Promise<number> {
  const deadline = performance.now() + EMPTY_MS;
  for (;;) {
    const { waiting, started } = await queue.depth();
    const left = waiting + started;
    if (left === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function countEnds(book: JobBook, job: JobRecord): Promise<number> {
  const events = await book.events.read([job.tenant, job.id], { limit: 1000 });
  return events.filter(({ type, data }) =>
    type === "state" &&
    isFinal((data as { state: JobRecord["state"] }).state)
  ).length;
}

async function judgeImages(
  client: Client,
  { job, images }: { job: JobRecord; images: SentJob["images"] },
) {
  const faults: string[] = [];
  const { body } = await client.call("GET", `/v1/jobs/${job.id}/results`);
  let [files, givenUp, succeeded, failed] = [0, 0, 0, 0];
  for (const image of body.images) {
    const want = images[image.index];
    const at = `${job.id} image ${image.index}`;
    if (image.state === "failed") {
      failed++;
      if (!image.error) faults.push(`${at}: no cause`);
      if (want !== undefined) givenUp++;
      continue;
    }
    if (image.state === "cancelled") {
      if (job.state !== "cancelled") faults.push(`${at} was cancelled`);
      continue;
    }
    if (image.state !== "succeeded") {
      faults.push(`${at} is ${image.state}`);
      continue;
    }
    succeeded++;
    if (want === undefined) {
      faults.push(`${at} cannot succeed, and did`);
      continue;
    }
    const got = Object.keys(image.files).filter(isCompared).sort();
    if (got.join() !== Object.keys(want.digests).sort().join()) {
      faults.push(`${at} has the files ${got.join()}`);
    }
    for (const file of got) {
      const bytes = await client.download(image.files[file].url);
      files++;
      if (sha256(bytes) !== want.digests[file]) {
        faults.push(`${at}: ${file} differs from the undisturbed run's`);
      }
    }
  }
  // what was finished after a cancellation is usable, and not counted
  const isCounted = job.state !== "cancelled";
  if (isCounted && (succeeded !== job.succeeded || failed !== job.failed)) {
    faults.push(
      `${job.id} counts ${job.succeeded}+${job.failed} images, has ${succeeded}+${failed}`,
    );
  }
  return { files, givenUp, faults };
}
