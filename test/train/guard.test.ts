import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { judgeTuned } from "../../gpu-worker/train/guard.ts";
import { openLocalPreparer } from "../../gpu-worker/train/open_batches.ts";
import type { Trainable } from "../../gpu-worker/train/trainable.ts";
import {
  collectItems,
  type TrainDeps,
  type TrainRequest,
} from "../../gpu-worker/train/train_model.ts";
import { tuneModel } from "../../gpu-worker/train/tune_model.ts";
import {
  judgeLoss,
  judgePredictions,
} from "../../gpu-worker/train/watch_training.ts";
import { core } from "../core.ts";
import { createNetworkOf } from "./fake_network.ts";
import { createFakes } from "./fake_trainer.ts";
import { makeFolder, writeDiscs } from "./folders.ts";

let root: ReturnType<typeof makeFolder>;
beforeAll(() => {
  root = makeFolder();
  for (const name of ["a", "b", "c"]) {
    writeDiscs(join(root.path, "images", name), name.charCodeAt(0));
  }
});
afterAll(() => root.remove());

/** A network whose folders hold how good it is: 0 finds nothing, 1 all. */
function trainableOf(skill: number): Trainable {
  return {
    name: "fake",
    identity: "fake",
    diameter: 20,
    channels: 1,
    multiple: 1,
    openTrainer: createFakes(),
    writeModel(folder) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "skill"), String(skill));
    },
  };
}

function requestOf(network: Trainable): TrainRequest {
  return {
    images: [join(root.path, "images")],
    network,
    valImages: 8,
    licence: null,
    provenance: {},
    batches: {
      seed: 1,
      batch: 1,
      weights: "count",
      memoryBytes: 2 ** 28,
      minMasks: 1,
      cropSize: 32,
      channels: 1,
      diameter: 20,
      scaleRange: 0.5,
      rotate: true,
      flip: true,
      focus: 0,
      intensity: 0,
      layout: "first",
    },
    plan: {
      schedule: "cellpose",
      rate: 0.1,
      epochs: 2,
      validateEvery: 4,
      checkpointEvery: 4,
    },
  };
}

const deps: TrainDeps = {
  core,
  preparer: openLocalPreparer(core),
  openEncoder: (folder) =>
    Promise.resolve(
      createNetworkOf(Number(readFileSync(join(folder, "skill"), "utf8"))),
    ),
  say: () => {},
};

async function tune(out: string, { parent, tuned }: Record<string, number>) {
  const parentFolder = join(root.path, `${out}-parent`);
  trainableOf(parent).writeModel(parentFolder, new Map(), {
    diameter: 20,
    licence: null,
    training: {},
  });
  const request = requestOf(trainableOf(tuned));
  const folder = join(root.path, out);
  const items = await collectItems(request, deps);
  const guard = {
    parent: parentFolder,
    valShare: 0.3,
    fewImages: 12,
    maxFolds: 5,
  };
  return await tuneModel(items, guard, { folder, request, deps });
}

test("tuneModel() keeps the parent where the tuned model is worse", async () => {
  const { verdict, tunedScores } = await tune("worse", { parent: 1, tuned: 0 });
  expect(verdict.isAdopted).toBe(false);
  expect(verdict.reason).toMatch(
    /^the parent stays, the tuned model is worse: AP@0\.5 0\.000 after, [\d.]+ before, on 3 held-out images$/,
  );
  // each image was held out once
  expect(new Set(tunedScores.map(({ name }) => name)).size).toBe(3);
  expect(existsSync(join(root.path, "worse", "folds", "2", "scores.json")))
    .toBe(true);
});

test("tuneModel() adopts a model that is better, or as good", async () => {
  const better = await tune("better", { parent: 0, tuned: 1 });
  expect(better.verdict).toMatchObject({ isAdopted: true, parent: 0 });
  expect(better.verdict.tuned).toBeGreaterThan(0.9);
  const same = await tune("same", { parent: 1, tuned: 1 });
  expect(same.verdict.isAdopted).toBe(true);
});

test("judgeTuned() keeps the parent where nothing can be held out", () => {
  expect(judgeTuned([], [])).toMatchObject({ isAdopted: false, images: 0 });
  expect(judgeTuned([], []).reason).toMatch(/two labelled images or more/);
});

test("judgePredictions() names blank and constant predictions", () => {
  const seen = (prediction: number, logits: [number, number]) => ({
    truth: 5,
    prediction,
    logits,
  });
  expect(judgePredictions([seen(0, [-3, -1])])?.name).toBe("blank-prediction");
  expect(judgePredictions([seen(0, [-3, -3]), seen(0, [-3, -3])])?.name).toBe(
    "constant-prediction",
  );
  expect(judgePredictions([seen(0, [-3, 1]), seen(2, [-3, 1])]))
    .toBeUndefined();
});

test("judgeLoss() takes a falling loss for what it is", () => {
  expect(judgeLoss(0.5, { mean: 1, step: 2 })).toBeUndefined();
  expect(judgeLoss(5, { mean: null, step: 1 })).toBeUndefined();
  expect(judgeLoss(Infinity, { mean: 1, step: 2 })?.isFatal).toBe(true);
});
