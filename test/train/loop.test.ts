import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { addToAverage } from "../../gpu-worker/train/average.ts";
import { loadCheckpoint } from "../../gpu-worker/train/checkpoint.ts";
import type { Batches } from "../../gpu-worker/train/open_batches.ts";
import { planRates } from "../../gpu-worker/train/plan_rates.ts";
import { readLog } from "../../gpu-worker/train/run_log.ts";
import {
  FILES,
  type LoopDeps,
  type LoopPlan,
  runLoop,
} from "../../gpu-worker/train/train_loop.ts";
import { createRandom } from "../../shared/synthetic/mod.ts";
import { createFakes } from "./fake_trainer.ts";
import { judgeLoss } from "../../gpu-worker/train/watch_training.ts";
import { makeFolder } from "./folders.ts";

const PLAN: LoopPlan = {
  schedule: "cosine",
  rate: 0.01,
  steps: 50,
  stepsPerEpoch: 5,
  validateEvery: 12,
  checkpointEvery: 8,
  average: 0.5,
  fingerprint: "f",
};
const folders: { remove: () => void }[] = [];
afterEach(() => folders.splice(0).forEach(({ remove }) => remove()));

function freshFolder(): string {
  const folder = makeFolder();
  folders.push(folder);
  return folder.path;
}

/** Batches that depend on their number. */
const batches: Batches = {
  get: (index) => {
    const random = createRandom(7, index);
    const images = Float32Array.from({ length: 64 }, () => random.normal());
    const targets = new Float32Array(3 * 64);
    const edges = { count: 1, channels: 1, height: 8, width: 8 };
    return Promise.resolve({ images, targets, ...edges });
  },
  cost: () => ({ milliseconds: 0, batches: 0 }),
  close: () => {},
};

/** A validation whose score rises and falls. */
const validate: NonNullable<LoopDeps["validate"]> = (_, step) =>
  Promise.resolve({
    score: 1 - Math.abs(step - 24) / 100,
    findings: [],
    facts: { loss: 1, ap: 0.5 },
  });

function run(folder: string, plan = PLAN, fakes = createFakes()) {
  return runLoop(plan, { folder, openTrainer: fakes, batches, validate });
}

const bytesOf = (folder: string) =>
  [FILES.best].map((name) => readFileSync(join(folder, name)));

test("runLoop() gives the same bits however often it is killed", async () => {
  const whole = freshFolder();
  const expected = await run(whole);
  expect(expected.best?.step).toBe(24);
  for (let trial = 0; trial < 6; trial++) {
    const folder = freshFolder();
    const random = createRandom(trial);
    let kills = 0;
    let result: Awaited<ReturnType<typeof run>> | undefined;
    while (result === undefined) {
      let left = 1 + random.below(25);
      const fakes = createFakes({
        onRun: () => {
          if (kills < 5 && --left === 0) throw new Error("killed");
        },
      });
      try {
        result = await run(folder, PLAN, fakes);
      } catch (err) {
        expect((err as Error).message).toBe("killed");
        kills++;
        // a kill may cut the line that is being written
        appendFileSync(join(folder, FILES.log), '{"event":"st');
      }
    }
    expect(kills).toBeGreaterThan(1);
    expect(result.state).toEqual(expected.state);
    expect(result.best).toEqual(expected.best);
    expect(result.average).toEqual(expected.average);
    expect(bytesOf(folder)).toEqual(bytesOf(whole));
    const steps = (path: string) =>
      readLog(join(path, FILES.log)).filter(({ event }) => event === "step")
        .map(({ step, loss, rate }) => [step, loss, rate]);
    expect(steps(folder)).toEqual(steps(whole));
  }
});

test("runLoop() hands over a chunk at most, up to what comes next", async () => {
  const expected = await run(freshFolder());
  const counts: number[] = [];
  const fakes = createFakes();
  const folder = freshFolder();
  const result = await runLoop({ ...PLAN, chunk: 10 }, {
    folder,
    openTrainer: async (state) => {
      const trainer = await fakes(state);
      return {
        ...trainer,
        run(given, rates) {
          counts.push(rates.length);
          return trainer.run(given, rates);
        },
      };
    },
    batches,
    validate,
  });
  // validations every 12 steps, checkpoints every 8, the end at 50
  expect(counts).toEqual([8, 4, 4, 8, 8, 4, 4, 8, 2]);
  expect(result.state).toEqual(expected.state);
  expect(result.best).toEqual(expected.best);
  expect(result.average).toEqual(expected.average);
});

test("runLoop() averages the weights of its last checkpoints", async () => {
  const folder = freshFolder();
  const saved = new Map<number, Float32Array>();
  const { average } = await runLoop(PLAN, {
    folder,
    openTrainer: createFakes(),
    batches,
    onSaved() {
      const { state } = loadCheckpoint(join(folder, FILES.checkpoint))!;
      saved.set(state.step, state.tensors.get("w")!.data);
      return Promise.resolve();
    },
  });
  // of 50 steps the second half; 50 itself is none of every eighth
  const states = [32, 40, 48].map((step) => saved.get(step)!);
  expect(average?.count).toBe(3);
  const found = average!.tensors.get("w")!.data;
  for (const [k, value] of found.entries()) {
    const sum = states.reduce((total, data) => total + data[k], 0);
    expect(value).toBeCloseTo(sum / 3, 5);
  }
  const { average: none } = await run(freshFolder(), { ...PLAN, average: 0 });
  expect(none).toBeUndefined();
});

test("addToAverage() leaves the optimizer's means out", () => {
  const tensor = { shape: [1], data: Float32Array.of(2) };
  const state = new Map([["w", tensor], ["w:mean", tensor], [
    "w:square",
    tensor,
  ]]);
  expect([...addToAverage(undefined, state).tensors.keys()]).toEqual(["w"]);
});

