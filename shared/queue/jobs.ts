/**
 * Jobs and their images: what is kept of them, and how each ends exactly once.
 *
 * A job is one record; each of its images is a record and a message. An image
 * is settled by compare-and-set on its own record, then counted in the job's
 * bit map, so a repeated delivery settles and counts nothing twice, and one
 * that was cut short between the two is completed by the next.
 *
 * @module
 */
import { ConflictError, isSegError, NotFoundError } from "../errors.ts";
import {
  countBits,
  emptyBits,
  hasBit,
  readBits,
  setBit,
  writeBits,
} from "./bits.ts";
import {
  type ImageOutcome,
  type ImageRecord,
  type ImageTask,
  isFinal,
  type JobBook,
  type JobBookOptions,
  type JobRecord,
} from "./job_types.ts";
import type { Json, QueueBackend, Records } from "./types.ts";

/** A record as the backend sees it. */
type Stored<Value> = Value & { readonly [name: string]: Json };

/** Open the book of jobs. */
export async function openJobBook(
  backend: QueueBackend,
  { now, leaseMs = 30_000, maxDeliveries = 4, onEnd }: JobBookOptions,
): Promise<JobBook> {
  const jobs = await backend.records<Json>("jobs") as unknown as Records<
    Stored<JobRecord>
  >;
  const images = await backend.records<Json>("images") as unknown as Records<
    Stored<ImageRecord>
  >;
  const events = await backend.events("jobs");
  const queue = await backend.queue("jobs", {
    leaseMs,
    maxDeliveries,
    onDead: async ({ body, error, attempts }) => {
      await settle(body as unknown as ImageTask, {
        state: "failed",
        error: `Given up after ${attempts} attempts: ${error}`,
        gpuSeconds: 0,
        price: 0,
      });
    },
  });

  async function read(tenant: string, id: string) {
    const found = await jobs.get([tenant, id]);
    if (found === undefined) throw new NotFoundError("job", id);
    return found;
  }

  async function publish(job: JobRecord): Promise<void> {
    for (let index = 0; index < job.total; index++) {
      const task = { tenant: job.tenant, job: job.id, index };
      await queue.publish({ id: `${job.id}.${index}`, body: task });
    }
    await change<JobRecord>(jobs, [job.tenant, job.id], (value) => ({
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
    const image = await change<ImageRecord>(
      images,
      [tenant, id, `${index}`],
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
    let ended = false;
    const job = await change<JobRecord>(jobs, [tenant, id], (value) => {
      ended = false;
      const bits = readBits(value.settled);
      if (isFinal(value.state) || hasBit(bits, index)) return undefined;
      setBit(bits, index);
      const succeeded = value.succeeded + (image.state === "succeeded" ? 1 : 0);
      const failed = value.failed + (image.state === "succeeded" ? 0 : 1);
      ended = countBits(bits) === value.total;
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
    if (isFinal(job.state)) await tellEnd(job, ended);
    return job;
  }

  async function tellEnd(job: JobRecord, isFirst: boolean): Promise<void> {
    await events.append([job.tenant, job.id], {
      type: "state",
      data: { state: job.state, error: job.error },
      id: "end",
    });
    if (isFirst) await onEnd?.(job);
  }

  return {
    queue,
    events,
    async create({ images: list, ...work }) {
      for (const [index, { upload, name }] of list.entries()) {
        await create(images, [work.tenant, work.id, `${index}`], {
          upload,
          name,
          state: "queued",
          attempts: 0,
          error: null,
          result: null,
          count: null,
          files: [],
          gpuSeconds: 0,
          price: 0,
        });
      }
      const record: JobRecord = {
        ...work,
        state: "queued",
        created: now(),
        started: null,
        finished: null,
        total: list.length,
        succeeded: 0,
        failed: 0,
        settled: writeBits(emptyBits(list.length)),
        gpuSeconds: 0,
        price: 0,
        isPublished: false,
        error: null,
      };
      try {
        await jobs.create([work.tenant, work.id], record as Stored<JobRecord>);
      } catch (err) {
        if (!isSegError(err, "conflict")) throw err;
        // the same request came twice: the first one's job is theirs
        return (await read(work.tenant, work.id)).value;
      }
      await events.append([work.tenant, work.id], {
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
    async image({ tenant, job, index }) {
      const found = await images.get([tenant, job, `${index}`]);
      if (found === undefined) throw new NotFoundError("image", `${index}`);
      return found.value;
    },
    async start({ tenant, job: id, index }) {
      const image = await change<ImageRecord>(
        images,
        [tenant, id, `${index}`],
        (value) =>
          isFinal(value.state)
            ? undefined
            : { ...value, state: "running", attempts: value.attempts + 1 },
      );
      const before = (await read(tenant, id)).value;
      if (isFinal(before.state)) return undefined;
      if (image.state === "succeeded" || image.state === "failed") {
        // settled by one that fell before the job could count it
        const { state, gpuSeconds, price } = image;
        await settle({ tenant, job: id, index }, { state, gpuSeconds, price });
        return undefined;
      }
      const job = await change<JobRecord>(
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
      const job = await change<JobRecord>(jobs, [tenant, id], (value) => {
        if (isFinal(value.state)) {
          throw new ConflictError(`job ${id}`, `has ${value.state} already`);
        }
        return { ...value, state: "cancelled", finished: now() };
      });
      await tellEnd(job, true);
      return job;
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
  };
}

/**
 * Change a record until nobody else did in between.
 *
 * @param next  the new value; undefined: leave it
 * @returns     the record as it is now
 */
async function change<Value>(
  records: Records<Stored<Value>>,
  key: readonly string[],
  next: (value: Value) => Value | undefined,
): Promise<Value> {
  for (;;) {
    const found = await records.get(key);
    if (found === undefined) {
      throw new NotFoundError("record", key[key.length - 1]);
    }
    const value = next(found.value);
    if (value === undefined) return found.value;
    try {
      await records.update(key, value as Stored<Value>, found.revision);
      return value;
    } catch (err) {
      if (!isSegError(err, "conflict")) throw err;
    }
  }
}

/** Create, unless an earlier try did. */
async function create(
  records: Records<Stored<ImageRecord>>,
  key: readonly string[],
  value: ImageRecord,
): Promise<void> {
  try {
    await records.create(key, value as Stored<ImageRecord>);
  } catch (err) {
    if (!isSegError(err, "conflict")) throw err;
  }
}
