/**
 * What every queue backend does with messages.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { JobQueue, QueueOptions } from "../../shared/queue/types.ts";
import {
  type BackendUnderTest,
  EMPTY,
  EXPIRED_MS,
  LEASE_MS,
  openQueue,
  pullOne,
  WAIT_MS,
} from "./under_test.ts";

/** Hold a backend to it; it is there when tests begin. */
export function describeMessages(find: () => BackendUnderTest): void {
  describe("queue", () => {
    let opened: BackendUnderTest;
    beforeAll(() => {
      opened = find();
    });
    const newQueue = (options?: Partial<QueueOptions>) =>
      openQueue(find().backends, options);

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
}
