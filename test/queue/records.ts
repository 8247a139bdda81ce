/**
 * What every queue backend does with records.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type { QueueBackend } from "../../shared/queue/types.ts";
import { type BackendUnderTest, nextChange } from "./under_test.ts";

/** Hold a backend to it; it is there when tests begin. */
export function describeRecords(find: () => BackendUnderTest): void {
  describe("records", () => {
    let opened: BackendUnderTest;
    let one: QueueBackend;
    let two: QueueBackend;
    beforeAll(() => {
      opened = find();
      [one, two] = find().backends;
    });

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
          (_, i) => records[i % 2].update(["t", "a"], `writer ${i}`, revision),
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

    test("one bucket may be changed with and without waiting for the disk", async () => {
      const durable = await one.records<number>("soon");
      const soon = await one.records<number>("soon", { isSoon: true });
      const other = await two.records<number>("soon");
      const stop = new AbortController();
      const seen: (number | undefined)[] = [];
      const watching = (async () => {
        for await (const { value } of durable.watch(["t", "a"], stop.signal)) {
          seen.push(value);
          if (value === 3) return;
        }
      })();
      const first = await soon.create(["t", "a"], 1);
      expect((await other.get(["t", "a"]))?.value).toBe(1);
      const second = await durable.update(["t", "a"], 2, first);
      await expect(soon.update(["t", "a"], 9, first)).rejects
        .toSatisfy(isConflict);
      await soon.update(["t", "a"], 3, second);
      await watching;
      stop.abort();
      expect(seen.at(-1)).toBe(3);
      await soon.delete(["t", "a"]);
      expect(await other.get(["t", "a"])).toBeUndefined();
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
}
