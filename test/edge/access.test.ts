import { afterAll, expect, test } from "vitest";
import {
  AS_LABELS,
  drawLabels,
  lengthOf,
  ORIGIN,
  startTestService,
} from "./service.ts";

const service = await startTestService({ isWorking: false });
afterAll(() => service.close());
const { png } = drawLabels();

test("requests without a key, with a wrong or a revoked one are refused", async () => {
  const call = (key: string | null) => service.call("GET", "/v1/jobs", { key });
  expect((await call(null)).status).toBe(401);
  const wrong = await call(`ce_${"x".repeat(43)}`);
  expect(wrong.status).toBe(401);
  expect(wrong.headers.get("www-authenticate")).toMatch(/^Bearer/);
  expect(wrong.headers.get("content-type")).toBe("application/problem+json");
  const key = await service.createKey({});
  expect((await call(key)).status).toBe(200);
  const records = await service.deps.keys.list();
  await service.deps.keys.revoke(records[records.length - 1].id);
  expect((await call(key)).status).toBe(401);
});

test("expired keys are refused", async () => {
  const key = await service.createKey({ expires: Date.now() - 1 });
  expect((await service.call("GET", "/v1/jobs", { key })).status).toBe(401);
});

test("keys are ce_ and 43 characters of base64url, and kept as hashes only", async () => {
  const key = await service.createKey({ name: "kept" });
  expect(key).toMatch(/^ce_[A-Za-z0-9_-]{43}$/);
  const records = JSON.stringify(await service.deps.keys.list());
  expect(records).not.toContain(key);
  expect(records).not.toContain(key.slice(3, 20));
});

test("a key without the scope is told which it lacks", async () => {
  const key = await service.createKey({ scopes: ["train"] });
  const { status, body } = await service.call("GET", "/v1/jobs", { key });
  expect(status).toBe(403);
  expect(body.detail).toMatch(/scope segment/);
});

test("tenants see nothing of each other", async () => {
  const other = await service.createKey({ tenant: "other" });
  const upload = await service.upload("cells.png", png);
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], parameters: AS_LABELS },
  });
  const asOther = (method: string, path: string, json?: unknown) =>
    service.call(method, path, {
      key: other,
      ...(json === undefined ? {} : { json }),
    });
  const answers = await Promise.all([
    asOther("GET", `/v1/uploads/${upload}`),
    asOther("POST", `/v1/uploads/${upload}/complete`),
    asOther("POST", "/v1/previews", { upload }),
    asOther("POST", "/v1/jobs", { images: [{ upload }] }),
    asOther("GET", `/v1/jobs/${job.id}`),
    asOther("DELETE", `/v1/jobs/${job.id}`),
    asOther("GET", `/v1/jobs/${job.id}/events`),
    asOther("GET", `/v1/jobs/${job.id}/results`),
    asOther("POST", `/v1/jobs/${job.id}/masks`, {}),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(404));
  expect((await asOther("GET", "/v1/jobs")).body.jobs).toEqual([]);
});

test("a key that asks too often is told when to come again", async () => {
  const key = await service.createKey({ requestsPerSecond: 1 });
  const answers = [];
  for (let i = 0; i < 8; i++) {
    answers.push(await service.call("GET", "/v1/jobs", { key }));
  }
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(3);
  expect(Number(refused[0].headers.get("retry-after"))).toBeGreaterThan(0);
});

test("a key's budget of bytes holds across requests", async () => {
  const key = await service.createKey({
    tenant: "small",
    budgets: { bytes: 1000 },
  });
  const announce = (bytes: number) =>
    service.call("POST", "/v1/uploads", {
      key,
      json: { name: "a.tif", bytes, sha256: "0".repeat(64) },
    });
  expect((await announce(600)).status).toBe(201);
  const second = await announce(600);
  expect(second.status).toBe(402);
  expect(second.body.detail).toMatch(/1000 bytes is used up until/);
});

test("signed URLs take what was signed and nothing else", async () => {
  const { createHash } = await import("node:crypto");
  const sha256 = createHash("sha256").update(png).digest("hex");
  const { body } = await service.call("POST", "/v1/uploads", {
    json: { name: "cells.png", bytes: png.length, sha256 },
  });
  const put = (url: string, bytes: Uint8Array) =>
    service.fetch(
      new Request(url, {
        method: "PUT",
        headers: { ...body.put.headers, ...lengthOf(bytes) },
        body: new Uint8Array(bytes),
      }),
    );
  const { url } = body.put;
  expect((await put(url, png.slice(1))).status).toBe(403);
  expect((await put(url, png.map((byte) => byte ^ 1))).status).toBe(400);
  expect((await put(url.replace("lab", "other"), png)).status).toBe(403);
  expect((await put(url.replace(/length=\d+/, "length=1"), png)).status)
    .toBe(403);
  expect((await put(url, png)).status).toBe(200);
  expect((await put(url, png)).status).toBe(409);
  const got = await service.fetch(new Request(url));
  expect(got.status).toBe(403);
});

test("the page's session works on loopback names only", async () => {
  const { sessions } = service.deps;
  const cookie = sessions?.issue("lab").split(";")[0] ?? "";
  const call = (host: string, value: string) =>
    service.fetch(
      new Request(`${ORIGIN}/v1/jobs`, { headers: { host, cookie: value } }),
    );
  expect((await call("127.0.0.1:8000", cookie)).status).toBe(200);
  expect((await call("evil.example", cookie)).status).toBe(401);
  expect((await call("127.0.0.1:8000", cookie.replace("lab", "own"))).status)
    .toBe(401);
});
