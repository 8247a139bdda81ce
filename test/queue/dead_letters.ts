/**
 * What every queue backend does with messages that fail for good.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type { DeadLetter, QueueOptions } from "../../shared/queue/types.ts";
import {
  type BackendUnderTest,
  EMPTY,
  EXPIRED_MS,
  openQueue,
  pullOne,
} from "./under_test.ts";

/** Hold a backend to it; it is there when tests begin. */
export function describeDeadLetters(find: () => BackendUnderTest): void {
  describe("dead letters", () => {
    let opened: BackendUnderTest;
    beforeAll(() => {
      opened = find();
    });
    const newQueue = (options?: Partial<QueueOptions>) =>
      openQueue(find().backends, options);

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
  });
}
