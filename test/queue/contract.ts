/**
 * What every queue backend does, on whatever it runs. Run by one test file for
 * each adapter.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BackendUnderTest, collect, openQueue } from "./under_test.ts";
import { describeDeadLetters } from "./dead_letters.ts";
import { describeEvents } from "./events.ts";
import { describeMessages } from "./messages.ts";
import { describeRecords } from "./records.ts";

/** Hold an adapter to the contract. */
export function describeBackend(
  name: string,
  open: () => Promise<BackendUnderTest>,
): void {
  describe(`queue backend: ${name}`, () => {
    let opened: BackendUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      for (const backend of opened?.backends ?? []) await backend.close();
      await opened?.remove();
    });
    const find = () => opened;
    describeMessages(find);
    describeDeadLetters(find);
    describeRecords(find);
    describeEvents(find);

    test("ping() answers", async () => {
      expect(await opened.backends[0].ping()).toBe(true);
    });

    // the last: what is closed stays closed
    test("close() ends waits and watches", async () => {
      const [, queue] = await openQueue(opened.backends);
      const [, two] = opened.backends;
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
