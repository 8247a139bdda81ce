/**
 * Models and trainings through the service. One file although long: all share a
 * service and a worker, which take seconds to start.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import {
  type RunningWorker,
  startWorker,
  WORK_KINDS,
} from "../../gpu-worker/start_worker.ts";
import { openTrainable } from "../../gpu-worker/train/open_trainable.ts";
import { makeFolder, writeScene } from "../train/folders.ts";
import { startTestService, type TestService } from "./service.ts";

/** Networks are loaded, trained and run on a busy machine. */
const PATIENT = 300_000;
const FIXTURE = new URL("../fixtures/end_to_end/", import.meta.url);
const checkpoint = gunzipSync(
  readFileSync(new URL("checkpoint.pth.gz", FIXTURE)),
);

let service: TestService;
let worker: RunningWorker;
let trainer: string;
let scenes: ReturnType<typeof makeFolder>;
const root = mkdtempSync(join(tmpdir(), "models-"));

beforeAll(async () => {
  await makeParent(join(root, "parent"));
  scenes = makeFolder();
  for (let i = 0; i < 3; i++) writeScene(join(scenes.path, `s${i}`), 20 + i);
  service = await startTestService({ isWorking: false });
  worker = startWorker({
    ...service.deps,
    shipped: join(root, "parent"),
    folder: join(root, "worker"),
    load: (folder) =>
      loadNodeEncoder(folder, { providers: ["cpu"], threads: 1 }),
    pricePerGpuSecond: 1,
    threads: 1,
  }, { concurrency: 2, leaseMs: 30_000, kinds: WORK_KINDS });
  trainer = await service.createKey({ scopes: ["segment", "train"] });
}, PATIENT);
afterAll(async () => {
  await worker.drain();
  await service.close();
  scenes.remove();
  // all that was worked on is gone
  expect(readdirSync(join(root, "worker", "work"))).toEqual([]);
  rmSync(root, { recursive: true });
}, PATIENT);

/** A design with its first weights: nothing needs to be known to be tuned. */
async function makeParent(folder: string): Promise<void> {
  const network = await openTrainable({
    network: "residual-unet",
    from: null,
    seed: 1,
    weightDecay: 0,
    threads: 1,
  });
  const opened = await network.openTrainer();
  const { tensors } = await opened.state();
  await network.writeModel(folder, tensors, {
    diameter: 17,
    licence: "MIT",
    training: {},
  });
  await opened.close();
}

const call = (method: string, path: string, json?: unknown) =>
  service.call(method, path, {
    key: trainer,
    ...(json === undefined ? {} : { json }),
  });

