import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { StorageError } from "../../shared/errors.ts";
import { openS3 } from "../../shared/storage/s3.ts";
import type { ObjectStore } from "../../shared/storage/types.ts";
import { freePort } from "../servers/process.ts";

function open(port: number): ObjectStore {
  return openS3({
    bucket: "b",
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
    timeoutMs: 300,
    maxAttempts: 3,
  });
}

/** Run `use` on a server that answers so; counts its requests. */
async function withServer(
  answer: (count: number) => RequestListener,
  use: (store: ObjectStore) => Promise<void>,
): Promise<number> {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    answer(++count)(request, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const store = open((server.address() as AddressInfo).port);
  try {
    await use(store);
  } finally {
    await store.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
  return count;
}

const fail: RequestListener = (_, response) =>
  response.writeHead(500).end("<Error><Code>InternalError</Code></Error>");

const five: RequestListener = (_, response) =>
  response.writeHead(200, { "content-length": "5", etag: '"e"' }).end("cells");

test("openS3() repeats what the server fails at", async () => {
  const count = await withServer(
    (n) => n < 3 ? fail : five,
    async (store) => {
      const { body } = await store.get("a");
      expect(await new Response(body).text()).toBe("cells");
    },
  );
  expect(count).toBe(3);
});

test("openS3() gives up with a StorageError", async () => {
  const count = await withServer(() => fail, async (store) => {
    const err = await store.get("a").catch((e) => e);
    expect(err).toBeInstanceOf(StorageError);
    expect(err.message).toContain("HTTP 500");
    expect([err.operation, err.key]).toEqual(["get", "a"]);
  });
  expect(count).toBe(3);
});

test("openS3() tells of a store that is full", async () => {
  await withServer(
    () => (_, response) =>
      response.writeHead(507)
        .end("<Error><Code>InsufficientStorage</Code></Error>"),
    async (store) => {
      const put = store.put("a", new Uint8Array(3), { mediaType: "a/b" });
      const err = await put.catch((e) => e);
      expect(err).toBeInstanceOf(StorageError);
      expect(err.isFull).toBe(true);
    },
  );
});

test("get() fails where a body is cut short, though nothing is wrong before", async () => {
  await withServer(
    () => (_, response) => {
      response.writeHead(200, { "content-length": "5", etag: '"e"' });
      response.write("cel", () => response.destroy());
    },
    async (store) => {
      const { body } = await store.get("a");
      await expect(new Response(body).text()).rejects.toThrow(StorageError);
    },
  );
});

test("openS3() does not wait for a server that is silent", async () => {
  await withServer(() => () => {}, async (store) => {
    await expect(store.head("a")).rejects.toThrow(StorageError);
  });
});

test("openS3() signs for the endpoint that clients reach", async () => {
  const store = openS3({
    bucket: "b",
    endpoint: "http://s3.internal:9000",
    publicEndpoint: "https://files.example.org",
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
  });
  const { url } = await store.presignGet("t/a", { ttlSeconds: 60 });
  expect(url).toMatch(/^https:\/\/files\.example\.org\/b\/t\/a\?/);
  await store.close();
});

test("openS3() tells of a server that is gone", async () => {
  const store = open(await freePort());
  await expect(store.list("")).rejects.toThrow(StorageError);
  await store.close();
});
