/**
 * What every object store does with objects: put, get, list, delete.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import type { Listing, ObjectStore } from "../../shared/storage/types.ts";
import {
  type Bytes,
  bytesOf,
  digest,
  readAll,
  readText,
  SECRET_BYTES,
  streamOf,
  textOf,
  TYPE,
} from "./requests.ts";

/** Hold a store to it; it is there when tests begin. */
export function describeObjects(find: () => ObjectStore): void {
  describe("objects", () => {
    let store: ObjectStore;
    beforeAll(() => void (store = find()));

    const put = (key: string, bytes: Bytes) =>
      store.put(key, bytes, { mediaType: TYPE });

    test("put() stores bytes that get() gives back", async () => {
      const bytes = new Uint8Array(randomBytes(700_000));
      const info = await put("put/bytes", bytes);
      expect(info).toMatchObject({
        key: "put/bytes",
        length: bytes.length,
        mediaType: TYPE,
        sha256: digest(bytes),
      });
      const found = await store.get("put/bytes");
      const stored = { ...info, modifiedMs: found.info.modifiedMs };
      expect(found.info).toEqual(stored);
      // a store may keep whole seconds, and have a clock of its own
      expect(Math.abs(stored.modifiedMs - info.modifiedMs)).toBeLessThan(
        60_000,
      );
      expect(found).toMatchObject({ start: 0, length: bytes.length });
      expect(digest(await readAll(found.body))).toBe(digest(bytes));
      expect(await store.head("put/bytes")).toEqual(stored);
    });

    test("put() lets an object appear after what it waits for", async () => {
      let end = () => {};
      const after = new Promise<void>((resolve) => end = resolve);
      let isSent = false;
      const stored = store.put("put/after", bytesOf("late"), {
        mediaType: TYPE,
        after,
        onSent: () => isSent = true,
      });
      // long enough for one that does not wait
      await put("put/beside", new Uint8Array(randomBytes(2_000_000)));
      expect(await store.head("put/after")).toBeUndefined();
      end();
      expect((await stored).length).toBe(4);
      expect(isSent).toBe(true);
      expect(await readText(store, "put/after")).toBe("late");
    });

    test("put() tells before what it waits for that nothing is left to send", async () => {
      for (const length of [1000, 9_000_000]) {
        const bytes = new Uint8Array(randomBytes(length));
        const sent = Promise.withResolvers<void>();
        const wait = Promise.withResolvers<void>();
        const stored = store.put("put/sent", streamOf(bytes, 65_536), {
          mediaType: TYPE,
          length,
          after: wait.promise,
          onSent: sent.resolve,
        });
        await sent.promise;
        wait.resolve();
        expect((await stored).length).toBe(length);
        const { body } = await store.get("put/sent");
        expect(digest(await readAll(body))).toBe(digest(bytes));
      }
    });

    test("put() stores nothing where what it waits for fails", async () => {
      const after = Promise.reject(new Error("it failed"));
      const stored = store.put("put/never", bytesOf("never"), {
        mediaType: TYPE,
        after,
      });
      await expect(stored).rejects.toThrow();
      expect(await store.head("put/never")).toBeUndefined();
    });

    test("put() stores an object without bytes", async () => {
      await put("put/empty", new Uint8Array());
      const found = await store.get("put/empty");
      expect(await readAll(found.body)).toHaveLength(0);
      expect(found.info.length).toBe(0);
    });

    test.for([5, 20_000_000])(
      "put() stores a stream of %i bytes",
      async (length) => {
        const bytes = new Uint8Array(randomBytes(length));
        const said = { mediaType: TYPE, length, sha256: digest(bytes) };
        const info = await store.put(
          "put/stream",
          streamOf(bytes, 999_983),
          said,
        );
        expect(info).toMatchObject({ length, sha256: digest(bytes) });
        const found = await store.get("put/stream");
        expect(digest(await readAll(found.body))).toBe(digest(bytes));
      },
    );

    test.for([5, 9_000_000])(
      "put() refuses a stream of %i bytes that is not as announced",
      async (length) => {
        const bytes = new Uint8Array(randomBytes(length));
        const other = digest(bytes.subarray(1));
        const wrong = [
          { length: length + 1 },
          { length: length - 1 },
          { length, sha256: other },
        ];
        for (const said of wrong) {
          const stream = streamOf(bytes, 1 << 20);
          await expect(
            store.put("put/wrong", stream, { mediaType: TYPE, ...said }),
          ).rejects.toSatisfy((e) => isSegError(e, "invalid-request"));
        }
        expect(await store.head("put/wrong")).toBeUndefined();
      },
    );

    test("put() leaves nothing of a stream that breaks", async () => {
      const broken = ReadableStream.from(async function* () {
        yield new Uint8Array(1000);
        await Promise.resolve();
        throw new Error("the sender is gone");
      }());
      await expect(
        store.put("put/broken", broken, { mediaType: TYPE, length: 2000 }),
      ).rejects.toThrow();
      expect(await store.head("put/broken")).toBeUndefined();
    });

    test("put() refuses bytes that are not as announced", async () => {
      for (const said of [{ length: 4 }, { sha256: digest(bytesOf("x")) }]) {
        await expect(
          store.put("put/wrong", SECRET_BYTES, { mediaType: TYPE, ...said }),
        ).rejects.toSatisfy((e) => isSegError(e, "invalid-request"));
      }
      expect(await store.head("put/wrong")).toBeUndefined();
    });

    test("put() replaces an object", async () => {
      const first = await put("put/twice", bytesOf("first"));
      const second = await put("put/twice", bytesOf("second"));
      expect(second.etag).not.toBe(first.etag);
      expect(await readText(store, "put/twice")).toBe("second");
    });

    test("put() writes once: of many writers one succeeds", async () => {
      const writers = Array.from(
        { length: 8 },
        (_, i) =>
          store.put("put/once", bytesOf(`writer ${i}`), {
            mediaType: TYPE,
            writeOnce: true,
          }),
      );
      const ends = await Promise.allSettled(writers);
      const won = ends.findIndex(({ status }) => status === "fulfilled");
      const lost = ends.filter((end) => end.status === "rejected");
      expect(lost).toHaveLength(7);
      for (const { reason } of lost) {
        expect(isSegError(reason, "conflict")).toBe(true);
      }
      expect(await readText(store, "put/once")).toBe(`writer ${won}`);
    });

    test("get() gives ranges, cut at the object's end", async () => {
      await put("get/range", bytesOf("0123456789"));
      const ranges: [number, number | undefined, string][] = [
        [0, 4, "0123"],
        [3, 4, "3"],
        [7, undefined, "789"],
        [8, 100, "89"],
        [4, 4, ""],
      ];
      for (const [start, end, text] of ranges) {
        const range = end === undefined ? { start } : { start, end };
        const found = await store.get("get/range", range);
        expect(found).toMatchObject({ start, length: text.length });
        expect(found.info.length).toBe(10);
        expect(textOf(await readAll(found.body))).toBe(text);
      }
    });

    test("get() refuses a range behind the end", async () => {
      await put("get/range", bytesOf("0123456789"));
      for (const start of [10, 11]) {
        await expect(store.get("get/range", { start })).rejects
          .toSatisfy((e) => isSegError(e, "invalid-request"));
      }
    });

    test("get() refuses an object that is not there", async () => {
      const isMissing = (e: unknown) => isSegError(e, "not-found");
      await expect(store.get("get/none")).rejects.toSatisfy(isMissing);
      await expect(store.get("get/none", { start: 1 })).rejects
        .toSatisfy(isMissing);
    });

    test("get() reads what it has begun, though it is replaced", async () => {
      const bytes = new Uint8Array(randomBytes(3_000_000));
      await put("get/replaced", bytes);
      const found = await store.get("get/replaced");
      await put("get/replaced", bytesOf("other"));
      expect(digest(await readAll(found.body))).toBe(digest(bytes));
    });

    test("head() knows nothing of an object that is not there", async () => {
      expect(await store.head("head/none")).toBeUndefined();
    });

    test("list() gives keys of a prefix in their order, by pages", async () => {
      const names = ["b", "a/b", "a-b", "a.b", "a/c/d", "a_b", "B", "a0"];
      for (const name of names) await put(`list/${name}`, bytesOf(name));
      await put("listing", bytesOf("not below the prefix"));
      const keys = names.map((name) => `list/${name}`).sort();
      for (const limit of [1, 3, keys.length, 1000]) {
        const listed: string[] = [];
        let page: Listing | undefined;
        do {
          const after = page?.next;
          const options = after === undefined ? { limit } : { limit, after };
          page = await store.list("list/", options);
          expect(page.objects.length).toBeLessThanOrEqual(limit);
          listed.push(...page.objects.map(({ key }) => key));
        } while (page.next !== undefined);
        expect(listed).toEqual(keys);
      }
      const part = await store.list("list/a-");
      expect(part.objects).toMatchObject([{ key: "list/a-b", length: 3 }]);
      expect((await store.list("list/none")).objects).toEqual([]);
    });

    test("delete() removes an object, and again does nothing", async () => {
      await put("delete/a/b", bytesOf("x"));
      await store.delete("delete/a/b");
      await store.delete("delete/a/b");
      expect(await store.head("delete/a/b")).toBeUndefined();
      expect((await store.list("delete/")).objects).toEqual([]);
      await put("delete/a", bytesOf("x"));
    });

    test("keys that leave the store are refused", async () => {
      const keys = [
        "../a",
        "a/../b",
        "/a",
        "a//b",
        "a/",
        "",
        ".",
        "a\\b",
        "a b",
      ];
      for (const key of keys) {
        await expect((async () => await store.head(key))()).rejects
          .toThrow(RangeError);
        await expect((async () => await put(key, bytesOf("x")))()).rejects
          .toThrow(RangeError);
        await expect(
          (async () => await store.presignGet(key, { ttlSeconds: 9 }))(),
        ).rejects.toThrow(RangeError);
      }
    });
  });
}
