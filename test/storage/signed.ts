/**
 * What every object store does with signed requests.
 *
 * @module
 */
import { beforeAll, describe, expect, test } from "vitest";
import {
  MAX_TTL_SECONDS,
  type ObjectStore,
} from "../../shared/storage/types.ts";
import {
  type Bytes,
  bytesOf,
  readText,
  SECRET_BYTES,
  send,
  SIGNED,
  statusOf,
  streamOf,
  TYPE,
} from "./requests.ts";

/** Hold a store to it; it is there when tests begin. */
export function describeSigned(find: () => ObjectStore): void {
  describe("signed", () => {
    let store: ObjectStore;
    beforeAll(() => void (store = find()));

    const put = (key: string, bytes: Bytes) =>
      store.put(key, bytes, { mediaType: TYPE });

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
        url.replace(
          /([Ss]ignature=)(.)/,
          (_, name, letter) => name + (letter === "0" ? "1" : "0"),
        ),
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
  });
}
