import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import { startTestService } from "./service.ts";

const service = await startTestService({
  isWorking: false,
  settings: { idleMs: 300, timeoutMs: 1_000 },
});
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: () => {} },
  service.fetch,
);
afterAll(async () => {
  await server.shutdown();
  await service.close();
});

/** Send bytes as they are, then pieces; all that comes back until it ends. */
function speak(
  head: string[],
  pieces: string[] = [],
  everyMs = 0,
): Promise<string> {
  const lines = [...head, "host: 127.0.0.1", "connection: close"];
  return new Promise((resolve) => {
    const socket = connect(server.addr.port, "127.0.0.1");
    let heard = "";
    const end = () => {
      clearInterval(timer);
      clearTimeout(limit);
      socket.destroy();
      resolve(heard);
    };
    const limit = setTimeout(end, 5_000);
    socket.on("data", (data) => {
      heard += data;
      // a second answer would follow the first
      setTimeout(end, 300);
    });
    socket.on("close", end);
    socket.on("error", end);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const timer = setInterval(() => {
      const piece = pieces.shift();
      if (piece === undefined) clearInterval(timer);
      else if (!socket.destroyed) socket.write(piece);
    }, everyMs);
  });
}

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]));

const asOwner = `authorization: Bearer ${service.key}`;
const postJob = ["POST /v1/jobs HTTP/1.1", asOwner];
const json = "content-type: application/json";

test("a body that stands still is answered 408", async () => {
  const heard = await speak([...postJob, json, "content-length: 100"], ["{"]);
  expect(statuses(heard)).toEqual([408]);
  expect(heard).toMatch(/problems\/slow-body/);
});

test("a body that trickles is answered 408 at the time limit", async () => {
  const pieces = Array(100).fill(" ");
  const heard = await speak(
    [...postJob, json, "content-length: 1000"],
    pieces,
    100,
  );
  expect(statuses(heard)).toEqual([408]);
});

test("a body of unknown length that stands still is answered 408", async () => {
  const heard = await speak(
    [...postJob, json, "transfer-encoding: chunked"],
    ["1\r\n{\r\n"],
  );
  expect(statuses(heard)).toEqual([408]);
});

test("a signed PUT whose bytes stand still is ended", async () => {
  const { body } = await service.call("POST", "/v1/uploads", {
    json: { name: "a.tif", bytes: 100, sha256: "0".repeat(64) },
  });
  const { pathname, search } = new URL(body.put.url);
  const heard = await speak([
    `PUT ${pathname}${search} HTTP/1.1`,
    "content-length: 100",
    `content-type: ${body.mediaType}`,
  ], ["half"]);
  expect(statuses(heard)).toEqual([408]);
});

test("a request of two lengths, or of length and chunks, is no second request", async () => {
  const hidden = "GET /v1/usage HTTP/1.1\r\nhost: a\r\n\r\n";
  const lengths = [
    ["content-length: 0", `content-length: ${hidden.length}`],
    [`content-length: ${hidden.length}`, "transfer-encoding: chunked"],
    ["transfer-encoding: identity, chunked", "content-length: 0"],
    ["transfer-encoding: xchunked"],
    ["content-length: +0"],
  ];
  for (const each of lengths) {
    const heard = await speak(
      [...postJob, json, ...each],
      [`0\r\n\r\n${hidden}`],
    );
    expect(statuses(heard), each.join()).toEqual([400]);
  }
});

test("line ends in a header's value are no header of the answer", async () => {
  const heard = await speak([
    "GET /v1/uploads/x%0d%0aset-cookie:%20a=b HTTP/1.1",
    asOwner,
    "x-request-id: a\tb",
  ]);
  expect(heard.toLowerCase()).not.toMatch(/\r\nset-cookie/);
  expect(statuses(heard)[0]).toBe(400);
});

test("a long header is refused, and many of them", async () => {
  const long = await speak([
    "GET /healthz HTTP/1.1",
    `x-long: ${"a".repeat(2 ** 20)}`,
  ]);
  expect(statuses(long)).toEqual([400]);
  const many = await speak([
    "GET /healthz HTTP/1.1",
    ...Array.from({ length: 5000 }, (_, i) => `x-${i}: a`),
  ]);
  expect(statuses(many)).toEqual([400]);
});

test("the service answers after all this", async () => {
  const heard = await speak(["GET /healthz HTTP/1.1"]);
  expect(statuses(heard)).toEqual([200]);
});
