/**
 * Jobs and their images: what is kept of them, and how each ends exactly once.
 *
 * A job is one record; each of its images is a record and a message. An image
 * is settled by compare-and-set on its own record, then counted in the job's
 * bit map, so a repeated delivery settles and counts nothing twice, and one
 * that was cut short between the two is completed by the next.
 *
 * A job is open from before its record is written until all that follows from
 * its end is done (`isClosed`). Whoever falls in between leaves it in the
 * bucket of open jobs, where a redelivery or `sweep` goes on.
 *
 * The disk is waited for twice: with the messages of a job that is accepted,
 * and with the record of its end, before that is told. What was written before
 * a durable write survives with it, what came after is repeated.
 *
 * One file although long: each step counts on the order of the others.
 *
 * @module
 */
import { ConflictError, NotFoundError } from "../errors.ts";
import { countBits, hasBit, readBits, setBit, writeBits } from "./bits.ts";
import { changeRecord, createRecord, forEachIndex } from "./change_record.ts";
import { keyOf, newImage, newJob, openJobRecords } from "./job_records.ts";
import {
  type ImageOutcome,
  type ImageRecord,
  type ImageTask,
  isFinal,
  type JobBook,
  type JobBookOptions,
  type JobRecord,
} from "./job_types.ts";
import { eachRecord } from "./pages.ts";
import type { DeadLetter, QueueBackend } from "./types.ts";

/** Deaths of its worker after which an image is run alone. */
const RISKY_DEATHS = 2;
const DELIVERIES_PER_ATTEMPT = 8;
/** Records or messages that are written at a time. */
const AT_ONCE = 16;
/** A job may take so long to be written down, ms. */
const CREATE_MS = 10 * 60 * 1000;

