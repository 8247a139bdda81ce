import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, expect, test } from "vitest";
import { deliverWebhooks } from "../../edge/webhooks.ts";
import { createFetchGuard } from "../../shared/net/fetch_guard.ts";
import {
  AS_LABELS,
  drawLabels,
  startTestService,
  type TestService,
} from "./service.ts";

/** A call that a listener got. */
interface Got {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

const { png } = drawLabels({ cells: 2 });
const SECRET = new Uint8Array(32).fill(7);
const OFF = createFetchGuard({ hosts: [] });
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.closeAllConnections();
});

/** A listener that answers with `statuses` in turn, then with 204. */
async function listen(...statuses: number[]) {
  const got: Got[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (piece) => body += piece);
    request.on("end", () => {
      got.push({ headers: request.headers as Got["headers"], body });
      answer.writeHead(statuses.shift() ?? 204).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { got, port: (server.address() as AddressInfo).port };
}

async function startTelling(port: number) {
  const guard = createFetchGuard({
    hosts: [`hook.example:${port}`],
    resolve: () => Promise.resolve(["127.0.0.1"]),
    testing: {},
  });
  const service = await startTestService({
    guards: { webhooks: guard, inputs: OFF },
  });
  const drain = new AbortController();
  const refused: unknown[] = [];
  const telling = deliverWebhooks(
    {
      ...service.deps,
      guard,
      secret: SECRET,
      log: (entry) => refused.push(entry),
    },
    drain.signal,
    () => 10,
  );
  closing.push(async () => {
    drain.abort();
    await telling;
    await service.close();
  });
  return { service, refused };
}

async function runJob(service: TestService, port: number) {
  const upload = await service.upload("cells.png", png);
  const { body, status } = await service.call("POST", "/v1/jobs", {
    json: {
      images: [{ upload }],
      parameters: AS_LABELS,
      webhook: `http://hook.example:${port}/done`,
    },
  });
  expect(status).toBe(202);
  await service.finish(body.id);
  return body.id as string;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("It did not happen in time");
}

test("a job's end is told once, signed over id, time and body", async () => {
  const { got, port } = await listen();
  const { service } = await startTelling(port);
  const id = await runJob(service, port);
  await until(() => got.length > 0);
  const [{ headers, body }] = got;
  expect(JSON.parse(body)).toMatchObject({
    type: "job.succeeded",
    data: { id, state: "succeeded", images: { total: 1, succeeded: 1 } },
  });
  expect(headers["webhook-id"]).toBe(id);
  const time = headers["webhook-timestamp"];
  expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
  const mac = createHmac("sha256", SECRET).update(`${id}.${time}.${body}`);
  expect(headers["webhook-signature"]).toBe(`v1,${mac.digest("base64")}`);
  await until(async () => {
    const { waiting, started } = await service.deps.webhooks.depth();
    return waiting + started === 0;
  });
  expect(got).toHaveLength(1);
});

test("a webhook that fails is called again until it takes the call", async () => {
  const { got, port } = await listen(500, 302, 404);
  const { service, refused } = await startTelling(port);
  await runJob(service, port);
  // 302: redirects are not followed, and refused for good
  await until(() => got.length === 2);
  await until(async () => (await service.deps.webhooks.depth()).started === 0);
  expect(refused).toContainEqual(
    expect.objectContaining({ event: "webhook refused" }),
  );
  const again = await listen(503, 500);
  const other = await startTelling(again.port);
  await runJob(other.service, again.port);
  await until(() => again.got.length === 3);
  expect(new Set(again.got.map(({ body }) => body)).size).toBe(1);
});

test("a webhook that answers 410 is called no more", async () => {
  const { got, port } = await listen(410);
  const { service } = await startTelling(port);
  await runJob(service, port);
  await until(() => got.length === 1);
  await until(async () => {
    const { waiting, started } = await service.deps.webhooks.depth();
    return waiting + started === 0;
  });
  expect(got).toHaveLength(1);
});

test("POST /jobs refuses webhooks of other hosts, and all where none is allowed", async () => {
  const { port } = await listen();
  const { service } = await startTelling(port);
  const upload = await service.upload("cells.png", png);
  for (
    const webhook of [
      "https://evil.example/",
      `https://hook.example:${port + 1}/`,
      `http://user:word@hook.example:${port}/`,
    ]
  ) {
    const { status, body } = await service.call("POST", "/v1/jobs", {
      json: { images: [{ upload }], webhook },
    });
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe("/webhook");
  }
  const off = await startTestService({ isWorking: false });
  closing.push(() => off.close());
  const id = await off.upload("cells.png", png);
  const { body } = await off.call("POST", "/v1/jobs", {
    json: { images: [{ upload: id }], webhook: "https://hook.example/" },
  });
  expect(body.errors[0].detail).toBe("webhooks are off on this service");
});
