/**
 * What every object store does with objects that come in parts.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import {
  MIN_PART_BYTES,
  type ObjectStore,
} from "../../shared/storage/types.ts";
import {
  type Bytes,
  bytesOf,
  digest,
  readAll,
  readText,
  sendPart,
  statusOf,
  TYPE,
} from "./requests.ts";

/** Hold a store to it; it is there when tests begin. */
export function describeMultipart(find: () => ObjectStore): void {
  describe("multipart", () => {
    let store: ObjectStore;
    beforeAll(() => void (store = find()));

    const put = (key: string, bytes: Bytes) =>
      store.put(key, bytes, { mediaType: TYPE });

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