test("runLoop() of a finished training changes nothing", async () => {
  const folder = freshFolder();
  const first = await run(folder);
  const again = await run(folder);
  expect(again.state).toEqual(first.state);
  expect(again.reason).toBe("all steps");
});

test("a checkpoint that was cut short is not taken for one", async () => {
  const folder = freshFolder();
  await run(folder);
  const path = join(folder, FILES.checkpoint);
  // what a kill in the middle of writing leaves
  copyFileSync(path, `${path}.part`);
  writeFileSync(`${path}.part`, readFileSync(path).subarray(0, 100));
  expect(loadCheckpoint(path)?.state.step).toBe(50);
  writeFileSync(path, readFileSync(path).subarray(0, -4));
  expect(() => loadCheckpoint(path)).toThrow(/corrupt/);
});

test("runLoop() refuses the checkpoint of another training", async () => {
  const folder = freshFolder();
  await run(folder);
  await expect(run(folder, { ...PLAN, fingerprint: "g" })).rejects.toThrow(
    /another training/,
  );
});

test("runLoop() names a loss that is no number and one that explodes", async () => {
  for (
    const [value, name] of [[NaN, "loss-not-finite"], [1e6, "loss-exploding"]]
  ) {
    const folder = freshFolder();
    const fakes = createFakes({
      lossAt: (loss, step) => step === 19 ? value as number : loss,
    });
    await expect(run(folder, PLAN, fakes)).rejects.toThrow(
      new RegExp(`${name}: the loss of step 19.*lower --rate`),
    );
    const last = readLog(join(folder, FILES.log)).at(-1);
    expect(last).toMatchObject({ event: "warning", step: 19, name });
    // the checkpoint before it is kept
    expect(loadCheckpoint(join(folder, FILES.checkpoint))?.state.step).toBe(16);
  }
});

test("judgeLoss() takes no crop full of cells for an explosion", () => {
  // tuning on few images: the first crop was empty, the second is not
  expect(judgeLoss(1.37, { mean: 0.0494, step: 2 })).toBeUndefined();
  expect(judgeLoss(7, { mean: 0.001, step: 2 })).toBeUndefined();
  expect(judgeLoss(21, { mean: 0.0494, step: 2 })).toMatchObject({
    name: "loss-exploding",
    isFatal: true,
  });
  expect(judgeLoss(50, { mean: 3, step: 2 })).toBeUndefined();
});

test("runLoop() names gradients that overflow, and a scale that runs out", async () => {
  const folder = freshFolder();
  const fakes = createFakes({
    scaleAt: (step) => ({
      scale: step < 10 ? 8 : step < 20 ? 4 : 2 ** -1,
      skipped: step < 10 ? 0 : step < 20 ? 1 : 4,
    }),
  });
  await expect(run(folder, PLAN, fakes)).rejects.toThrow(
    /gradient-overflow: 3 steps up to 20 .* 0.5 now.*--precision fp32/,
  );
  const lines = readLog(join(folder, FILES.log));
  expect(lines.filter(({ event }) => event === "warning")).toMatchObject([
    {
      step: 12,
      name: "gradient-overflow",
      message:
        "1 step up to 12 changed nothing, as gradients overflowed fp16; the loss scale is 4 now",
    },
    { step: 20, name: "gradient-overflow" },
  ]);
  expect(lines.find(({ step, event }) => event === "step" && step === 12))
    .toMatchObject({ lossScale: 4 });
});

test("runLoop() stops early when the score no longer rises", async () => {
  const folder = freshFolder();
  const result = await run(folder, { ...PLAN, patience: 1 });
  expect(result).toMatchObject({ reason: "early stopping", step: 36 });
});

test("runLoop() with minutes alone plans its steps by the speed", async () => {
  const folder = freshFolder();
  const { steps: _, ...plan } = PLAN;
  const result = await run(folder, { ...plan, minutes: 0.002 });
  expect(result.step % 4).toBe(0);
  expect(result.step).toBeGreaterThanOrEqual(28);
  expect(existsSync(join(folder, FILES.checkpoint))).toBe(true);
});

test("planRates() warms up and falls", () => {
  const cosine = planRates({
    schedule: "cosine",
    rate: 1,
    steps: 200,
    stepsPerEpoch: 1,
  });
  expect(cosine(0)).toBeCloseTo(0.1);
  expect(cosine(9)).toBe(1);
  expect(cosine(199)).toBeLessThan(0.011);
  const twice = planRates({
    schedule: "cosine",
    rate: 1,
    steps: 400,
    stepsPerEpoch: 1,
    cycles: 2,
  });
  for (const step of [0, 9, 100, 199]) {
    expect(twice(step)).toBe(cosine(step));
    expect(twice(200 + step)).toBe(cosine(step));
  }
  // Cellpose's, of 100 epochs: 10 up, 40 flat, 50 halving every 5
  const cellpose = planRates({
    schedule: "cellpose",
    rate: 1,
    steps: 300,
    stepsPerEpoch: 3,
  });
  expect([0, 1, 2].map(cellpose)).toEqual([0, 0, 0]);
  expect(cellpose(3 * 9)).toBe(1);
  expect(cellpose(3 * 49)).toBe(1);
  expect(cellpose(3 * 50)).toBe(0.5);
  expect(cellpose(3 * 55)).toBe(0.25);
  expect(cellpose(299)).toBe(1 / 1024);
  expect(() =>
    planRates({
      schedule: "cellpose",
      rate: 1,
      steps: 300,
      stepsPerEpoch: 3,
      cycles: 2,
    })
  ).toThrow(/cycles/);
});
