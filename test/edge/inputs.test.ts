import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFetchGuard } from "../../shared/net/fetch_guard.ts";
import {
  AS_LABELS,
  drawLabels,
  lengthOf,
  startTestService,
  type TestService,
} from "./service.ts";

const { png } = drawLabels({ cells: 3 });
const server = createServer((request, answer) => {
  if (request.url === "/cells.png") answer.end(png);
  else answer.writeHead(request.url === "/away" ? 302 : 404).end();
});
let service: TestService;
let home = "";

beforeAll(async () => {
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const host = `files.example:${(server.address() as AddressInfo).port}`;
  home = `http://${host}`;
  service = await startTestService({
    guards: {
      webhooks: createFetchGuard({ hosts: [] }),
      inputs: createFetchGuard({
        hosts: [host],
        resolve: () => Promise.resolve(["127.0.0.1"]),
        testing: {},
      }),
    },
  });
});
afterAll(async () => {
  await service.close();
  server.closeAllConnections();
  server.close();
});

async function uploadTo(folder: string, name: string, key = service.key) {
  const sha256 = createHash("sha256").update(png).digest("hex");
  const { body, status } = await service.call("POST", "/v1/uploads", {
    key,
    json: { name, bytes: png.length, sha256, folder },
  });
  expect(status).toBe(201);
  const sent = await service.fetch(
    new Request(body.put.url, {
      method: "PUT",
      headers: { ...body.put.headers, ...lengthOf(png) },
      body: new Uint8Array(png),
    }),
  );
  expect(sent.ok).toBe(true);
  const read = await service.call("GET", `/v1/uploads/${body.id}`, { key });
  expect(read.body.state).toBe("stored");
  return body.id as string;
}

async function run(images: unknown[]) {
  const { body, status } = await service.call("POST", "/v1/jobs", {
    json: { images, parameters: AS_LABELS },
  });
  expect(status).toBe(202);
  const job = await service.finish(body.id);
  const { body: results } = await service.call(
    "GET",
    `/v1/jobs/${body.id}/results`,
  );
  return { job, images: results.images };
}

test("POST /jobs takes all uploads of a folder, and of folders within it", async () => {
  const first = await uploadTo("plate-1", "a.png");
  const second = await uploadTo("plate-1/day-2/", "b.png");
  await uploadTo("plate-10", "c.png");
  const { job, images } = await run([{ prefix: "plate-1" }]);
  expect(job.images).toMatchObject({ total: 2, succeeded: 2 });
  expect(
    images.map(({ name, upload }: Record<string, string>) => [name, upload])
      .sort(),
  ).toEqual([
    ["a.png", `plate-1/${first}`],
    ["b.png", `plate-1/day-2/${second}`],
  ]);
  // an upload of a folder is one by its id, too
  const again = await run([{ upload: second }]);
  expect(again.job.images).toMatchObject({ total: 1, succeeded: 1 });
});

test("POST /jobs takes what came into a folder by other ways", async () => {
  await service.deps.store.put(
    "tenants/lab/uploads/synced/well_A1.png",
    new Uint8Array(png),
    { mediaType: "image/png" },
  );
  const { images } = await run([{ prefix: "synced" }]);
  expect(images).toMatchObject([{ name: "well_A1.png", count: 3 }]);
});

test("folders are those of the caller, and cannot lead out of them", async () => {
  const other = await service.createKey({ tenant: "other" });
  await uploadTo("secret", "theirs.png", other);
  const missing = await service.call("POST", "/v1/jobs", {
    json: { images: [{ prefix: "secret" }] },
  });
  expect(missing.status).toBe(404);
  for (
    const prefix of ["..", "../other", "a/../../b", "/a", "a//b", "", ".x"]
  ) {
    const { status } = await service.call("POST", "/v1/jobs", {
      json: { images: [{ prefix }] },
    });
    expect(status, prefix).toBe(400);
  }
});

test("POST /jobs fetches images by their URLs from allowed hosts", async () => {
  const { images } = await run([
    { url: `${home}/cells.png` },
    { url: `${home}/missing.png` },
    { url: `${home}/away` },
  ]);
  expect(images[0]).toMatchObject({
    state: "succeeded",
    upload: null,
    url: `${home}/cells.png`,
    name: "cells.png",
    count: 3,
  });
  expect(images[1]).toMatchObject({ state: "failed" });
  expect(images[1].error).toMatch(/answered with 404/);
  expect(images[2].error).toMatch(/redirects/);
});

test("POST /jobs refuses URLs of other hosts before anything is queued", async () => {
  const { status, body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ url: "https://169.254.169.254/latest/meta-data" }] },
  });
  expect(status).toBe(400);
  expect(body.errors[0].pointer).toBe("/images/0/url");
});
