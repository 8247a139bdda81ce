/** Images that end the process that works on them, and those beside them. */
import { expect, test } from "vitest";
import { consumeWork } from "../../shared/queue/consume_work.ts";
import { openJobBook } from "../../shared/queue/jobs.ts";
import type { ImageTask, JobBook } from "../../shared/queue/job_types.ts";
import { openSqlite } from "../../shared/queue/sqlite.ts";
import type { Delivery, JobQueue } from "../../shared/queue/types.ts";
import { SegmentParameters } from "../../shared/schema/parameters.ts";

const LEASE_MS = 200;
const DEADLY = "deadly";
const NOTHING = { gpuSeconds: 0, price: 0 } as const;

async function openBook() {
  const backend = openSqlite({ path: ":memory:" });
  const book = await openJobBook(backend, {
    now: Date.now,
    leaseMs: LEASE_MS,
  });
  return { backend, book };
}

const create = (book: JobBook, names: readonly string[]) =>
  book.create({
    ...{ id: "job", tenant: "lab", key: "key", model: "default" },
    images: names.map((name) => ({ upload: name, name, url: null })),
    parameters: SegmentParameters.parse({}),
    outputs: ["tif"],
    webhook: null,
    quote: {
      ...{ images: 1, pixels: 1, tiles: 1, gpuSeconds: 1, price: 1 },
      ...{ currency: "USD", cached: 0 },
    },
  });

/** A process: what it has leased is silent once it has died. */
function startProcess(book: JobBook, over: Promise<void>) {
  const drain = new AbortController();
  let [isDead, running, most] = [false, 0, 0];
  let die = () => {};
  const died = new Promise<void>((resolve) => die = resolve);
  const unlessDead = async <T>(run: () => Promise<T>, otherwise: T) =>
    isDead ? otherwise : await run();
  const mute = (delivery: Delivery): Delivery => ({
    ...delivery,
    extend: () => unlessDead(() => delivery.extend(), false),
    ack: () => unlessDead(() => delivery.ack(), undefined),
    nak: (options) => unlessDead(() => delivery.nak(options), undefined),
    reject: (error) => unlessDead(() => delivery.reject(error), undefined),
  });
  const queue: JobQueue = {
    ...book.queue,
    pull: async (options) => (await book.queue.pull(options)).map(mute),
  };
  const ended = consumeWork<ImageTask>({
    queue,
    judge: book.judge,
    release: book.release,
    retryMs: () => 1,
    async run(task) {
      const started = await book.start(task);
      if (started === undefined) return;
      most = Math.max(most, ++running);
      // until all of them have begun
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (started.image.name === DEADLY) {
        isDead = true;
        drain.abort();
        die();
      }
      if (isDead) await over;
      running--;
      if (started.image.name === "flaky") throw new Error("not this time");
      if (!isDead) {
        await book.settle(task, { ...NOTHING, state: "succeeded" });
      }
    },
    fail: (task, error) =>
      book.settle(task, { ...NOTHING, state: "failed", error }),
  }, {
    ...{ concurrency: 4, leaseMs: LEASE_MS, drain: drain.signal },
    log: () => {},
  });
  return { died, ended, drain, most: () => most };
}

/** Start a process after the other until the job has ended. */
async function runAll(book: JobBook) {
  let finish = () => {};
  const over = new Promise<void>((resolve) => finish = resolve);
  const all: ReturnType<typeof startProcess>[] = [];
  const stop = new AbortController();
  const isOver = (async () => {
    for await (const { state } of book.watch("lab", "job", stop.signal)) {
      if (state === "succeeded" || state === "failed") return true;
    }
  })();
  for (;;) {
    const process = startProcess(book, over);
    all.push(process);
    if (await Promise.race([isOver, process.died.then(() => false)])) break;
  }
  stop.abort();
  finish();
  for (const { drain } of all) drain.abort();
  await Promise.all(all.map(({ ended }) => ended));
  const page = await book.images("lab", "job", { after: -1, limit: 200 });
  return { processes: all, images: page.map(({ image }) => image) };
}

test(
  "a deadly image fails with a cause after four attempts, none beside it does",
  async () => {
    const { backend, book } = await openBook();
    const names = Array.from({ length: 11 }, (_, i) => `good-${i}`);
    await create(book, names.toSpliced(2, 0, DEADLY));
    const { processes, images } = await runAll(book);
    const failed = images.filter(({ state }) => state !== "succeeded");
    expect(failed).toMatchObject([{
      name: DEADLY,
      state: "failed",
      attempts: 4,
      error: "Given up after 4 attempts: its worker ended without an answer",
    }]);
    // beside others twice, alone twice
    expect(processes).toHaveLength(5);
    expect(await book.queue.deadLetters()).toHaveLength(1);
    await backend.close();
  },
  30_000,
);

test(
  "several deadly images are told apart from those beside them",
  async () => {
    const { backend, book } = await openBook();
    await create(book, ["a", DEADLY, "b", DEADLY, "c", "d"]);
    const { images } = await runAll(book);
    expect(images.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "a succeeded",
      "deadly failed",
      "b succeeded",
      "deadly failed",
      "c succeeded",
      "d succeeded",
    ]);
    await backend.close();
  },
  30_000,
);

test(
  "an image whose attempts fail in peace is given up after four, beside others",
  async () => {
    const { backend, book } = await openBook();
    await create(book, ["flaky", "a"]);
    const { processes, images } = await runAll(book);
    expect(processes).toHaveLength(1);
    expect(images).toMatchObject([{
      ...{ state: "failed", attempts: 4, deaths: 0 },
      error: "Given up after 4 attempts: not this time",
    }, { state: "succeeded" }]);
    await backend.close();
  },
  30_000,
);
