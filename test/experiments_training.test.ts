/**
 * The experiments that train, on networks that are faked. One file although
 * long: all share items and fakes.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openLocalPreparer } from "../gpu-worker/train/open_batches.ts";
import type { Trainable } from "../gpu-worker/train/trainable.ts";
import {
  collectItems,
  type TrainDeps,
} from "../gpu-worker/train/train_model.ts";
import { decodeLabels } from "../shared/image/read_labels.ts";
import { core } from "./core.ts";
import { type Budget, FULL } from "./experiments/training/budget.ts";
import type { LabelledImage } from "./experiments/model/images.ts";
import { runComparison } from "./experiments/training/compare.ts";
import { runHumanLoop } from "./experiments/training/human_loop.ts";
import {
  type Item,
  type Lab,
  meanAp,
  openLab,
  type Task,
} from "./experiments/training/lab.ts";
import { writeTrainingPage } from "./experiments/training/page.ts";
import type { TrainingResults } from "./experiments/training/run.ts";
import { runTuning } from "./experiments/training/tuning.ts";
import { createNetworkOf } from "./train/fake_network.ts";
import { createFakes } from "./train/fake_trainer.ts";
import { makeFolder, writeDiscs, writeFile } from "./train/folders.ts";

const root = makeFolder();
afterAll(() => root.remove());

/** A model's folder holds how good it is: 0 finds nothing, 1 all. */
const openEncoder: TrainDeps["openEncoder"] = (folder) =>
  Promise.resolve(
    createNetworkOf(Number(readFileSync(join(folder, "skill"), "utf8"))),
  );

const deps: TrainDeps = {
  core,
  preparer: openLocalPreparer(core),
  openEncoder,
  say: () => {},
};

function writeSkill(folder: string, skill: number): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "skill"), String(skill));
  writeFileSync(
    join(folder, "model.json"),
    JSON.stringify({ sha256: `${skill}` }),
  );
  return folder;
}

/** Items of two kinds; and of a third, which has too few. */
async function makeItems(): Promise<Item[]> {
  const folder = join(root.path, "images");
  const images = ["a", "b"].flatMap((kind) =>
    Array.from({ length: 8 }, (_, i) => ({ kind, name: `${kind}${i}` }))
  );
  images.push({ kind: "rare", name: "rare0" });
  for (const [i, { name }] of images.entries()) {
    writeDiscs(join(folder, name), i);
  }
  writeFile(
    join(folder, "manifest.json"),
    JSON.stringify({
      images: images.map(({ kind, name }) => ({
        file: `${name}.png`,
        labels: `${name}_masks.png`,
        modality: kind,
      })),
    }),
  );
  const { usable } = await collectItems({
    images: [folder],
    batches: { minMasks: 0, memoryBytes: 2 ** 26 } as never,
  }, deps);
  return [...usable];
}

const items = await makeItems();
const budget: Budget = { ...FULL, draws: 2, guarded: 1, rounds: 3 };

/** A lab that trains nothing: a base finds nothing, a tuned model all. */
function createLab(
  { name, limit = Infinity, isAdopted = true }: {
    name: string;
    /** Trainings that there is time for. */
    limit?: number;
    isAdopted?: boolean;
  },
) {
  const tasks: Task[] = [];
  const tested: string[][] = [];
  const folder = join(root.path, name);
  const lab: Lab = {
    deps,
    folder,
    train(task) {
      if (tasks.length >= limit) return Promise.resolve(undefined);
      tasks.push(task);
      const skill = "from" in task.options ? 1 : 0;
      return Promise.resolve({
        folder: writeSkill(join(folder, `skill${skill}`), skill),
        steps: 10,
        seconds: 5,
        losses: [2, 1.5, 1],
        ...(task.hasGuard ? { isAdopted } : {}),
      });
    },
    async score(model, each) {
      tested.push(each.map((item) => item.name));
      return await openLab({ deps, folder, threads: 1, deadline: 0 })
        .score(model, each);
    },
  };
  return { lab, tasks, tested };
}

