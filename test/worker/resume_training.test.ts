import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadNodeEncoder } from "../../gpu-worker/encoder_node.ts";
import { startWorker } from "../../gpu-worker/start_worker.ts";
import { openTrainable } from "../../gpu-worker/train/open_trainable.ts";
import type { StoredEvent } from "../../shared/queue/types.ts";
import { startTestService, type TestService } from "../edge/service.ts";
import { makeFolder, writeScene } from "../train/folders.ts";

const PATIENT = 300_000;
const SETTINGS = { steps: 100, batch: 1, crop: 64, maxFolds: 2 };

const root = mkdtempSync(join(tmpdir(), "resume-"));
let service: TestService;
let trainer: string;
let images: { upload: string; labels: string }[];

beforeAll(async () => {
  const network = await openTrainable({
    ...{ network: "residual-unet", from: null, seed: 1, weightDecay: 0 },
    threads: 1,
  });
  const opened = await network.openTrainer();
  const { tensors } = await opened.state();
  await network.writeModel(join(root, "parent"), tensors, {
    ...{ diameter: 17, licence: "MIT", training: {} },
  });
  await opened.close();
  service = await startTestService({ isWorking: false });
  trainer = await service.createKey({ scopes: ["segment", "train"] });
  const scenes = makeFolder();
  images = [];
  for (let i = 0; i < 3; i++) {
    writeScene(join(scenes.path, `s${i}`), 20 + i);
    const send = (name: string) =>
      service.upload(name, readFileSync(join(scenes.path, name)), trainer);
    images.push({
      upload: await send(`s${i}.png`),
      labels: await send(`s${i}_masks.png`),
    });
  }
  scenes.remove();
}, PATIENT);
afterAll(async () => {
  await service.close();
  rmSync(root, { recursive: true });
});

/** A worker whose clock lets it tell each step, or stands still. */
function startTrainer(
  folder: string,
  { keepMs, tick = 1000 }: { keepMs?: number; tick?: number } = {},
) {
  let now = Date.now();
  return startWorker({
    ...service.deps,
    shipped: join(root, "parent"),
    folder: join(root, folder),
    load: (folder) =>
      loadNodeEncoder(folder, { providers: ["cpu"], threads: 1 }),
    ...{ pricePerGpuSecond: 1, threads: 1, now: () => now += tick },
    ...(keepMs === undefined ? {} : { keepMs }),
  }, { concurrency: 1, leaseMs: 30_000, kinds: ["trainings"] });
}

async function ask(): Promise<string> {
  const { body, status } = await service.call("POST", "/v1/trainings", {
    ...{ key: trainer, json: { images, settings: SETTINGS } },
  });
  expect(status).toBe(202);
  return body.id;
}

/** Events of a training until one of them is `last`. */
async function follow(
  id: string,
  isLast: (event: StoredEvent) => boolean,
): Promise<StoredEvent[]> {
  const over = new AbortController();
  const seen: StoredEvent[] = [];
  const { events } = service.deps.trainings;
  for await (
    const event of events.follow(["lab", id], { signal: over.signal })
  ) {
    seen.push(event);
    if (isLast(event)) break;
  }
  over.abort();
  return seen;
}

const isEnd = ({ type, data }: StoredEvent) =>
  type === "state" &&
  ["succeeded", "failed"].includes((data as { state: string }).state);

/** Steps and losses in the order they were told. */
const lossesOf = (events: readonly StoredEvent[]) =>
  events.map(({ data }) => data as Record<string, unknown>)
    .filter(({ event }) => event === "step")
    .map(({ step, loss }) => [step, loss]);

const keptOf = async (id: string) => {
  const { objects } = await service.deps.store.list(
    `tenants/lab/trainings/${id}/`,
  );
  return objects.map(({ key }) => key.split(`${id}/`)[1]);
};

test(
  "a training that is handed back goes on where it was, to the same bits",
  async () => {
    const whole = startTrainer("whole");
    const first = await ask();
    const undisturbed = await follow(first, isEnd);
    await whole.drain();
    expect(lossesOf(undisturbed)).toHaveLength(3 * SETTINGS.steps);

    const id = await ask();
    const one = startTrainer("one");
    let isSecond = false;
    await follow(id, ({ type, data }) => {
      const { text, step } = data as { text?: string; step?: number };
      if (text === "fold 2 of 2") isSecond = true;
      return isSecond && type === "log" && (step ?? 0) >= 4;
    });
    await one.drain();
    const { state, attempts } = await service.deps.trainings.get("lab", id);
    expect([state, attempts]).toEqual(["running", 1]);
    const kept = await keptOf(id);
    expect(kept).toContain("folds/0/scores.json");
    expect(kept.some((path) => path.endsWith("checkpoint.safetensors")))
      .toBe(true);

    // handing back costs no attempt: the message is a new one
    const two = startTrainer("two");
    const all = await follow(id, isEnd);
    await two.drain();
    expect(all.map(({ data }) => (data as { event?: string }).event))
      .toContain("resume");
    expect(lossesOf(all)).toEqual(lossesOf(undisturbed));
    const [was, is] = await Promise.all(
      [first, id].map(async (each) => {
        const { output } = await service.deps.trainings.get("lab", each);
        const { seconds: _, ...rest } = output as Record<string, unknown>;
        return rest;
      }),
    );
    expect(is).toEqual(was);
    // and nothing is kept of it, nor in the queue
    expect(await keptOf(id)).toEqual([]);
    expect(await service.deps.trainings.queue.depth())
      .toMatchObject({ waiting: 0, started: 0, dead: 0 });
  },
  PATIENT,
);

test(
  "of a training that is over at once its first and last steps are told",
  async () => {
    const id = await ask();
    const still = startTrainer("still", { tick: 0 });
    const all = await follow(id, isEnd);
    await still.drain();
    const told = lossesOf(all).map(([step]) => step);
    expect(told[0]).toBe(1);
    expect(told.length).toBeLessThan(SETTINGS.steps);
    // of both folds and of the training of all images
    expect(told.filter((step) => step === SETTINGS.steps)).toHaveLength(3);
  },
  PATIENT,
);

test(
  "checkpoints are stored now and then, and forgotten with a training that was cancelled",
  async () => {
    const id = await ask();
    // what it stores now and then is stored at every checkpoint
    const one = startTrainer("dying", { keepMs: 0 });
    await follow(
      id,
      ({ data }) => (data as { text?: string }).text === "fold 2 of 2",
    );
    expect(await keptOf(id)).toContain("folds/0/scores.json");
    await one.drain();
    const { status } = await service.call("DELETE", `/v1/trainings/${id}`, {
      key: trainer,
    });
    expect(status).toBe(200);
    // whoever finds that it was cancelled forgets what was kept
    const two = startTrainer("after");
    for (let i = 0; i < 500 && (await keptOf(id)).length > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await keptOf(id)).toEqual([]);
    await two.drain();
  },
  PATIENT,
);