/** Open the book of jobs. */
export async function openJobBook(
  backend: QueueBackend,
  { now, leaseMs = 30_000, maxAttempts = 4, onEnd }: JobBookOptions,
): Promise<JobBook> {
  const { jobs, images, open } = await openJobRecords(backend);
  const events = await backend.events("jobs");
  const queue = await backend.queue("jobs", {
    leaseMs,
    // not every delivery is begun: some wait beside an image that is deadly
    maxDeliveries: maxAttempts * DELIVERIES_PER_ATTEMPT,
    onDead: bury,
  });

  async function read(tenant: string, id: string) {
    const found = await jobs.get([tenant, id]);
    if (found === undefined) throw new NotFoundError("job", id);
    return found;
  }

  /** A message that used up its deliveries; "forget": there was no need. */
  async function bury(
    { body, error, attempts }: DeadLetter,
  ): Promise<"forget" | void> {
    const task = body as unknown as ImageTask;
    const job = (await jobs.get([task.tenant, task.job]))?.value;
    if (job === undefined) return "forget";
    const begun = (await images.get(keyOf(task)))?.value.attempts;
    const end: ImageOutcome = {
      state: "failed",
      error: `Given up after ${begun || attempts} attempts: ${error}`,
      gpuSeconds: 0,
      price: 0,
    };
    if (isFinal(job.state)) {
      await close(job);
      return "forget";
    }
    await settle(task, end);
    // it may have been settled before, and only its ack was missing
    const image = (await images.get(keyOf(task)))?.value;
    if (image?.error !== end.error) return "forget";
  }

  async function publish(job: JobRecord): Promise<void> {
    const { tenant, id } = job;
    await forEachIndex(job.total, AT_ONCE, (index) => {
      const task = { tenant, job: id, index };
      return queue.publish({ id: `${id}.${index}`, body: task });
    });
    await changeRecord<JobRecord>(jobs, [tenant, id], (value) => ({
      ...value,
      isPublished: true,
    }));
  }

  async function settle(
    task: ImageTask,
    outcome: ImageOutcome,
  ): Promise<JobRecord> {
    const { tenant, job: id, index } = task;
    // of two that settle, the outcome of the first is kept
    const image = await changeRecord<ImageRecord>(
      images,
      keyOf(task),
      (value) =>
        isFinal(value.state) ? undefined : {
          ...value,
          state: outcome.state,
          error: outcome.error ?? null,
          result: outcome.result ?? null,
          count: outcome.count ?? null,
          files: outcome.files ?? [],
          gpuSeconds: outcome.gpuSeconds,
          price: outcome.price,
        },
    );
    const job = await changeRecord<JobRecord>(jobs, [tenant, id], (value) => {
      const bits = readBits(value.settled);
      if (isFinal(value.state) || hasBit(bits, index)) return undefined;
      setBit(bits, index);
      const succeeded = value.succeeded + (image.state === "succeeded" ? 1 : 0);
      const failed = value.failed + (image.state === "succeeded" ? 0 : 1);
      const ended = countBits(bits) === value.total;
      return {
        ...value,
        settled: writeBits(bits),
        succeeded,
        failed,
        gpuSeconds: value.gpuSeconds + image.gpuSeconds,
        price: value.price + image.price,
        started: value.started ?? now(),
        ...(ended
          ? {
            state: succeeded > 0 ? "succeeded" as const : "failed" as const,
            finished: now(),
            error: succeeded > 0 ? null : image.error ?? "All images failed",
          }
          : { state: "running" as const }),
      };
    });
    await events.append([tenant, id], {
      type: "image",
      data: {
        index,
        state: image.state,
        count: image.count,
        error: image.error,
      },
      id: `image-${index}`,
    });
    // also by a repeat whose forerunner fell between record and event
    if (isFinal(job.state)) await close(job);
    return job;
  }

  /** Do all that follows from a job's end, at least once. */
  async function close(job: JobRecord): Promise<void> {
    if (job.isClosed) return;
    const key = [job.tenant, job.id];
    await events.append(key, {
      type: "state",
      data: { state: job.state, error: job.error },
      id: "end",
    });
    await onEnd?.(job);
    await changeRecord<JobRecord>(jobs, key, (value) => ({
      ...value,
      isClosed: true,
    }));
    await open.delete(key);
  }

  return {
    queue,
    events,
    async create({ images: list, ...work }) {
      const key = [work.tenant, work.id];
      await createRecord(open, key, { since: now() });
      await forEachIndex(
        list.length,
        AT_ONCE,
        (index) =>
          createRecord<ImageRecord>(
            images,
            [...key, `${index}`],
            newImage(list[index]),
          ),
      );
      const record = newJob({ ...work, images: list }, now());
      if (!await createRecord<JobRecord>(jobs, key, record)) {
        // the same request came twice: the first one's job is theirs
        return (await read(work.tenant, work.id)).value;
      }
      await events.append(key, {
        type: "state",
        data: { state: "queued" },
        id: "queued",
      });
      await publish(record);
      return { ...record, isPublished: true };
    },
    async get(tenant, id) {
      return (await read(tenant, id)).value;
    },
    async list(tenant, { after, limit }) {
      const page = await jobs.list([tenant], {
        limit,
        newestFirst: true,
        ...(after === undefined ? {} : { after: [tenant, after] }),
      });
      return page.map(({ value }) => value);
    },
    async images(tenant, id, { after, limit }) {
      const { value: job } = await read(tenant, id);
      const indices = Array.from(
        { length: Math.max(0, Math.min(limit, job.total - after - 1)) },
        (_, i) => after + 1 + i,
      );
      return await Promise.all(indices.map(async (index) => {
        const found = await images.get([tenant, id, `${index}`]);
        if (found === undefined) throw new NotFoundError("image", `${index}`);
        return { index, image: found.value };
      }));
    },
    async image(task) {
      const found = await images.get(keyOf(task));
      if (found === undefined) {
        throw new NotFoundError("image", `${task.index}`);
      }
      return found.value;
    },
    async judge(task) {
      const image = (await images.get(keyOf(task)))?.value;
      const isBegun = image?.state === "running";
      if (isBegun && image.attempts >= maxAttempts) {
        return { giveUp: "its worker ended without an answer" };
      }
      const deaths = (image?.deaths ?? 0) + (isBegun ? 1 : 0);
      return deaths < RISKY_DEATHS ? "beside others" : "alone";
    },
    async release(task) {
      const { attempts } = await changeRecord<ImageRecord>(
        images,
        keyOf(task),
        (value) =>
          value.state === "running" ? { ...value, state: "queued" } : undefined,
      );
      return attempts < maxAttempts;
    },
    async start(task) {
      const { tenant, job: id } = task;
      const before = (await jobs.get([tenant, id]))?.value;
      if (before === undefined) return undefined;
      if (isFinal(before.state)) {
        // by one that fell before all was done that follows from it
        await close(before);
        return undefined;
      }
      const image = await changeRecord<ImageRecord>(
        images,
        keyOf(task),
        (value) =>
          isFinal(value.state) ? undefined : {
            ...value,
            state: "running",
            attempts: value.attempts + 1,
            // nobody has said how the last attempt ended
            deaths: (value.deaths ?? 0) + (value.state === "running" ? 1 : 0),
          },
      );
      if (image.state === "succeeded" || image.state === "failed") {
        // settled by one that fell before the job could count it
        const { state, gpuSeconds, price } = image;
        await settle(task, { state, gpuSeconds, price });
        return undefined;
      }
      const job = await changeRecord<JobRecord>(
        jobs,
        [tenant, id],
        (value) =>
          value.state === "queued"
            ? { ...value, state: "running", started: now() }
            : undefined,
      );
      if (before.state === "queued" && job.state === "running") {
        await events.append([tenant, id], {
          type: "state",
          data: { state: "running" },
          id: "running",
        });
      }
      return { job, image };
    },
    settle,
    async cancel(tenant, id) {
      await read(tenant, id);
      let before: JobRecord["state"] = "queued";
      const job = await changeRecord<JobRecord>(jobs, [tenant, id], (value) => {
        before = value.state;
        return isFinal(value.state)
          ? undefined
          : { ...value, state: "cancelled", finished: now() };
      });
      await close(job);
      if (!isFinal(before)) return job;
      throw new ConflictError(`job ${id}`, `has ${before} already`);
    },
    async report({ tenant, job, index }, { done, total }) {
      await events.append([tenant, job], {
        type: "progress",
        data: { index, done, total },
      });
    },
    async *watch(tenant, id, signal) {
      for await (const change of jobs.watch([tenant, id], signal)) {
        if (change.value !== undefined) yield change.value;
      }
    },
    async republish(tenant, id) {
      const { value } = await read(tenant, id);
      if (!value.isPublished && !isFinal(value.state)) await publish(value);
    },
    async open({ after, limit }) {
      const page = await open.list([], {
        limit,
        ...(after === undefined ? {} : { after: [after.tenant, after.id] }),
      });
      return page.map(({ key: [tenant, id], value: { since } }) => ({
        tenant,
        id,
        since,
      }));
    },
    async sweep(beforeMs) {
      let mended = 0;
      for await (const { key, value: { since } } of eachRecord(open, [])) {
        if (since > beforeMs) continue;
        const job = (await jobs.get(key))?.value;
        if (job === undefined) {
          if (since < now() - CREATE_MS) await open.delete(key);
          continue;
        }
        if (isFinal(job.state)) {
          // closed since the page was read, perhaps long ago: a use that is
          // told again so late is no longer remembered
          if (await open.get(key) === undefined) continue;
          await close({ ...job, isClosed: false });
        } else if (!job.isPublished) await publish(job);
        else continue;
        mended++;
      }
      return mended;
    },
  };
}
