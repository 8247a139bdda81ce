import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { sweep } from "../../edge/sweep.ts";
import { AS_LABELS, drawLabels, startTestService } from "./service.ts";

const service = await startTestService({ isWorking: false });
afterAll(() => service.close());

/** As `sweep()` sees it so long from now. */
const later = (ms: number) => ({
  ...service.deps,
  now: () => Date.now() + ms,
});
const MINUTE = 60_000;

test("sweep() ends uploads in parts that never came, and leaves young ones", async () => {
  const { body } = await service.call("POST", "/v1/uploads", {
    json: { name: "big.tif", bytes: 200 * 2 ** 20, sha256: "0".repeat(64) },
  });
  expect(body.multipart.parts).toBeGreaterThan(1);
  expect((await sweep(later(23 * 60 * MINUTE))).uploads).toBe(0);
  expect((await sweep(later(25 * 60 * MINUTE))).uploads).toBe(1);
  expect(await service.deps.store.listMultiparts("tenants/")).toEqual([]);
  const read = await service.call("GET", `/v1/uploads/${body.id}`);
  expect(read.status).toBe(404);
});

test("sweep() forgets parts that are left of a stored upload, not the upload", async () => {
  const own = await startTestService({
    ...{ isWorking: false, settings: { maxSinglePutBytes: 10 } },
  });
  const bytes = new TextEncoder().encode("joined, and then it fell");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { body } = await own.call("POST", "/v1/uploads", {
    json: { name: "a.bin", bytes: bytes.length, sha256 },
  });
  const path = `/v1/uploads/${body.id}`;
  const { body: part } = await own.call("POST", `${path}/parts`, {
    json: { number: 1, sha256 },
  });
  const sent = await own.fetch(
    new Request(part.url, {
      ...{ method: "PUT", body: bytes },
      headers: { ...part.headers, "content-length": `${bytes.length}` },
    }),
  );
  expect(sent.status).toBe(200);
  const { store } = own.deps;
  // stored, and the parts are there still
  const key = `tenants/lab/uploads/${body.id}`;
  await store.put(key, bytes, { mediaType: "application/octet-stream" });
  expect(await store.listMultiparts("")).toHaveLength(1);
  expect((await sweep(own.deps, { uploadMs: -1 })).uploads).toBe(1);
  expect(await store.listMultiparts("")).toEqual([]);
  expect((await own.call("GET", path)).body.state).toBe("stored");
  await own.close();
});

test("POST /uploads/:id/complete may come twice, at once and again", async () => {
  const own = await startTestService({
    ...{ isWorking: false, settings: { maxSinglePutBytes: 10 } },
  });
  const bytes = new TextEncoder().encode("in one part");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { body } = await own.call("POST", "/v1/uploads", {
    json: { name: "a.bin", bytes: bytes.length, sha256 },
  });
  const path = `/v1/uploads/${body.id}`;
  const complete = () => own.call("POST", `${path}/complete`);
  expect((await complete()).status).toBe(400);
  const { body: part } = await own.call("POST", `${path}/parts`, {
    json: { number: 1, sha256 },
  });
  await own.fetch(
    new Request(part.url, {
      ...{ method: "PUT", body: bytes },
      headers: { ...part.headers, "content-length": `${bytes.length}` },
    }),
  );
  const ends = await Promise.all([complete(), complete(), complete()]);
  for (const { status, body } of [...ends, await complete()]) {
    expect([status, body.state]).toEqual([200, "stored"]);
  }
  expect(await own.deps.store.listMultiparts("")).toEqual([]);
  await own.close();
});

test("sweep() names jobs that have not moved for long", async () => {
  const upload = await service.upload("cells.png", drawLabels().png);
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], parameters: AS_LABELS },
  });
  expect((await sweep(later(29 * MINUTE))).stuck).toEqual([]);
  expect((await sweep(later(31 * MINUTE))).stuck).toEqual([job.id]);
  const { body } = await service.call("GET", "/metrics", { key: null });
  expect(body).toMatch(/cytoedge_stuck_jobs 1/);
  service.startWorker();
  await service.finish(job.id);
  expect((await sweep(later(31 * MINUTE))).stuck).toEqual([]);
});

test("sweep() queues imports that were only written down", async () => {
  const { imports } = service.deps;
  const publish = imports.queue.publish;
  imports.queue.publish = () => Promise.reject(new Error("the edge fell"));
  const upload = await service.upload("model.pth", new Uint8Array(10));
  const key = await service.createKey({ scopes: ["segment", "train"] });
  const { status } = await service.call("POST", "/v1/models", {
    key,
    json: { upload },
  });
  expect(status).toBe(500);
  imports.queue.publish = publish;
  expect((await sweep(service.deps)).tasks).toBe(0);
  expect((await sweep(later(2 * MINUTE))).tasks).toBe(1);
  expect(await imports.queue.depth()).toMatchObject({ waiting: 1 });
  expect((await sweep(later(2 * MINUTE))).tasks).toBe(0);
});
