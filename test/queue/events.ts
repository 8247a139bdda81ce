/**
 * What every queue backend does with events.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { QueueBackend, StoredEvent } from "../../shared/queue/types.ts";
import type { BackendUnderTest } from "./under_test.ts";

/** Hold a backend to it; it is there when tests begin. */
export function describeEvents(find: () => BackendUnderTest): void {
  describe("events", () => {
    let one: QueueBackend;
    let two: QueueBackend;
    beforeAll(() => {
      [one, two] = find().backends;
    });

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
}
