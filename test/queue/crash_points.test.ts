import { expect, test } from "vitest";
import { openUsageBook } from "../../shared/queue/usage.ts";
import { QueueError } from "../../shared/errors.ts";
import { openJobBook } from "../../shared/queue/jobs.ts";
import type { ImageTask, JobBook } from "../../shared/queue/job_types.ts";
import type { QueueBackend } from "../../shared/queue/types.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";
import { faultyBackend } from "../faults/faulty_backend.ts";
import type { Faults } from "../faults/faults.ts";
import { openTwice } from "./sqlite_backend.ts";

const QUOTE = {
  images: 2,
  pixels: 2,
  tiles: 2,
  gpuSeconds: 2,
  price: 2,
  currency: "USD",
  cached: 0,
};

/** A process that falls at its `at`-th call, after it was done or before. */
function falls(at: number, isDone: boolean): Faults & { calls(): number } {
  let calls = 0;
  return {
    async call(run, fail) {
      calls++;
      if (calls > at || (calls === at && !isDone)) throw fail("fallen");
      const value = await run();
      if (calls === at) throw fail("fallen");
      return value;
    },
    isPartial: () => false,
    below: () => 0,
    counts: { refused: 0, unanswered: 0, slow: 0, partial: 0 },
    stop: () => {},
    calls: () => calls,
  };
}

async function openBooks(backend: QueueBackend, now: () => number) {
  const usage = openUsageBook(await backend.records("usage"), now);
  const book = await openJobBook(backend, {
    now,
    leaseMs: 1000,
    onEnd: ({ tenant, id, finished, succeeded }) =>
      usage.add({ tenant, id: "key" }, { images: succeeded }, {
        id,
        atMs: finished ?? 0,
      }),
  });
  return { book, usage };
}

const create = (book: JobBook) =>
  book.create({
    id: "job",
    tenant: "lab",
    key: "key",
    images: ["a", "b"].map((name) => ({ upload: name, name, url: null })),
    parameters: SegmentParameters.parse({}),
    model: "default",
    outputs: ["tif"],
    webhook: null,
    quote: QUOTE,
  });

/** Take and settle what there is; false where there was nothing. */
async function work(book: JobBook): Promise<boolean> {
  const [delivery] = await book.queue.pull();
  if (delivery === undefined) return false;
  const task = delivery.body as unknown as ImageTask;
  if (await book.start(task) !== undefined) {
    await book.settle(task, {
      state: "succeeded",
      result: `r${task.index}`,
      gpuSeconds: 1,
      price: 1,
    });
  }
  await delivery.ack();
  return true;
}

/** A creation and all its work, by a process that falls; then by others. */
async function runWithFall(at: number, isDone: boolean): Promise<number> {
  const { backends, advance, now, remove } = await openTwice();
  const faults = falls(at, isDone);
  try {
    const first = await openBooks(faultyBackend(backends[0], faults), now);
    try {
      await create(first.book);
      while (await work(first.book));
    } catch (err) {
      if (!(err instanceof QueueError)) throw err;
    }
    const { book, usage } = await openBooks(backends[1], now);
    // the caller had no answer, and asks again
    await create(book);
    for (let i = 0; i < 4; i++) {
      await advance(1100);
      while (await work(book));
      await book.sweep(now());
    }
    const job = await book.get("lab", "job");
    expect(job, `call ${at}`).toMatchObject({
      ...{ state: "succeeded", succeeded: 2, failed: 0, gpuSeconds: 2 },
      isClosed: true,
    });
    expect(await usage.list("lab"), `call ${at}`)
      .toMatchObject([{ images: 2 }]);
    const depth = await book.queue.depth();
    expect(depth).toMatchObject({ waiting: 0, started: 0, dead: 0 });
    const events = await book.events.read(["lab", "job"]);
    const ends = events.filter(({ data }) =>
      (data as { state?: string }).state === "succeeded" &&
      !("index" in (data as object))
    );
    expect(ends, `call ${at}`).toHaveLength(1);
    return faults.calls();
  } finally {
    for (const backend of backends) await backend.close();
    await remove();
  }
}

test("openJobBook() ends and charges a job once, wherever its process falls", async () => {
  const all = await runWithFall(Infinity, false);
  expect(all).toBeGreaterThan(30);
  for (let at = 1; at <= all; at++) {
    await runWithFall(at, false);
    await runWithFall(at, true);
  }
});

test("sweep() charges no job that was closed while it read others", async () => {
  const { backends, advance, now, remove } = await openTwice();
  const { book, usage } = await openBooks(backends[0], now);
  await create(book);
  await advance(10);
  const { book: other } = await openBooks({
    ...backends[1],
    records: async (name, ...rest) => {
      const records = await backends[1].records(name, ...rest);
      if (name !== "open_jobs") return records as never;
      return {
        ...records,
        // an hour goes by between the list and the look at its items
        async list(...args: Parameters<typeof records.list>) {
          const page = await records.list(...args);
          while (await work(book));
          for (let k = 0; k < 1001; k++) {
            const once = { id: `other ${k}`, atMs: now() };
            await usage.add({ tenant: "lab", id: "key" }, {}, once);
          }
          return page;
        },
      } as never;
    },
  }, now);
  expect(await other.sweep(now())).toBe(0);
  expect(await book.get("lab", "job")).toMatchObject({ isClosed: true });
  expect(await usage.list("lab")).toMatchObject([{ images: 2 }]);
  for (const backend of backends) await backend.close();
  await remove();
});

test("sweep() queues what an edge wrote down and did not queue", async () => {
  const { backends, advance, now, remove } = await openTwice();
  const faulty = faultyBackend(backends[0], falls(Infinity, false));
  const { book } = await openBooks({
    ...faulty,
    queue: async (...args) => ({
      ...await faulty.queue(...args),
      publish: () => Promise.reject(new QueueError("publish")),
    }),
  }, now);
  await expect(create(book)).rejects.toBeInstanceOf(QueueError);
  const { book: other } = await openBooks(backends[1], now);
  expect(await other.queue.depth()).toMatchObject({ waiting: 0 });
  expect(await other.sweep(now() - 1)).toBe(0);
  await advance(10);
  expect(await other.sweep(now() - 1)).toBe(1);
  while (await work(other));
  expect(await other.get("lab", "job")).toMatchObject({ state: "succeeded" });
  expect(await other.sweep(now())).toBe(0);
  for (const backend of backends) await backend.close();
  await remove();
});

test("messages of no job, and of one that has ended, leave no dead letter", async () => {
  const { backends, advance, now, remove } = await openTwice();
  const { book } = await openBooks(backends[0], now);
  await create(book);
  const none = { tenant: "lab", job: "none", index: 0 };
  await book.queue.publish({ id: "none.0", body: none });
  await book.cancel("lab", "job");
  for (let i = 0; i < 34; i++) {
    await book.queue.pull({ limit: 10 });
    await advance(1100);
  }
  expect(await book.queue.depth()).toMatchObject({
    ...{ waiting: 0, started: 0, dead: 0 },
  });
  expect(await book.get("lab", "job")).toMatchObject({ state: "cancelled" });
  for (const backend of backends) await backend.close();
  await remove();
});
