/**
 * What every object store does, on whatever it stores. Run by one test file
 * for each adapter; long because it is one list of promises, in the order of
 * the contract's operations.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import {
  type Listing,
  MAX_TTL_SECONDS,
  MIN_PART_BYTES,
  type ObjectStore,
  type SignedRequest,
} from "../../shared/storage/types.ts";

/** A store to test, and how to be rid of it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  remove(): Promise<void>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const TYPE = "image/tiff";
const SECRET_BYTES = bytesOf("cells");
const SIGNED = {
  ttlSeconds: 60,
  length: SECRET_BYTES.length,
  mediaType: TYPE,
  sha256: digest(SECRET_BYTES),
};

/** Hold an adapter to the contract. */
export function describeStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
): void {
  describe(`object store: ${name}`, () => {
    let opened: StoreUnderTest;
    let store: ObjectStore;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(async () => {
      await store?.close();
      await opened?.remove();
    });

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

    test("presignGet() lets anybody read, by ranges too", async () => {
      await put("signed/get", bytesOf("0123456789"));
      const signed = await store.presignGet("signed/get", {
        ttlSeconds: 60,
        fileName: "Zellen (1).tif",
      });
      const whole = await send(signed);
      expect(whole.headers.get("content-type")).toBe(TYPE);
      expect(whole.headers.get("content-disposition")).toContain("Zellen");
      expect(await whole.text()).toBe("0123456789");
      const part = await send(signed, { headers: { range: "bytes=2-4" } });
      expect([part.status, await part.text()]).toEqual([206, "234"]);
      expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
      const none = await send(signed, { headers: { range: "bytes=10-" } });
      await none.body?.cancel();
      expect(none.status).toBe(416);
    });

    test("presignGet() signs the key and the method", async () => {
      await put("signed/get", bytesOf("mine"));
      await put("signed/got", bytesOf("not mine"));
      const signed = await store.presignGet("signed/get", { ttlSeconds: 60 });
      const url = signed.url.replace("signed/get", "signed/got");
      expect(await statusOf({ ...signed, url })).toBe(403);
      const put403 = await statusOf({ ...signed, method: "PUT" }, {
        body: "x",
      });
      expect(put403).toBe(403);
      expect(await readText(store, "signed/get")).toBe("mine");
    });

    test("presignGet() tells of an object that is not there", async () => {
      const signed = await store.presignGet("signed/none", { ttlSeconds: 60 });
      expect(await statusOf(signed)).toBe(404);
    });

    test("presignPut() takes the signed bytes, once", async () => {
      const signed = await store.presignPut("signed/put", SIGNED);
      expect(signed.expiresMs).toBeGreaterThan(0);
      expect(await statusOf(signed, { body: SECRET_BYTES })).toBe(200);
      expect(await store.head("signed/put")).toMatchObject({
        length: SIGNED.length,
        mediaType: TYPE,
        sha256: SIGNED.sha256,
      });
      // a replay: 409, or S3's 412
      const again = await statusOf(signed, { body: SECRET_BYTES });
      expect([409, 412]).toContain(again);
    });

    test("presignPut() replaces where that was asked for", async () => {
      await put("signed/again", bytesOf("old"));
      const said = { ...SIGNED, writeOnce: false };
      const signed = await store.presignPut("signed/again", said);
      expect(await statusOf(signed, { body: SECRET_BYTES })).toBe(200);
      expect(await readText(store, "signed/again")).toBe("cells");
    });

    test("presignPut() refuses other bytes, lengths and types", async () => {
      const signed = await store.presignPut("signed/other", SIGNED);
      const attempts: [BodyInit, Record<string, string>][] = [
        ["cellS", {}],
        ["cell", {}],
        ["cells and more", {}],
        ["cells", { "content-type": "text/html" }],
      ];
      for (const [body, headers] of attempts) {
        const status = await statusOf(signed, { body, headers });
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }
      // a body whose length is not announced
      const chunked = { body: streamOf(SECRET_BYTES, 2), duplex: "half" };
      expect(await statusOf(signed, chunked)).toBeGreaterThanOrEqual(400);
      expect(await store.head("signed/other")).toBeUndefined();
    });

    test("presignPut() signs the key, the expiry and every header", async () => {
      const signed = await store.presignPut("signed/tampered", SIGNED);
      const { url } = signed;
      const changed = [
        url.replace("signed/tampered", "signed/elsewhere"),
        url.replace("signed/tampered", "signed/../signed/elsewhere"),
        url.replace(/(Expires|expiresMs)=(\d)/, "$1=9$2"),
        url.replace(/([Ss]ignature)=./, "$1=_"),
        url.replace(/&[^&]*[Ss]ignature=[^&]*/, ""),
      ];
      for (const attempt of changed) {
        expect(attempt).not.toBe(url);
        const status = await statusOf(
          { ...signed, url: attempt },
          { body: SECRET_BYTES },
        );
        expect([400, 403, 404]).toContain(status);
      }
      expect((await store.list("signed/tampered")).objects).toEqual([]);
      expect((await store.list("signed/elsewhere")).objects).toEqual([]);
    });

    test("presignGet() and presignPut() refuse a long life", async () => {
      for (const ttlSeconds of [0, -1, NaN, MAX_TTL_SECONDS + 1]) {
        await expect(
          (async () => await store.presignGet("a", { ttlSeconds }))(),
        ).rejects.toThrow(RangeError);
        await expect(
          (async () =>
            await store.presignPut("a", { ...SIGNED, ttlSeconds }))(),
        ).rejects.toThrow(RangeError);
      }
    });

    test("multipart: parts arrive out of order, resumed, and join", async () => {
      const first = new Uint8Array(randomBytes(MIN_PART_BYTES));
      const last = bytesOf("the last part");
      const key = "multipart/resumed";
      const upload = await store.startMultipart(key, { mediaType: TYPE });
      await sendPart(store, upload, 2, last);
      // whoever resumes has the plain data only
      const kept = JSON.parse(JSON.stringify(upload));
      expect(await store.listParts(kept)).toEqual([
        { partNumber: 2, length: last.length, sha256: digest(last) },
      ]);
      expect(await store.head(key)).toBeUndefined();
      await sendPart(store, kept, 1, first);
      const length = first.length + last.length;
      const info = await store.completeMultipart(kept, { length });
      expect(info).toMatchObject({ key, length, mediaType: TYPE });
      expect(info.sha256).toBeUndefined();
      const bytes = await readAll((await store.get(key)).body);
      expect(digest(bytes.subarray(0, MIN_PART_BYTES))).toBe(digest(first));
      expect(bytes.subarray(MIN_PART_BYTES)).toEqual(last);
    });

    test("multipart: a part that is sent again replaces", async () => {
      const upload = await store.startMultipart("multipart/again", {
        mediaType: TYPE,
      });
      await sendPart(store, upload, 1, bytesOf("first"));
      await sendPart(store, upload, 1, bytesOf("second"));
      await store.completeMultipart(upload, { length: 6 });
      expect(await readText(store, "multipart/again")).toBe("second");
    });

    test("multipart: a part's URL refuses other bytes and numbers", async () => {
      const upload = await store.startMultipart("multipart/signed", {
        mediaType: TYPE,
      });
      const part = {
        partNumber: 1,
        length: 5,
        sha256: digest(bytesOf("cells")),
      };
      const signed = await store.presignPart(upload, {
        ...part,
        ttlSeconds: 60,
      });
      expect(await statusOf(signed, { body: "cellS" })).toBeGreaterThan(399);
      expect(await statusOf(signed, { body: "cell" })).toBeGreaterThan(399);
      const url = signed.url.replace("partNumber=1", "partNumber=2");
      expect(url).not.toBe(signed.url);
      expect(await statusOf({ ...signed, url }, { body: "cells" })).toBe(403);
      expect(await store.listParts(upload)).toEqual([]);
      await store.abortMultipart(upload);
    });

    test("multipart: what is incomplete is refused and can go on", async () => {
      const key = "multipart/incomplete";
      const upload = await store.startMultipart(key, { mediaType: TYPE });
      const refuses = (length: number) =>
        expect(store.completeMultipart(upload, { length })).rejects
          .toSatisfy((e) => isSegError(e, "invalid-request"));
      await refuses(5);
      await sendPart(store, upload, 2, bytesOf("two"));
      await refuses(3);
      await sendPart(store, upload, 1, bytesOf("too small"));
      await refuses(12);
      await sendPart(store, upload, 1, new Uint8Array(MIN_PART_BYTES));
      await refuses(MIN_PART_BYTES);
      expect(await store.head(key)).toBeUndefined();
      await store.completeMultipart(upload, { length: MIN_PART_BYTES + 3 });
    });

    test("multipart: the key must be free when it completes", async () => {
      const key = "multipart/once";
      const upload = await store.startMultipart(key, { mediaType: TYPE });
      await sendPart(store, upload, 1, bytesOf("late"));
      await put(key, bytesOf("early"));
      await expect(store.completeMultipart(upload, { length: 4 })).rejects
        .toSatisfy((e) => isSegError(e, "conflict"));
      expect(await readText(store, key)).toBe("early");
      await store.completeMultipart(upload, { length: 4, writeOnce: false });
      expect(await readText(store, key)).toBe("late");
    });

    test("multipart: what is aborted is gone", async () => {
      const key = "multipart/aborted";
      const upload = await store.startMultipart(key, { mediaType: TYPE });
      await sendPart(store, upload, 1, bytesOf("x"));
      expect(await store.listMultiparts("multipart/ab")).toMatchObject([
        upload,
      ]);
      await store.abortMultipart(upload);
      await store.abortMultipart(upload);
      expect(await store.listMultiparts("multipart/ab")).toEqual([]);
      const isMissing = (e: unknown) => isSegError(e, "not-found");
      await expect(store.listParts(upload)).rejects.toSatisfy(isMissing);
      await expect(store.completeMultipart(upload, { length: 1 })).rejects
        .toSatisfy(isMissing);
    });
  });
}

