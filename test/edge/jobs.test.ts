import { afterAll, expect, test } from "vitest";
import { decodeImage } from "../../shared/image/decode.ts";
import { decodeLabels } from "../../shared/image/read_labels.ts";
import { AS_LABELS, drawLabels, startTestService } from "./service.ts";

const service = await startTestService();
afterAll(() => service.close());

const { png, labels, edge } = drawLabels({ cells: 4 });

async function runJob(json: Record<string, unknown> = {}) {
  const upload = await service.upload("cells.png", png);
  const { status, body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], parameters: AS_LABELS, ...json },
  });
  expect(status).toBe(202);
  return body;
}

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await service.fetch(new Request(url));
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

test("POST /jobs segments an upload; its masks come by signed URLs", async () => {
  const job = await runJob({ outputs: ["tif", "geojson", "csv"] });
  const ended = await service.finish(job.id);
  expect(ended).toMatchObject({
    state: "succeeded",
    images: { total: 1, succeeded: 1, failed: 0, cancelled: 0 },
  });
  const { body } = await service.call("GET", `/v1/jobs/${job.id}/results`);
  const [image] = body.images;
  expect(image).toMatchObject({ index: 0, name: "cells.png", count: 4 });
  expect(Object.keys(image.files).sort()).toEqual([
    "cells_cells.csv",
    "cells_cp_masks.geojson",
    "cells_cp_masks.tif",
    "network.npy",
    "result.json",
  ]);
  const tif = await download(image.files["cells_cp_masks.tif"].url);
  const { masks } = await decodeLabels(tif);
  expect(masks).toEqual(labels);
  const result = JSON.parse(
    new TextDecoder().decode(await download(image.files["result.json"].url)),
  );
  expect(result).toMatchObject({ id: image.result, count: 4 });
});

test("POST /jobs answers the same work again without the encoder", async () => {
  const first = await service.finish((await runJob()).id);
  const again = await service.finish((await runJob()).id);
  expect(first.state).toBe("succeeded");
  expect(again.cost.gpuSeconds).toBe(0);
});

test("POST /jobs with an Idempotency-Key makes one job of two requests", async () => {
  const upload = await service.upload("cells.png", png);
  const json = { images: [{ upload }], parameters: AS_LABELS };
  const headers = { "idempotency-key": "one" };
  const [a, b] = await Promise.all(
    [0, 1].map(() => service.call("POST", "/v1/jobs", { json, headers })),
  );
  expect([a.status, b.status]).toEqual([202, 202]);
  expect(a.body.id).toBe(b.body.id);
  const other = await service.call("POST", "/v1/jobs", {
    json: { ...json, outputs: ["png"] },
    headers,
  });
  expect(other.status).toBe(409);
});

test("POST /jobs with dryRun gives a quote and queues nothing", async () => {
  const upload = await service.upload("cells.png", png);
  const before = await service.call("GET", "/v1/jobs?limit=200");
  const { status, body } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload }], dryRun: true },
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({ images: 1, pixels: edge * edge, tiles: 1 });
  expect(body.price).toBeGreaterThan(0);
  const after = await service.call("GET", "/v1/jobs?limit=200");
  expect(after.body.jobs).toHaveLength(before.body.jobs.length);
});

test("a job with a broken image fails with its cause, the others succeed", async () => {
  const good = await service.upload("good.png", png);
  const bad = await service.upload("bad.png", png.slice(0, 60));
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: {
      images: [{ upload: bad }, { upload: good }],
      parameters: AS_LABELS,
    },
  });
  const ended = await service.finish(job.id);
  expect(ended).toMatchObject({
    state: "succeeded",
    images: { succeeded: 1, failed: 1 },
  });
  const { body } = await service.call("GET", `/v1/jobs/${job.id}/results`);
  expect(body.images[0]).toMatchObject({ state: "failed", files: {} });
  expect(body.images[0].error).toMatch(/png file is corrupt/);
});

test("a job whose file was never sent fails and says so", async () => {
  const { body: upload } = await service.call("POST", "/v1/uploads", {
    json: { name: "a.png", bytes: 10, sha256: "0".repeat(64) },
  });
  const { body: job } = await service.call("POST", "/v1/jobs", {
    json: { images: [{ upload: upload.id }] },
  });
  const ended = await service.finish(job.id);
  expect(ended.state).toBe("failed");
  expect(ended.error).toMatch(/There is no/);
});

test("GET /jobs/:id/events resumes behind Last-Event-ID", async () => {
  const job = await runJob();
  await service.finish(job.id);
  const read = async (headers: Record<string, string>) => {
    const { body } = await service.call("GET", `/v1/jobs/${job.id}/events`, {
      headers,
    });
    return [...body.matchAll(/id: (\d+)/g)].map((match) => Number(match[1]));
  };
  const all = await read({});
  expect(all.length).toBeGreaterThanOrEqual(3);
  const rest = await read({ "last-event-id": `${all[1]}` });
  expect(rest).toEqual(all.slice(2));
});

test("DELETE /jobs/:id cancels; a second time is a conflict", async () => {
  const idle = await startTestService({ isWorking: false });
  try {
    const upload = await idle.upload("cells.png", png);
    const { body: job } = await idle.call("POST", "/v1/jobs", {
      json: { images: [{ upload }], parameters: AS_LABELS },
    });
    const first = await idle.call("DELETE", `/v1/jobs/${job.id}`);
    expect(first.body).toMatchObject({
      state: "cancelled",
      images: { cancelled: 1 },
    });
    expect((await idle.call("DELETE", `/v1/jobs/${job.id}`)).status).toBe(409);
    // the worker finds the message of a job that has ended, and drops it
    idle.startWorker();
    for (let i = 0; i < 100; i++) {
      const { waiting, started } = await idle.deps.jobs.queue.depth();
      if (waiting + started === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await idle.deps.jobs.queue.depth()).toMatchObject({
      waiting: 0,
      started: 0,
    });
    const after = await idle.call("GET", `/v1/jobs/${job.id}`);
    expect(after.body.state).toBe("cancelled");
  } finally {
    await idle.close();
  }
});

test("POST /jobs/:id/masks with the job's parameters gives the job's masks", async () => {
  const job = await runJob({ outputs: ["png"] });
  await service.finish(job.id);
  const { status, body } = await service.call(
    "POST",
    `/v1/jobs/${job.id}/masks`,
    { json: {} },
  );
  expect(status).toBe(200);
  expect(body.count).toBe(4);
  const bytes = Uint8Array.from(atob(body.masks.data), (c) => c.charCodeAt(0));
  const { data } = await decodeImage(bytes);
  expect(Uint32Array.from(data)).toEqual(labels);
  expect(body.cells[0].confidence).toBeGreaterThan(0.5);
  const large = await service.call("POST", `/v1/jobs/${job.id}/masks`, {
    json: { minSize: 100_000 },
  });
  expect(large.body).toMatchObject({ count: 0 });
  expect(large.body.emptyReason).toMatch(/4 smaller than minSize/);
});