/** Wait until an import has ended. */
async function imported(json: Record<string, unknown>) {
  const { body, status } = await call("POST", "/v1/models", json);
  expect(status).toBe(202);
  expect(body).toMatchObject({ state: "queued", model: null });
  for (let i = 0; i < 1000; i++) {
    const { body: now } = await call("GET", `/v1/models/${body.id}`);
    if (!["queued", "running"].includes(now.state)) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The import did not end");
}

function zipFolder(folder: string, prefix = ""): Uint8Array {
  return zipSync(Object.fromEntries(
    readdirSync(folder).map((name) => [
      prefix + name,
      new Uint8Array(readFileSync(join(folder, name))),
    ]),
  ));
}

test(
  "POST /models makes a model of a checkpoint; jobs use it; others cannot",
  async () => {
    const upload = await service.upload("small.pth", checkpoint, trainer);
    const model = await imported({ upload, licence: "Apache-2.0" });
    expect(model).toMatchObject({
      state: "succeeded",
      name: "small.pth",
      from: "import",
      model: {
        family: "cellpose-sam",
        licence: "Apache-2.0",
        isDefault: false,
      },
    });
    const { body: list } = await call("GET", "/v1/models");
    expect(list.models.map(({ id }: { id: string }) => id)).toEqual([
      "default",
      model.id,
    ]);
    const image = readFileSync(join(scenes.path, "s0.png"));
    const file = await service.upload("s0.png", image);
    const { body: job, status } = await service.call("POST", "/v1/jobs", {
      json: { images: [{ upload: file }], model: model.id },
    });
    expect(status).toBe(202);
    expect(await service.finish(job.id)).toMatchObject({ state: "succeeded" });
    const { body: results } = await service.call(
      "GET",
      `/v1/jobs/${job.id}/results`,
    );
    const answer = await service.fetch(
      new Request(results.images[0].files["result.json"].url),
    );
    expect((await answer.json()).models).toMatchObject([{
      sha256: model.model.sha256,
      licence: "Apache-2.0",
    }]);

    const other = await service.createKey({ tenant: "other" });
    const hidden = await service.call("GET", `/v1/models/${model.id}`, {
      key: other,
    });
    expect(hidden.status).toBe(404);
    const { body: theirs } = await service.call("GET", "/v1/models", {
      key: other,
    });
    expect(theirs.models).toHaveLength(1);
    const theirFile = await service.upload("s0.png", image, other);
    const stolen = await service.call("POST", "/v1/jobs", {
      key: other,
      json: { images: [{ upload: theirFile }], model: model.id },
    });
    expect(stolen.status).toBe(404);
  },
  PATIENT,
);

test(
  "DELETE /models/:id forgets a model that nothing uses, with its files",
  async () => {
    const upload = await service.upload("small.pth", checkpoint, trainer);
    const [one, same] = [
      await imported({ upload, name: "one", precision: "fp16" }),
      await imported({ upload, name: "same", precision: "fp16" }),
    ];
    expect(same.model.sha256).toBe(one.model.sha256);
    const { store, jobs } = service.deps;
    const files = async () =>
      (await store.list(`tenants/lab/models/${one.model.sha256}/`)).objects
        .length;
    expect(await files()).toBeGreaterThan(1);
    const remove = (id: string, key = trainer) =>
      service.call("DELETE", `/v1/models/${id}`, { key });

    // not by others, nor without the scope, nor the service's own
    const other = await service.createKey({
      ...{ tenant: "other", scopes: ["segment", "train"] },
    });
    expect((await remove(one.id, other)).status).toBe(404);
    expect((await remove(one.id, service.key)).status).toBe(403);
    expect((await remove("default")).status).toBe(403);
    expect((await remove("none")).status).toBe(404);

    // not while a job uses it
    const { body: job } = await service.call("POST", "/v1/jobs", {
      json: {
        images: [{ upload }],
        model: one.id,
      },
    });
    const { state } = await jobs.get("lab", job.id);
    const used = await remove(one.id);
    if (!["succeeded", "failed"].includes(state)) {
      expect(used.status).toBe(409);
      expect(used.body.detail).toContain(job.id);
    }
    await service.finish(job.id);

    expect((await remove(one.id)).status).toBe(204);
    // the other has the same files
    expect(await files()).toBeGreaterThan(1);
    expect((await call("GET", `/v1/models/${one.id}`)).status).toBe(404);
    const gone = await call("POST", "/v1/jobs", {
      images: [{ upload }],
      model: one.id,
    });
    expect(gone.status).toBe(404);
    expect((await remove(same.id)).status).toBe(204);
    expect(await files()).toBe(0);
    const { body: list } = await call("GET", "/v1/models");
    const ids = list.models.map(({ id }: { id: string }) => id);
    expect(ids).not.toContain(one.id);
    expect(ids).not.toContain(same.id);
    // whoever was cut short asks again
    expect((await remove(same.id)).status).toBe(204);
  },
  PATIENT,
);

test(
  "DELETE /models/:id is refused while a training tunes it or an import runs",
  async () => {
    const { trainings, imports } = service.deps;
    const zip = zipFolder(join(root, "parent"), "parent/");
    const upload = await service.upload("parent.zip", zip, trainer);
    const model = await imported({ upload, name: "tuned" });
    const remove = () => call("DELETE", `/v1/models/${model.id}`);
    const input = { name: "t", model: model.id };
    // written down, and taken by nobody
    const task = { tenant: "lab", id: "held", key: "k", input };
    const publish = trainings.queue.publish;
    trainings.queue.publish = () => Promise.resolve({ isDuplicate: false });
    await trainings.create(task);
    trainings.queue.publish = publish;
    const used = await remove();
    expect(used.status).toBe(409);
    expect(used.body.detail).toMatch(/training held/);
    await trainings.cancel("lab", "held");

    const { publish: publishImport } = imports.queue;
    imports.queue.publish = () => Promise.resolve({ isDuplicate: false });
    await imports.create({ ...task, id: "coming" });
    imports.queue.publish = publishImport;
    expect((await remove()).body.detail).toMatch(/model coming is imported/);
    expect((await call("DELETE", "/v1/models/coming")).status).toBe(409);
    await imports.cancel("lab", "coming");
    expect((await remove()).status).toBe(204);
  },
  PATIENT,
);

test(
  "POST /models says what is wrong with a file, and needs the scope train",
  async () => {
    const upload = await service.upload("a.pth", new Uint8Array(100), trainer);
    const model = await imported({ upload });
    expect(model).toMatchObject({ state: "failed", model: null });
    expect(model.error).toMatch(/a\.pth/);
    const { body: used, status } = await call("POST", "/v1/jobs", {
      images: [{ upload }],
      model: model.id,
    });
    expect(status).toBe(409);
    expect(used.detail).toMatch(/could not be made/);
    const refused = await service.call("POST", "/v1/models", {
      json: { upload },
    });
    expect(refused.status).toBe(403);
  },
  PATIENT,
);

test(
  "POST /trainings tunes a model of the tenant and keeps it if it is not worse",
  async () => {
    const zip = zipFolder(join(root, "parent"), "parent/");
    const upload = await service.upload("parent.zip", zip, trainer);
    const parent = await imported({ upload, name: "parent" });
    expect(parent.model).toMatchObject({ family: "cytoedge", licence: "MIT" });

    const images = [];
    for (let i = 0; i < 3; i++) {
      const read = (name: string) => readFileSync(join(scenes.path, name));
      images.push({
        upload: await service.upload(`s ${i}.png`, read(`s${i}.png`), trainer),
        labels: await service.upload(
          "labels.png",
          read(`s${i}_masks.png`),
          trainer,
        ),
      });
    }
    const { body: begun, status } = await call("POST", "/v1/trainings", {
      images,
      model: parent.id,
      name: "tuned on three",
      settings: { steps: 4, batch: 1, crop: 64, maxFolds: 2 },
    });
    expect(status).toBe(202);
    expect(begun).toMatchObject({ state: "queued", report: null });
    const { body: events } = await call(
      "GET",
      `/v1/trainings/${begun.id}/events`,
    );
    expect(events).toMatch(
      /event: log\ndata: \{"event":"step","step":1,"loss"/,
    );
    expect(events).toMatch(/event: message\ndata: \{"text":"fold 1 of 2"\}/);

    const { body: training } = await call("GET", `/v1/trainings/${begun.id}`);
    expect(training.error).toBeNull();
    expect(training).toMatchObject({
      state: "succeeded",
      parent: parent.id,
      report: { heldOut: 3, images: 3, steps: 4, leftOut: [] },
    });
    const { isAdopted, ap } = training.report;
    expect(isAdopted).toBe(ap.tuned >= ap.parent);
    expect(training.model === null).toBe(!isAdopted);
    if (isAdopted) {
      const { body: model } = await call("GET", `/v1/models/${begun.id}`);
      expect(model).toMatchObject({
        name: "tuned on three",
        from: "training",
        model: { family: "cytoedge", licence: "MIT" },
      });
    }
    const { body: usage } = await call("GET", "/v1/usage");
    const used = usage.days.reduce(
      (sum: number, { gpuSeconds }: { gpuSeconds: number }) => sum + gpuSeconds,
      0,
    );
    expect(used).toBeGreaterThan(0);
  },
  PATIENT,
);

test(
  "POST /trainings fails with a line where nothing can be learned",
  async () => {
    const read = (name: string) => readFileSync(join(scenes.path, name));
    const upload = await service.upload("a.png", read("s0.png"), trainer);
    const labels = await service.upload("b.png", new Uint8Array(9), trainer);
    const { body: begun } = await call("POST", "/v1/trainings", {
      images: [{ upload, labels }],
      settings: { steps: 4, batch: 1, crop: 64 },
    });
    await call("GET", `/v1/trainings/${begun.id}/events`);
    const { body } = await call("GET", `/v1/trainings/${begun.id}`);
    expect(body.state).toBe("failed");
    expect(body.error).toMatch(/can be learned from/);
  },
  PATIENT,
);

test("DELETE /trainings/:id stops a training", async () => {
  const read = (name: string) => readFileSync(join(scenes.path, name));
  const upload = await service.upload("a.png", read("s0.png"), trainer);
  const labels = await service.upload("b.png", read("s0_masks.png"), trainer);
  const { body: begun } = await call("POST", "/v1/trainings", {
    images: [{ upload, labels }],
    settings: { steps: 100_000, batch: 1, crop: 64 },
  });
  const over = new AbortController();
  for await (
    const { type } of service.deps.trainings.events.follow(
      ["lab", begun.id],
      { signal: over.signal },
    )
  ) if (type === "log") break;
  over.abort();
  const { status, body } = await call("DELETE", `/v1/trainings/${begun.id}`);
  expect(status).toBe(200);
  expect(body.state).toBe("cancelled");
  for (let i = 0; i < 500; i++) {
    const { waiting, started } = await service.deps.trainings.queue.depth();
    if (waiting + started === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The training did not stop");
}, PATIENT);
