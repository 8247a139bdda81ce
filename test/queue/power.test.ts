/**
 * What is left after a power failure: of an SQLite file, what was on the disk
 * when it was last waited for.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openJobBook } from "../../shared/queue/jobs.ts";
import type { ImageTask, JobBook } from "../../shared/queue/job_types.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import type { QueueBackend } from "../../shared/queue/types.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";

const QUOTE = {
  ...{ images: 1, pixels: 1, tiles: 1, gpuSeconds: 1, price: 1 },
  ...{ currency: "USD", cached: 0 },
};

let folder: string;
let syncs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cytoedge-power-"));
  syncs = 0;
  let isFull = true;
  const exec = DatabaseSync.prototype.exec;
  vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(
    function (this: DatabaseSync, sql: string) {
      const mode = /synchronous = (\w+)/.exec(sql)?.[1];
      if (mode !== undefined) isFull = mode === "FULL";
      exec.call(this, sql);
      if (sql !== "COMMIT" || !isFull) return;
      syncs++;
      keepDisk();
    },
  );
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** What a power failure leaves from here on. */
function keepDisk(): void {
  for (const suffix of ["", "-wal"]) {
    const path = join(folder, `queue.sqlite${suffix}`);
    if (existsSync(path)) copyFileSync(path, join(folder, `disk${suffix}`));
  }
}

const openQueue = () => openSqlite({ path: join(folder, "queue.sqlite") });

/** The book after a power failure. */
async function recover(): Promise<{ book: JobBook; backend: QueueBackend }> {
  const backend = openSqlite({ path: join(folder, "disk") });
  const book = await openJobBook(backend, { now: Date.now, leaseMs: 1 });
  return { book, backend };
}

const create = (book: JobBook, images: number) =>
  book.create({
    id: "job",
    tenant: "lab",
    key: "key",
    images: Array.from({ length: images }, (_, i) => ({
      ...{ upload: `u${i}`, name: `${i}.png`, url: null },
    })),
    parameters: SegmentParameters.parse({}),
    model: "default",
    outputs: ["tif"],
    webhook: null,
    quote: QUOTE,
  });

async function work(book: JobBook): Promise<void> {
  for (;;) {
    const [delivery] = await book.queue.pull();
    if (delivery === undefined) return;
    const task = delivery.body as unknown as ImageTask;
    if (await book.start(task)) {
      await book.settle(task, {
        ...{ state: "succeeded", result: "r", gpuSeconds: 1, price: 1 },
      });
    }
    await delivery.ack();
  }
}

test("create() of a job waits for the disk once, and nothing of it is lost then", async () => {
  const backend = openQueue();
  const book = await openJobBook(backend, { now: Date.now });
  syncs = 0;
  await create(book, 3);
  expect(syncs).toBe(1);
  const after = await recover();
  const job = await after.book.get("lab", "job");
  expect(job).toMatchObject({ state: "queued", total: 3 });
  await work(after.book);
  const done = await after.book.get("lab", "job");
  expect(done).toMatchObject({ state: "succeeded", succeeded: 3 });
  await after.backend.close();
  await backend.close();
});

test("settle() of a job's last image waits for the disk once, before its end is told", async () => {
  const backend = openQueue();
  const book = await openJobBook(backend, { now: Date.now });
  await create(book, 2);
  syncs = 0;
  const over = new AbortController();
  const atEnd = (async () => {
    const { signal } = over;
    for await (const event of book.events.follow(["lab", "job"], { signal })) {
      const { state } = event.data as { state?: string };
      if (event.type === "state" && state === "succeeded") return syncs;
    }
  })();
  await work(book);
  expect(await atEnd).toBe(1);
  expect(syncs).toBe(1);
  over.abort();
  const after = await recover();
  expect(await after.book.get("lab", "job"))
    .toMatchObject({ state: "succeeded", succeeded: 2 });
  // what follows from the end is done again
  await work(after.book);
  await after.book.sweep(Date.now() + 1);
  expect(await after.book.get("lab", "job")).toMatchObject({ isClosed: true });
  await after.backend.close();
  await backend.close();
});

test("a power failure before the end repeats what came after the acceptance", async () => {
  const backend = openQueue();
  const book = await openJobBook(backend, { now: Date.now });
  await create(book, 2);
  const [delivery] = await book.queue.pull();
  const task = delivery.body as unknown as ImageTask;
  await book.start(task);
  await book.settle(task, {
    ...{ state: "succeeded", result: "r", gpuSeconds: 1, price: 1 },
  });
  await delivery.ack();
  const after = await recover();
  await work(after.book);
  expect(await after.book.get("lab", "job"))
    .toMatchObject({ state: "succeeded", succeeded: 2, gpuSeconds: 2 });
  await after.backend.close();
  await backend.close();
});
