/**
 * What every queue backend does, on whatever it runs. Run by one test file for
 * each adapter; long because it is one list of promises, in the order of the
 * contract's operations.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type {
  DeadLetter,
  Delivery,
  JobQueue,
  QueueBackend,
  QueueOptions,
  RecordChange,
  StoredEvent,
} from "../../shared/queue/types.ts";

/** A backend to test, how time passes for it, and how to be rid of it. */
export interface BackendUnderTest {
  /** Two connections, as of two processes. */
  readonly backends: readonly [QueueBackend, QueueBackend];
  /** Let time pass for the backend. */
  advance(ms: number): Promise<void>;
  remove(): Promise<void>;
}

/** Long enough for a busy machine, short enough to wait for. */
const LEASE_MS = 1000;

/** When a lease is over. */
const EXPIRED_MS = LEASE_MS + 250;

/** Bounds a wait that should end much earlier. */
const WAIT_MS = 10_000;

const DEFAULTS: QueueOptions = { leaseMs: LEASE_MS, maxDeliveries: 3 };

/** Hold an adapter to the contract. */
export function describeBackend(
  name: string,
  open: () => Promise<BackendUnderTest>,
): void {
  describe(`queue backend: ${name}`, () => {
    let opened: BackendUnderTest;
    let one: QueueBackend;
    let two: QueueBackend;
    beforeAll(async () => {
      opened = await open();
      [one, two] = opened.backends;
    });
    afterAll(async () => {
      await one?.close();
      await two?.close();
      await opened?.remove();
    });

    let queues = 0;
    /** A new queue, over both connections. */
    async function newQueue(
      options: Partial<QueueOptions> = {},
    ): Promise<[JobQueue, JobQueue]> {
      const queue = `queue-${queues++}`;
      const said = { ...DEFAULTS, ...options };
      return [await one.queue(queue, said), await two.queue(queue, said)];
    }

    describe("queue", () => {
      test("publish() hands a message to one consumer", async () => {
        const [q1, q2] = await newQueue();
        const body = { job: "a", n: 1, list: [true, null, "µm"] };
        expect(await q1.publish({ id: "a", body })).toEqual({
          isDuplicate: false,
        });
        const delivery = await pullOne(q2);
        expect(delivery).toMatchObject({ id: "a", body, attempt: 1 });
        expect(delivery.publishedMs).toBeGreaterThan(0);
        expect(await q1.pull()).toEqual([]);
        await delivery.ack();
        await opened.advance(EXPIRED_MS);
        expect(await q1.pull()).toEqual([]);
        expect(await q1.depth()).toEqual(EMPTY);
      });

      test("publish() drops a second message of the same id", async () => {
        const [q1, q2] = await newQueue();
        await q1.publish({ id: "a.block-1", body: 1 });
        const again = await q2.publish({ id: "a.block-1", body: 2 });
        expect(again).toEqual({ isDuplicate: true });
        const delivery = await pullOne(q1);
        expect(delivery.body).toBe(1);
        await delivery.ack();
        // remembered though it is done
        expect(await q1.publish({ id: "a.block-1", body: 3 })).toEqual(again);
        expect(await q1.pull()).toEqual([]);
      });

      test("publish() refuses what no queue can carry", async () => {
        const [queue] = await newQueue();
        const wrong = [
          { id: "", body: 1 },
          { id: "a b", body: 1 },
          { id: "a..b", body: 1 },
          { id: "a.>", body: 1 },
          { id: "a", body: "x".repeat(600_000) },
        ];
        for (const message of wrong) {
          await expect((async () => await queue.publish(message))()).rejects
            .toThrow(RangeError);
        }
        await queue.publish({ id: "a", body: "x".repeat(500_000) });
        expect((await pullOne(queue)).body).toHaveLength(500_000);
      });

      test("pull() gives the oldest first, up to a limit", async () => {
        const [q1, q2] = await newQueue();
        for (let i = 0; i < 7; i++) await q1.publish({ id: `m${i}`, body: i });
        const first = await q1.pull({ limit: 3 });
        expect(first.map(({ body }) => body)).toEqual([0, 1, 2]);
        const rest = await q2.pull({ limit: 100 });
        expect(rest.map(({ body }) => body)).toEqual([3, 4, 5, 6]);
        expect(await q1.depth()).toMatchObject({ waiting: 0, started: 7 });
        for (const delivery of [...first, ...rest]) await delivery.ack();
      });

      test("pull() waits for a message, of another process too", async () => {
        const [q1, q2] = await newQueue();
        const waiting = q1.pull({ waitMs: WAIT_MS });
        await q2.publish({ id: "a", body: 1 });
        const [delivery] = await waiting;
        expect(delivery.id).toBe("a");
        await delivery.ack();
        const same = q1.pull({ waitMs: WAIT_MS });
        await q1.publish({ id: "b", body: 1 });
        const [other] = await same;
        expect(other.id).toBe("b");
        await other.ack();
      });

      test("pull() stops waiting at its signal", async () => {
        const [queue] = await newQueue();
        const stop = new AbortController();
        const waiting = queue.pull({ waitMs: 60_000, signal: stop.signal });
        setTimeout(() => stop.abort(), 50);
        expect(await waiting).toEqual([]);
        // nothing was leased behind the back of whoever stopped
        await queue.publish({ id: "a", body: 1 });
        expect((await pullOne(queue)).attempt).toBe(1);
      });

      test("a lease that expires lets another have the message", async () => {
        const [q1, q2] = await newQueue();
        await q1.publish({ id: "a", body: 1 });
        const lost = await pullOne(q1);
        await opened.advance(EXPIRED_MS);
        const second = await pullOne(q2);
        expect(second).toMatchObject({ id: "a", attempt: 2 });
        expect(await lost.extend()).toBe(false);
        await lost.nak({ error: "late" });
        expect(await q1.pull()).toEqual([]);
        expect(await second.extend()).toBe(true);
        await second.ack();
        expect(await q1.depth()).toEqual(EMPTY);
      });

      test("extend() keeps a message for longer than a lease", async () => {
        const [q1, q2] = await newQueue();
        await q1.publish({ id: "a", body: 1 });
        const delivery = await pullOne(q1);
        for (let i = 0; i < 3; i++) {
          await opened.advance(LEASE_MS / 2);
          expect(await delivery.extend()).toBe(true);
          expect(await q2.pull()).toEqual([]);
        }
        await delivery.ack();
        expect(await delivery.extend()).toBe(false);
        await opened.advance(EXPIRED_MS);
        expect(await q2.pull()).toEqual([]);
      });

      test("nak() gives a message back, at once or later", async () => {
        const [q1, q2] = await newQueue();
        await q1.publish({ id: "a", body: 1 });
        await (await pullOne(q1)).nak({ error: "once" });
        const second = await pullOne(q2);
        expect(second.attempt).toBe(2);
        await second.nak({ error: "later", delayMs: 1.5 * LEASE_MS });
        expect(await q1.pull()).toEqual([]);
        expect(await q1.depth()).toMatchObject({ waiting: 0, started: 1 });
        await opened.advance(1.75 * LEASE_MS);
        const third = await pullOne(q1);
        expect(third.attempt).toBe(3);
        await third.ack();
      });

      test("nak() of the last attempt keeps the message and its error", async () => {
        const seen: DeadLetter[] = [];
        const onDead = (letter: DeadLetter) => {
          seen.push(letter);
          return Promise.resolve();
        };
        const [q1, q2] = await newQueue({ maxDeliveries: 2, onDead });
        await q1.publish({ id: "poison", body: { job: 1 } });
        await (await pullOne(q1)).nak({ error: "first" });
        await (await pullOne(q2)).nak({ error: "second" });
        expect(await q1.pull()).toEqual([]);
        const letter = {
          id: "poison",
          body: { job: 1 },
          attempts: 2,
          error: "second",
        };
        expect(seen).toMatchObject([letter]);
        expect(await q2.deadLetters()).toMatchObject([letter]);
        expect(await q1.depth()).toEqual({ ...EMPTY, dead: 1 });
      });

      test("a message whose leases all expire goes to the dead letters", async () => {
        const [q1, q2] = await newQueue({ maxDeliveries: 2 });
        await q1.publish({ id: "crash", body: 1 });
        for (const queue of [q1, q2]) {
          await pullOne(queue);
          await opened.advance(EXPIRED_MS);
        }
        expect(await q1.pull()).toEqual([]);
        const [letter] = await q1.deadLetters();
        expect(letter).toMatchObject({ id: "crash", attempts: 2 });
        expect(letter.error).toContain("lease expired");
      });

      test("reject() is for what can never succeed", async () => {
        const [q1] = await newQueue();
        await q1.publish({ id: "bad", body: 1 });
        await (await pullOne(q1)).reject("no image");
        await opened.advance(EXPIRED_MS);
        expect(await q1.pull()).toEqual([]);
        expect(await q1.deadLetters()).toMatchObject([
          { id: "bad", attempts: 1, error: "no image" },
        ]);
      });

      test("a message stays in the queue until onDead() succeeds", async () => {
        let calls = 0;
        const onDead = () =>
          ++calls === 1
            ? Promise.reject(new Error("cannot record"))
            : Promise.resolve();
        const [queue] = await newQueue({ maxDeliveries: 1, onDead });
        await queue.publish({ id: "a", body: 1 });
        await expect((await pullOne(queue)).reject("bad")).rejects
          .toThrow("cannot record");
        expect(await queue.deadLetters()).toEqual([]);
        await opened.advance(EXPIRED_MS);
        expect(await queue.pull()).toEqual([]);
        expect(calls).toBe(2);
        expect(await queue.deadLetters()).toMatchObject([{ id: "a" }]);
      });

      test("onDead() can forget a message whose work was done", async () => {
        const onDead = () => Promise.resolve("forget" as const);
        const [queue] = await newQueue({ maxDeliveries: 1, onDead });
        await queue.publish({ id: "a", body: 1 });
        await (await pullOne(queue)).nak({ error: "the ack was lost" });
        expect(await queue.depth()).toEqual(EMPTY);
      });

      test("revive() publishes a dead letter again, bury() forgets it", async () => {
        const [q1, q2] = await newQueue({ maxDeliveries: 1 });
        for (const id of ["a", "b", "c"]) {
          await q1.publish({ id, body: id });
          await (await pullOne(q1)).reject(`error ${id}`);
        }
        const ids = async () =>
          (await q2.deadLetters()).map((letter) => letter.id);
        expect(await ids()).toEqual(["a", "b", "c"]);
        expect(await q2.deadLetters({ limit: 1 })).toHaveLength(1);
        await q2.bury("b");
        await q2.bury("b");
        await q2.revive("a");
        expect(await ids()).toEqual(["c"]);
        const revived = await pullOne(q1);
        expect(revived).toMatchObject({ id: "a", body: "a", attempt: 1 });
        // and once more
        await revived.reject("again");
        await q1.revive("a");
        await (await pullOne(q2)).ack();
        await expect(q1.revive("a")).rejects
          .toSatisfy((e) => isSegError(e, "not-found"));
        expect(await q1.depth()).toEqual({ ...EMPTY, dead: 1 });
      });

      test("depth() counts messages and tells the age of the oldest", async () => {
        const [q1, q2] = await newQueue();
        expect(await q1.depth()).toEqual(EMPTY);
        for (const id of ["a", "b", "c"]) await q1.publish({ id, body: 1 });
        await opened.advance(100);
        const [delivery] = await q2.pull();
        const depth = await q1.depth();
        expect(depth).toMatchObject({ waiting: 2, started: 1, dead: 0 });
        expect(depth.oldestMs).toBeGreaterThanOrEqual(100);
        await delivery.ack();
        expect(await q1.depth()).toMatchObject({ waiting: 2, started: 0 });
      });

      test("many messages of two publishers reach two consumers once", async () => {
        const [q1, q2] = await newQueue({ leaseMs: 30_000 });
        const ids = Array.from({ length: 300 }, (_, i) => `m${i}`);
        await Promise.all(ids.flatMap((id) => [
          q1.publish({ id, body: id }),
          q2.publish({ id, body: id }),
        ]));
        const consume = async (queue: JobQueue) => {
          const seen: string[] = [];
          for (;;) {
            const deliveries = await queue.pull({ limit: 16 });
            if (deliveries.length === 0) return seen;
            await Promise.all(deliveries.map((delivery) => delivery.ack()));
            seen.push(...deliveries.map(({ id }) => id));
          }
        };
        const seen = await Promise.all([consume(q1), consume(q2)]);
        expect(seen.flat().sort()).toEqual([...ids].sort());
        expect(await q1.depth()).toEqual(EMPTY);
      });

      test("queues of different names are apart", async () => {
        const [a] = await newQueue();
        const [b] = await newQueue();
        await a.publish({ id: "same", body: 1 });
        expect(await b.pull()).toEqual([]);
        expect(await b.publish({ id: "same", body: 2 })).toEqual({
          isDuplicate: false,
        });
        expect((await pullOne(b)).body).toBe(2);
      });
    });

    describe("records", () => {
      const isConflict = (e: unknown) => isSegError(e, "conflict");

      test("create() adds a record once", async () => {
        const r1 = await one.records<{ n: number }>("create");
        const r2 = await two.records<{ n: number }>("create");
        const revision = await r1.create(["t", "a"], { n: 1 });
        expect(await r2.get(["t", "a"])).toEqual({
          key: ["t", "a"],
          value: { n: 1 },
          revision,
        });
        await expect(r2.create(["t", "a"], { n: 2 })).rejects
          .toSatisfy(isConflict);
        expect(await r2.get(["t", "b"])).toBeUndefined();
      });

      test("update() needs the revision that was read", async () => {
        const r1 = await one.records<number>("update");
        const r2 = await two.records<number>("update");
        const first = await r1.create(["t", "a"], 1);
        const second = await r2.update(["t", "a"], 2, first);
        expect(second).toBeGreaterThan(first);
        await expect(r1.update(["t", "a"], 3, first)).rejects
          .toSatisfy(isConflict);
        await expect(r1.update(["t", "none"], 3, first)).rejects
          .toSatisfy(isConflict);
        expect(await r1.get(["t", "a"])).toMatchObject({
          value: 2,
          revision: second,
        });
      });

      test("update() settles once: of many writers one succeeds", async () => {
        const records = await Promise.all(
          [one, two].map((backend) => backend.records<string>("settle")),
        );
        const revision = await records[0].create(["t", "a"], "running");
        const ends = await Promise.allSettled(
          Array.from(
            { length: 20 },
            (_, i) =>
              records[i % 2].update(["t", "a"], `writer ${i}`, revision),
          ),
        );
        const won = ends.findIndex(({ status }) => status === "fulfilled");
        const lost = ends.filter((end) => end.status === "rejected");
        expect(lost).toHaveLength(19);
        expect(lost.every(({ reason }) => isConflict(reason))).toBe(true);
        expect((await records[0].get(["t", "a"]))?.value).toBe(`writer ${won}`);
      });

      test("delete() forgets, and the key can be used anew", async () => {
        const records = await one.records<number>("delete");
        const first = await records.create(["t", "a"], 1);
        await records.delete(["t", "a"]);
        await records.delete(["t", "a"]);
        expect(await records.get(["t", "a"])).toBeUndefined();
        await expect(records.update(["t", "a"], 2, first)).rejects
          .toSatisfy(isConflict);
        const second = await records.create(["t", "a"], 3);
        expect(second).toBeGreaterThan(first);
        await expect(records.update(["t", "a"], 4, first)).rejects
          .toSatisfy(isConflict);
        expect((await records.get(["t", "a"]))?.value).toBe(3);
      });

      test("list() gives a tenant's records only, by pages", async () => {
        const records = await one.records<number>("list");
        const ids = ["a-1", "a", "b", "a_1", "B"];
        for (const [i, id] of ids.entries()) {
          await records.create(["tenant", id], i);
        }
        await records.create(["tenant-2", "x"], 9);
        await records.create(["ten", "x"], 9);
        await records.create(["tenant", "gone"], 9);
        await records.delete(["tenant", "gone"]);
        const sorted = [...ids].sort();
        const idsOf = (found: readonly { key: readonly string[] }[]) =>
          found.map(({ key }) => key[1]);
        expect(idsOf(await records.list(["tenant"]))).toEqual(sorted);
        expect(idsOf(await records.list(["tenant"], { newestFirst: true })))
          .toEqual(sorted.toReversed());
        const page = await records.list(["tenant"], { limit: 2 });
        expect(idsOf(page)).toEqual(sorted.slice(0, 2));
        const after = page[1].key;
        expect(idsOf(await records.list(["tenant"], { after, limit: 2 })))
          .toEqual(sorted.slice(2, 4));
        expect(idsOf(
          await records.list(["tenant"], { after, newestFirst: true }),
        )).toEqual(sorted.slice(0, 1));
        expect(page[0].value).toBe(ids.indexOf(sorted[0]));
        expect(await records.list(["none"])).toEqual([]);
        expect(await records.list([])).toHaveLength(ids.length + 2);
      });

      test("watch() tells of changes by others until its signal", async () => {
        const r1 = await one.records<number>("watch");
        const r2 = await two.records<number>("watch");
        const stop = new AbortController();
        const changes = r1.watch(["t", "a"], stop.signal)[
          Symbol.asyncIterator
        ]();
        const next = nextChange(changes);
        let revision = await r2.create(["t", "a"], 1);
        expect((await next)?.value).toBe(1);
        revision = await r2.update(["t", "a"], 2, revision);
        expect((await nextChange(changes))?.value).toBe(2);
        await r2.create(["t", "other"], 7);
        await r2.delete(["t", "a"]);
        const deleted = await nextChange(changes);
        expect(deleted).toEqual({ key: ["t", "a"], value: undefined });
        const last = nextChange(changes);
        stop.abort();
        expect(await last).toBeUndefined();
      });

      test("watch() begins with the record as it is", async () => {
        const records = await one.records<number>("watch");
        const revision = await records.create(["t", "there"], 5);
        const stop = new AbortController();
        for await (const change of records.watch(["t", "there"], stop.signal)) {
          expect(change).toEqual({ key: ["t", "there"], value: 5, revision });
          break;
        }
      });

      test("records vanish after their time", async () => {
        const records = await one.records<number>("expiring", { ttlMs: 1500 });
        await records.create(["t", "a"], 1);
        expect((await records.get(["t", "a"]))?.value).toBe(1);
        await opened.advance(2000);
        expect(await records.get(["t", "a"])).toBeUndefined();
        expect(await records.list(["t"])).toEqual([]);
        await records.create(["t", "a"], 2);
      });

      test("names that could reach elsewhere are refused", async () => {
        const records = await one.records<number>("names");
        for (const id of ["", "a.b", "*", ">", "a/b", "ä", "a b"]) {
          await expect((async () => await records.get(["t", id]))()).rejects
            .toThrow(RangeError);
          await expect((async () => await one.records(id))()).rejects
            .toThrow(RangeError);
        }
      });
    });

    describe("events", () => {
      test("append() numbers events, read() resumes behind a number", async () => {
        const e1 = await one.events("append");
        const e2 = await two.events("append");
        const seqs: number[] = [];
        for (let i = 0; i < 5; i++) {
          const events = i % 2 ? e1 : e2;
          const event = { type: "progress", data: { tile: i } };
          seqs.push(await events.append(["t", "a"], event));
          await events.append(["t", "b"], { type: "other", data: null });
        }
        expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
        expect(new Set(seqs).size).toBe(5);
        const all = await e1.read(["t", "a"]);
        expect(all.map(({ seq }) => seq)).toEqual(seqs);
        expect(all[3]).toMatchObject({ type: "progress", data: { tile: 3 } });
        expect(all[3].atMs).toBeGreaterThan(0);
        const rest = await e1.read(["t", "a"], { after: seqs[2] });
        expect(rest.map(({ seq }) => seq)).toEqual(seqs.slice(3));
        expect(await e1.read(["t", "a"], { limit: 2 })).toHaveLength(2);
        expect(await e1.read(["t", "a"], { after: seqs[4] })).toEqual([]);
        expect(await e1.read(["t", "none"])).toEqual([]);
      });

      test("append() adds an event of an id once", async () => {
        const events = await one.events("append");
        const event = { type: "done", data: 1, id: "done" };
        const seq = await events.append(["t", "once"], event);
        expect(await events.append(["t", "once"], event)).toBe(seq);
        const other = await events.append(["t", "once-too"], event);
        expect(other).not.toBe(seq);
        expect(await events.read(["t", "once"])).toHaveLength(1);
      });

      test("follow() gives what there is and what comes", async () => {
        const e1 = await one.events("follow");
        const e2 = await two.events("follow");
        const key = ["t", "a"];
        const append = (n: number) => e2.append(key, { type: "tile", data: n });
        const first = await append(0);
        await append(1);
        const stop = new AbortController();
        const seen: StoredEvent[] = [];
        const following = (async () => {
          const options = { after: first, signal: stop.signal };
          for await (const event of e1.follow(key, options)) {
            seen.push(event);
            if (event.data === 3) stop.abort();
          }
        })();
        await append(2);
        await e2.append(["t", "b"], { type: "other", data: 3 });
        await append(3);
        await following;
        expect(seen.map(({ data }) => data)).toEqual([1, 2, 3]);
      });

      test("follow() ends at its signal while nothing comes", async () => {
        const events = await one.events("follow");
        const stop = new AbortController();
        setTimeout(() => stop.abort(), 50);
        const options = { signal: stop.signal };
        for await (const _ of events.follow(["t", "silent"], options)) {
          expect.unreachable();
        }
      });

      test("purge() forgets the events of one job", async () => {
        const events = await one.events("purge");
        await events.append(["t", "a"], { type: "x", data: 1 });
        await events.append(["t", "b"], { type: "x", data: 1 });
        await events.purge(["t", "a"]);
        expect(await events.read(["t", "a"])).toEqual([]);
        expect(await events.read(["t", "b"])).toHaveLength(1);
      });
    });

    test("ping() answers", async () => {
      expect(await one.ping()).toBe(true);
    });

    // the last: what is closed stays closed
    test("close() ends waits and watches", async () => {
      const [, queue] = await newQueue();
      const records = await two.records<number>("close");
      const events = await two.events("close");
      const signal = new AbortController().signal;
      const ends = Promise.all([
        queue.pull({ waitMs: 60_000 }),
        collect(records.watch(["t", "a"], signal)),
        collect(events.follow(["t", "a"], { signal })),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await two.close();
      expect(await ends).toEqual([[], [], []]);
    });
  });
}

const EMPTY = { waiting: 0, started: 0, oldestMs: 0, dead: 0 };

async function pullOne(queue: JobQueue): Promise<Delivery> {
  const [delivery] = await queue.pull({ waitMs: WAIT_MS });
  expect(delivery).toBeDefined();
  return delivery;
}

async function nextChange(
  changes: AsyncIterator<RecordChange<number>>,
): Promise<RecordChange<number> | undefined> {
  const { value, done } = await changes.next();
  return done ? undefined : value;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