test("runTuning() tunes on five of a kind that its base never saw, and tests on others", async () => {
  const { lab, tasks, tested } = createLab({ name: "tuning" });
  const results = await runTuning(lab, { base: items, all: items }, budget);
  const bases = tasks.filter(({ name }) => name.startsWith("base"));
  for (const { name, items } of bases) {
    const kind = name.replace("base without ", "");
    expect(items.some((item) => item.kind === kind)).toBe(false);
    expect(items.length).toBe(9);
  }
  const tunings = tasks.filter(({ name }) => name.startsWith("tuned"));
  for (const { items, options } of tunings) {
    expect(new Set(items.map(({ kind }) => kind)).size).toBe(1);
    expect(options).toMatchObject({
      epochs: 100,
      weightDecay: 0.1,
      batch: 1,
      crop: 256,
    });
    expect(String(options.from)).toContain("skill0");
  }
  // each fine-tuning is followed by the scores of its test images
  expect(tested.length).toBe(2 * tunings.length);
  for (const [k, { items }] of tunings.entries()) {
    const tuned = new Set(items.map(({ name }) => name));
    for (const names of tested.slice(2 * k, 2 * k + 2)) {
      expect(names.length).toBe(3);
      expect(names.some((name) => tuned.has(name))).toBe(false);
    }
  }
  // eight images: three to test on leave five; 1, 2, 3, 5 for two draws
  for (const { tunings, base } of results.kinds) {
    expect(tunings.length).toBe(8);
    expect(base.steps).toBe(10);
    for (const { before, after, images, cells } of tunings) {
      expect(before).toBe(0);
      expect(after).toBeGreaterThan(0.9);
      expect(cells).toBe(9 * images);
    }
  }
  expect(results.unmeasurable).toEqual([{ kind: "rare", images: 1 }]);
  expect(results).toMatchObject({ left: 0, planned: 16 });
});

test("runTuning() reports the parent where the guard keeps it", async () => {
  const { lab } = createLab({ name: "guard", isAdopted: false });
  const { kinds } = await runTuning(lab, { base: items, all: items }, budget);
  const guarded = kinds[0].tunings.filter((each) => each.guarded !== undefined);
  expect(guarded.map(({ draw, images }) => [draw, images])).toEqual([[0, 5]]);
  expect(guarded[0].guarded).toBe(0);
  expect(guarded[0].after).toBeGreaterThan(0.9);
});

test("runTuning() counts what there was no time for", async () => {
  const { lab } = createLab({ name: "late", limit: 3 });
  const results = await runTuning(lab, { base: items, all: items }, budget);
  // two bases, one fine-tuning
  expect(results).toMatchObject({ planned: 16 });
  expect(
    results.kinds.flatMap(({ tunings }) => tunings).length +
      results.left,
  ).toBe(16);
  expect(results.left).toBeGreaterThan(12);
});

test("runHumanLoop() makes no more corrections than it may, on labels that it is tuned on", async () => {
  const { lab, tasks, tested } = createLab({ name: "loop" });
  const few = { ...budget, corrections: 4 };
  const rows = await runHumanLoop(lab, { base: items, all: items }, few);
  expect(rows.map(({ kind }) => kind)).toEqual(["a", "b"]);
  for (const { before, rounds } of rows) {
    expect(before).toBe(0);
    // the base finds none of nine cells; the tuned model finds all
    expect(rounds.map(({ needed, made }) => [needed, made])).toEqual([
      [9, 4],
      [0, 0],
      [0, 0],
    ]);
    expect(rounds.every(({ after }) => after > 0.9)).toBe(true);
  }
  const tunings = tasks.filter(({ name }) => name.startsWith("loop of a"));
  expect(tunings.map(({ items }) => items.length)).toEqual([1, 2, 3]);
  const [{ file }] = tunings[0].items;
  const { masks } = await decodeLabels(
    new Uint8Array(readFileSync(file.labels!)),
  );
  expect(new Set(masks).size).toBe(1 + 4);
  // what is tested on was never corrected
  const names = new Set(tested.flat());
  for (const { items } of tunings) {
    for (const { file } of items) {
      const stem = file.image.split("/").at(-1)!;
      expect([...names].some((name) => stem.startsWith(`${name.slice(6)}.`)))
        .toBe(false);
    }
  }
});