async function sendPart(
  store: ObjectStore,
  upload: { key: string; uploadId: string },
  ...[partNumber, bytes]: [number, Bytes]
): Promise<void> {
  const signed = await store.presignPart(upload, {
    partNumber,
    ...{ length: bytes.length, sha256: digest(bytes), ttlSeconds: 60 },
  });
  expect(await statusOf(signed, { body: bytes })).toBe(200);
}

function send(signed: SignedRequest, init: RequestInit = {}) {
  const { method, url, headers } = signed;
  return fetch(url, {
    method,
    ...init,
    headers: { ...headers, ...init.headers as Record<string, string> },
  });
}

async function statusOf(signed: SignedRequest, init?: object): Promise<number> {
  const answer = await send(signed, init);
  await answer.body?.cancel();
  return answer.status;
}

async function readText(store: ObjectStore, key: string): Promise<string> {
  return textOf(await readAll((await store.get(key)).body));
}

async function readAll(body: ReadableStream<Bytes>): Promise<Bytes> {
  return new Uint8Array(await new Response(body).arrayBuffer());
}

function streamOf(bytes: Bytes, chunk: number): ReadableStream<Bytes> {
  return ReadableStream.from(function* () {
    for (let at = 0; at < bytes.length; at += chunk) {
      yield bytes.subarray(at, at + chunk);
    }
  }());
}

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

function digest(bytes: Bytes): string {
  return createHash("sha256").update(bytes).digest("hex");
}
