import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import { type FolderStore, openFolder } from "../../shared/storage/folder.ts";

const BYTES = new TextEncoder().encode("cells");
const SIGNED = {
  ttlSeconds: 60,
  length: BYTES.length,
  mediaType: "image/png",
  sha256: createHash("sha256").update(BYTES).digest("hex"),
};

let root: string;
let time = Date.UTC(2026, 0, 1);
let store: FolderStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cytoedge-urls-"));
  store = await open("a");
  await store.put("t/a", BYTES, { mediaType: "text/html" });
});
afterAll(() => rm(root, { recursive: true }));

function open(secret: string, baseUrl = "http://edge.test/v1/storage") {
  return openFolder({
    root,
    baseUrl,
    secret: new TextEncoder().encode(secret.repeat(32)),
    now: () => time,
  });
}

const get = (url: string, headers: Record<string, string> = {}) =>
  store.serve(new Request(url, { headers }));

const put = (url: string, headers: Record<string, string>, body = "cells") =>
  store.serve(new Request(url, { method: "PUT", headers, body }));

const isForbidden = (e: unknown) => isSegError(e, "forbidden");

test("serve() refuses a URL after its time, to the millisecond", async () => {
  const { url, expiresMs } = await store.presignGet("t/a", { ttlSeconds: 60 });
  expect(expiresMs).toBe(time + 60_000);
  const began = time;
  time = expiresMs - 1;
  expect((await get(url)).status).toBe(200);
  time = expiresMs;
  await expect(get(url)).rejects.toSatisfy(isForbidden);
  time = began;
});

test("serve() refuses a URL signed with another secret", async () => {
  const other = await open("b");
  const { url } = await other.presignGet("t/a", { ttlSeconds: 60 });
  await expect(get(url)).rejects.toSatisfy(isForbidden);
});

test("serve() refuses a URL with any character changed", async () => {
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  const start = "http://edge.test/v1/storage/".length;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: start, max: url.length - 1 }),
      fc.constantFrom(..."abz019-_&=%/.A"),
      async (at, character) => {
        const changed = url.slice(0, at) + character + url.slice(at + 1);
        fc.pre(new URL(changed).href !== new URL(url).href);
        await expect(get(changed)).rejects.toSatisfy(isForbidden);
      },
    ),
    { numRuns: 300, seed: 3 },
  );
});

test("serve() refuses parameters that are added, doubled or moved", async () => {
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  const signed = new URL(url);
  const parts = signed.search.slice(1).split("&");
  const changed = [
    `${url}&x=1`,
    `${url}&${parts[1]}`,
    `${signed.origin}${signed.pathname}?${parts.toReversed().join("&")}`,
    `${signed.origin}${signed.pathname}`,
  ];
  for (const other of changed) {
    await expect(get(other)).rejects.toSatisfy(isForbidden);
  }
});

test("serve() refuses a path that leaves the folder", async () => {
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  const { search } = new URL(url);
  for (const path of ["..%2f..%2fetc%2fpasswd", "t%2Fa", "t//a", "%2e%2e/a"]) {
    await expect(get(`http://edge.test/v1/storage/${path}${search}`)).rejects
      .toThrow();
  }
});

test("serve() looks at headers before it reads a body", async () => {
  const { url, headers } = await store.presignPut("t/head", SIGNED);
  const never = new ReadableStream({
    pull: () => expect.unreachable("the body was read"),
  }, { highWaterMark: 0 });
  const wrong: Record<string, string>[] = [
    { ...headers, "content-length": "6" },
    { ...headers },
    { "content-type": "text/html", "content-length": "5" },
  ];
  for (const sent of wrong) {
    const request = new Request(url, {
      method: "PUT",
      headers: sent,
      body: never,
      duplex: "half",
    } as RequestInit);
    await expect(store.serve(request)).rejects.toSatisfy(isForbidden);
  }
  expect(await store.head("t/head")).toBeUndefined();
});

test("serve() stops a body that is longer than signed", async () => {
  const { url, headers } = await store.presignPut("t/long", SIGNED);
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1000;
      controller.enqueue(new Uint8Array(1000));
    },
  }, { highWaterMark: 0 });
  const request = new Request(url, {
    method: "PUT",
    headers: { ...headers, "content-length": "5" },
    body: endless,
    duplex: "half",
  } as RequestInit);
  await expect(store.serve(request)).rejects
    .toSatisfy((e) => isSegError(e, "invalid-request"));
  expect(sent).toBeLessThan(10_000);
  expect(await store.head("t/long")).toBeUndefined();
});

test("serve() refuses a replayed PUT", async () => {
  const { url, headers } = await store.presignPut("t/replay", SIGNED);
  const sent = { ...headers, "content-length": "5" };
  expect((await put(url, sent)).status).toBe(200);
  await expect(put(url, sent)).rejects
    .toSatisfy((e) => isSegError(e, "conflict"));
});

test("serve() keeps what users upload from running as a page", async () => {
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  const { headers } = await get(url);
  expect(headers.get("content-security-policy")).toContain("sandbox");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test.each([
  ["bytes=1-3", 206, "ell", "bytes 1-3/5"],
  ["bytes=3-", 206, "ls", "bytes 3-4/5"],
  ["bytes=-2", 206, "ls", "bytes 3-4/5"],
  ["bytes=-9", 206, "cells", "bytes 0-4/5"],
  ["bytes=0-99", 206, "cells", "bytes 0-4/5"],
  ["bytes=5-", 416, "", "bytes */5"],
  ["bytes=-0", 416, "", "bytes */5"],
  // RFC 9110 §14.2: what is malformed is ignored, and so may be several
  ["bytes=3-1", 200, "cells", null],
  ["bytes=0-0,2-2", 200, "cells", null],
  ["lines=1-2", 200, "cells", null],
])("serve() answers %s with %i", async (range, status, text, header) => {
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  const answer = await get(url, { range });
  expect(answer.status).toBe(status);
  expect(await answer.text()).toBe(text);
  expect(answer.headers.get("content-range")).toBe(header);
  const other = await get(url, { range, "if-range": '"other"' });
  expect([other.status, await other.text()]).toEqual([200, "cells"]);
});

test("presignGet() makes a path where the base URL is one", async () => {
  const relative = await open("a", "/v1/storage/");
  const { url } = await relative.presignGet("t/a", { ttlSeconds: 60 });
  expect(url).toMatch(/^\/v1\/storage\/t\/a\?/);
  const request = new Request(`https://anywhere.test${url}`);
  expect(await (await relative.serve(request)).text()).toBe("cells");
});

test("openFolder() refuses a short secret", async () => {
  const short = { root, baseUrl: "/", secret: new Uint8Array(31) };
  await expect(openFolder(short)).rejects.toThrow(RangeError);
});
