import { expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type { Delivery } from "../../shared/queue/types.ts";
import { openTwice } from "../queue/sqlite_backend.ts";
import { serveFolder } from "../servers/folder.ts";
import { createFaults, type Faults } from "./faults.ts";
import { faultyBackend } from "./faulty_backend.ts";
import { faultyStore } from "./faulty_store.ts";

const RATES = { refused: 0.2, unanswered: 0.2, slow: 0.05, slowMs: 1 };

/** Repeat what fails with an error that may be repeated. */
async function persist<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (err) {
      if (!isSegError(err, "storage", "queue")) throw err;
    }
  }
}

test("createFaults() repeats itself for a seed", async () => {
  const play = async (seed: number) => {
    const faults = createFaults(seed, { ...RATES, partial: 0.3 });
    const ends: string[] = [];
    for (let i = 0; i < 60; i++) {
      const call = faults.call(() => Promise.resolve("ok"), Error);
      ends.push(await call.catch((err) => err.message));
      ends.push(`${faults.isPartial()} ${faults.below(10)}`);
    }
    return { ends, counts: faults.counts };
  };
  const first = await play(1);
  expect(await play(1)).toEqual(first);
  expect((await play(2)).ends).not.toEqual(first.ends);
  for (const count of Object.values(first.counts)) {
    expect(count).toBeGreaterThan(0);
  }
});

test("a write-once put() that is repeated through faults is there once", async () => {
  const served = await serveFolder();
  const faults = createFaults(5, { ...RATES, partial: 0.5 });
  const store = faultyStore(served.store, faults);
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  for (let i = 0; i < 30; i++) {
    const put = () =>
      store.put(`once/${i}`, bytes, {
        mediaType: "image/png",
        writeOnce: true,
      });
    // an unanswered put was done: its repetition finds the key taken
    await persist(put).catch((err) => {
      if (!isSegError(err, "conflict")) throw err;
    });
    const read = async () => {
      const { body } = await store.get(`once/${i}`);
      return new Uint8Array(await new Response(body).arrayBuffer());
    };
    expect(await persist(read)).toEqual(bytes);
  }
  expect((await served.store.list("once/")).objects).toHaveLength(30);
  expect(everyKind(faults)).toBe(true);
  await served.remove();
});

test("jobs settle once through lost, doubled and late deliveries", async () => {
  const { backends, advance, remove } = await openTwice();
  const faults = createFaults(9, { ...RATES, partial: 0.4 });
  const backend = faultyBackend(backends[0], faults);
  const queue = await backend.queue("jobs", {
    leaseMs: 1000,
    maxDeliveries: 1000,
  });
  const records = await backend.records<string>("jobs");
  const settled: string[] = [];
  const ids = Array.from({ length: 40 }, (_, i) => `job-${10 + i}`);
  for (const id of ids) {
    await persist(() => records.create(["t", id], "queued")).catch((err) => {
      if (!isSegError(err, "conflict")) throw err;
    });
    await persist(() => queue.publish({ id, body: id }));
  }
  const settle = async ({ id }: Delivery) => {
    const key = ["t", id];
    for (;;) {
      const found = await persist(() => records.get(key));
      if (found?.value !== "queued") return;
      // an answer that is lost is looked for, not asked for again
      const end = await records.update(key, "done", found.revision)
        .then(() => "done", (err) => err);
      if (end === "done" || isSegError(end, "queue")) {
        const { value } = (await persist(() => records.get(key))) ?? {};
        if (value === "done") settled.push(id);
      }
    }
  };
  for (;;) {
    const { waiting, started } = await persist(() => queue.depth());
    if (waiting + started === 0) break;
    for (const delivery of await persist(() => queue.pull({ limit: 5 }))) {
      await settle(delivery);
      await persist(() => delivery.ack());
    }
    await advance(600);
  }
  expect(settled.toSorted()).toEqual(ids);
  expect(everyKind(faults)).toBe(true);
  for (const opened of backends) await opened.close();
  await remove();
});

function everyKind({ counts }: Faults): boolean {
  return Object.values(counts).every((count) => count > 0);
}