const blankImage: LabelledImage = {
  name: "blank",
  kind: "k",
  data: new Float32Array(32 * 32),
  size: { height: 32, width: 32 },
  channels: 1,
  truth: new Uint32Array(32 * 32),
};

test("runComparison() gives every network the same data and budget", async () => {
  const { lab, tasks } = createLab({ name: "compare" });
  const base = items.slice(0, 4);
  const { rows, trained } = await runComparison(
    lab,
    { base, measured: [blankImage] },
    budget,
  );
  expect(rows.map(({ method }) => method)).toEqual([
    "Otsu + watershed",
    "U-Net, threshold",
    "U-Net, watershed",
    "CPnet-shaped",
    "ours (residual-unet)",
  ]);
  expect(trained.length).toBe(3);
  const [first, ...others] = tasks.map(({ options: { network, ...rest } }) => {
    expect(typeof network).toBe("string");
    return rest;
  });
  for (const options of others) expect(options).toEqual(first);
  expect(tasks.map(({ options }) => options.network)).toEqual([
    "plain-unet",
    "cpnet",
    "residual-unet",
  ]);
  for (const task of tasks) expect(task.items).toEqual(base);
});

test("runComparison() lists the networks that there was no time for", async () => {
  const { lab } = createLab({ name: "none", limit: 0 });
  const { rows, missing } = await runComparison(lab, {
    base: items,
    measured: [blankImage],
  }, budget);
  expect(missing).toEqual(["plain-unet", "cpnet", "residual-unet"]);
  // nothing found where nothing is
  expect(rows.map(({ method, ap50 }) => [method, ap50.mean])).toEqual([
    ["Otsu + watershed", 1],
  ]);
});

/** A network that is trained without a runtime. */
function fakeNetwork(opened: { count: number }) {
  return (network: Trainable): Trainable => ({
    ...network,
    openTrainer: (state) => {
      opened.count++;
      return createFakes()(state);
    },
    writeModel: (folder) => {
      writeSkill(folder, 1);
    },
  });
}

test("openLab() trains a task once, and nothing after its deadline", async () => {
  const folder = join(root.path, "lab");
  const opened = { count: 0 };
  const task: Task = {
    name: "a task",
    items: items.slice(0, 2),
    options: { network: "residual-unet", epochs: 3, batch: 1, crop: 32 },
    change: { name: "fake", network: fakeNetwork(opened) },
  };
  const open = (deadline: number) =>
    openLab({ deps, folder, threads: 1, deadline });
  expect(await open(0).train(task)).toBeUndefined();
  const lab = open(Infinity);
  const trained = await lab.train(task);
  // three epochs of two images
  expect(trained).toMatchObject({ steps: 6 });
  expect(trained!.losses.length).toBe(3);
  expect(existsSync(join(trained!.folder, "model.json"))).toBe(true);
  // finished trainings need no time
  expect(await open(0).train(task)).toEqual(trained);
  expect(opened.count).toBe(1);
  // other images, other options: other trainings
  const other = await lab.train({ ...task, items: items.slice(2, 4) });
  const longer = await lab.train({
    ...task,
    options: { ...task.options, epochs: 4 },
  });
  expect(opened.count).toBe(3);
  expect(new Set([trained, other, longer].map((each) => each!.folder)).size)
    .toBe(3);
});

test("openLab().score() keeps scores; nothing found where nothing is counts 1", async () => {
  const folder = join(root.path, "scored");
  const lab = openLab({ deps, folder, threads: 1, deadline: 0 });
  const blank = join(root.path, "blank");
  writeFile(
    `${blank}_masks.png`,
    readFileSync(items[0].file.labels!),
  );
  const { encodeLabelPng } = await import("../shared/image/labels.ts");
  const { size } = items[0].facts;
  writeFile(
    `${blank}_masks.png`,
    encodeLabelPng({
      masks: new Uint32Array(size.height * size.width),
      size,
    }),
  );
  const empty: Item = {
    ...items[0],
    name: "blank",
    file: { ...items[0].file, name: "blank", labels: `${blank}_masks.png` },
    facts: { ...items[0].facts, name: "blank", cells: 0, diameter: 0 },
  };
  const nothing = writeSkill(join(root.path, "nothing"), 0);
  const scores = await lab.score(nothing, [empty, items[1]]);
  expect(scores.map(({ ap50 }) => ap50)).toEqual([1, 0]);
  expect(meanAp(scores)).toBe(0.5);
  expect(() => meanAp([])).toThrow("no scores");
  // kept by the model's digest, wherever its folder lies
  writeFileSync(join(nothing, "skill"), "1");
  expect(await lab.score(nothing, [empty, items[1]])).toEqual(scores);
});

const tuned = (images: number, after: number) => ({
  draw: 0,
  images,
  cells: 10 * images,
  before: 0.25,
  after,
  losses: [1.2, 0.9],
  seconds: 30,
});

const results: TrainingResults = {
  date: "2026-01-02T00:00:00Z",
  commit: "abc",
  version: "0",
  runtime: "test",
  budget,
  threads: 2,
  baseImages: 17,
  comparison: {
    rows: [{
      method: "U-Net, threshold",
      ap50: { mean: 0.321, sd: 0.1 },
      touching: 10,
      foundTouching: 0.2,
      apart: 5,
      foundApart: 0.8,
    }, {
      method: "CPnet-shaped",
      ap50: { mean: 0, sd: 0 },
      touching: 10,
      foundTouching: 0,
      apart: 5,
      foundApart: 0,
    }],
    trained: [{ network: "plain-unet", steps: 77, seconds: 90 }],
    missing: ["cpnet"],
    images: 3,
    hasSam: false,
  },
  alignment: [
    {
      encoder: "random",
      isAligned: false,
      selfSteps: 0,
      flowSteps: 0,
      cells: 40,
      found: 2,
      ap50: 0,
    },
    {
      encoder: "random",
      isAligned: true,
      selfSteps: 0,
      flowSteps: 77,
      cells: 40,
    },
  ],
  alignmentImages: 4,
  tuning: {
    kinds: [{
      kind: "yeast",
      images: 8,
      base: { steps: 77, seconds: 300 },
      tunings: [tuned(5, 0.75), tuned(1, 0.5)],
    }, {
      kind: "late",
      images: 9,
      base: { steps: 0, seconds: 0 },
      tunings: [],
    }],
    unmeasurable: [{ kind: "rare", images: 2 }],
    left: 3,
    planned: 5,
  },
  loop: [{
    kind: "yeast",
    before: 0.25,
    rounds: [{ round: 1, cells: 12, needed: 9, made: 4, after: 0.625 }],
  }],
};

test("writeTrainingPage() tells numbers, budget, and what was not measured", () => {
  const page = writeTrainingPage(results, new Set(["alignment_0.png"]));
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, name]) => name);
  expect(new Set(links)).toEqual(new Set(["results.json", "alignment_0.png"]));
  expect(page).toContain("2000 steps of 8 crops");
  expect(page).toContain(
    "| yeast | 1 | 77, 5.0 min | 1.2000 → 0.9000 | 25.0 % | 0.250 | 0.750 | not asked | 30 s |",
  );
  expect(page).toContain("| yeast | 0.250 | 0.500 (10) | – | – | 0.750 (50) |");
  expect(page).toContain("Not measured, for want of time: late.");
  expect(page).toContain("3 of 5 fine-tunings were not run");
  expect(page).toContain("fewer than 8 labelled images: rare (2).");
  expect(page).toContain("Not measured, for want of time: cpnet.");
  expect(page).toContain("4 of 9 (12 cells), 0.625");
  expect(page).toContain("\n\nCPnet-shaped found no cell at all");
  expect(page).toContain("None of its weights ship");
  expect(page).toContain("no time");
});
