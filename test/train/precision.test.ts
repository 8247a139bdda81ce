/** Half precision: what the step's graph holds, its states, and the probe. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { arch } from "node:process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../../gpu-worker/import/checkpoint.ts";
import { importModel } from "../../gpu-worker/import/import_model.ts";
import { addToAverage } from "../../gpu-worker/train/average.ts";
import { buildStep } from "../../gpu-worker/train/build_step.ts";
import {
  loadCheckpoint,
  saveCheckpoint,
} from "../../gpu-worker/train/checkpoint.ts";
import { addTyped, PRODUCTS } from "../../gpu-worker/train/compute.ts";
import { openForm } from "../../gpu-worker/train/form.ts";
import { DESIGNS } from "../../gpu-worker/train/networks/mod.ts";
import { openTrainable } from "../../gpu-worker/train/open_trainable.ts";
import {
  countProducts,
  probePrecision,
} from "../../gpu-worker/train/probe_precision.ts";
import { settlePrecision } from "../../gpu-worker/train/settle_precision.ts";
import {
  openTrainer,
  type TrainerOptions,
  type TrainState,
} from "../../gpu-worker/train/trainer.ts";
import {
  buildGraph,
  cast,
  encodeModel,
  type Graph,
  isHalf,
  listDtypes,
  matmul,
  NO_BF16_KERNEL,
  type Value,
} from "../../shared/graph/mod.ts";
import { unpackModels, unpackSteps } from "../import/models.ts";
import { makeFolder } from "./folders.ts";
import { smallBatch, smallNetwork } from "./small_network.ts";

const small = { graph: smallNetwork() };
const shape = { count: 1, channels: 3, height: 32, width: 32 };
const BATCHES = [1, 2, 3, 4].map((seed) => smallBatch(seed));
const RATES = [1e-2, 5e-3, 2e-3, 1e-3];
const HALF: TrainerOptions = { compute: "f16", threads: 1 };
const steps = unpackSteps();
const sam = openCheckpoint(join(steps, "cellpose_sam_0", "checkpoint.pth"));
afterAll(() => {
  sam.close();
  rmSync(steps, { recursive: true });
});

function digest(graph: Graph): string {
  const hash = createHash("sha256");
  const { model } = encodeModel(graph, { externalAboveBytes: Infinity });
  for (const piece of model) hash.update(piece);
  return hash.digest("hex").slice(0, 16);
}

const plain = ({ tensors }: TrainState) =>
  [...tensors].map(([name, { data }]) => [name, [...data]]);

/** The same state with another loss scale: scale, steps since, skipped. */
function rescaled({ step, tensors }: TrainState, data: number[]): TrainState {
  const scale = { shape: [3], data: Float32Array.from(data) };
  return { step, tensors: new Map([...tensors, ["loss:scale", scale]]) };
}

test("buildStep() in f32 is to the byte what it was", () => {
  // digests of the last version; checkpoints of trainings that run go on to
  // the same bits only as long as they stand, or a change was seen to keep
  // the bits of all states after some steps of the designs
  expect([
    digest(
      buildStep(small, { count: 2, channels: 2, height: 8, width: 6 }).graph,
    ),
    digest(
      buildStep({ graph: DESIGNS["residual-unet"].build({ seed: 1 }) }, {
        ...shape,
        count: 2,
      }).graph,
    ),
    digest(
      buildStep(openForm(sam.tensors), { ...shape, count: 2 }, {
        recompute: true,
        accumulate: 2,
      }).graph,
    ),
  ]).toEqual(["a32eb7c8e4e4fad8", "52f13f7b5cc409a3", "46f6bc8848784862"]);
});

test.each(["residual-unet", "cpnet", "sam"])(
  "buildStep() in f16 runs all products of %s in it, norms and sums in f32",
  (name) => {
    const network = name === "sam"
      ? openForm(sam.tensors)
      : { graph: DESIGNS[name].build({ seed: 1 }) };
    const wide = buildStep(network, shape).graph;
    const { graph } = buildStep(network, shape, { compute: "f16" });
    const halved = countProducts(graph, PRODUCTS.f16);
    expect(countProducts(wide, PRODUCTS.f16).size).toBe(0);
    const [body] = graph.nodes.flatMap(({ attributes }) =>
      "body" in attributes && "graph" in attributes.body
        ? [attributes.body.graph]
        : []
    );
    const types = listDtypes(body, listDtypes(graph));
    const inHalf = new Map<string, number>();
    for (const { op, inputs } of body.nodes) {
      const dtype = types.get(inputs[0]);
      if (dtype && isHalf({ dtype })) inHalf.set(op, (inHalf.get(op) ?? 0) + 1);
    }
    const narrow =
      "LayerNormalization BatchNormalization Softmax ReduceSum ReduceMean ReduceL2 Sqrt Div Softplus"
        .split(" ").filter((op) => inHalf.has(op));
    expect(narrow).toEqual([]);
    // norms' sums over pixels are written as products, and stay in f32
    const forward = network.graph.nodes.filter(({ op }) =>
      PRODUCTS.f16.has(op)
    );
    const total = [...halved.values()].reduce((a, b) => a + b, 0);
    expect(total).toBeGreaterThanOrEqual(2 * forward.length);
    for (const { dtype } of [...graph.inputs, ...graph.outputs]) {
      expect(dtype).toBe("f32");
    }
  },
);

test("addTyped() widens what half precision would harm, and gives it back", () => {
  const g = buildGraph("typed");
  const half = cast(g, g.input("x", "f32", [4, 4]), "f16");
  const wide = g.input("w", "f32", [4]);
  const table = g.input("scales", "f32", [2]);
  const put = (op: string, inputs: readonly Value[]) => {
    const start = g.added.length;
    const [y] = addTyped(g, {
      node: { op, domain: "", inputs: [], outputs: [], attributes: {} },
      inputs,
      compute: "f16",
      make: (given) => [g.node(op, given, given[0]!)],
    });
    const made = g.added.slice(start).find((node) => node.op === op)!;
    const fed = made.inputs.map((name) => g.find(name)!.dtype);
    return [...fed, "→", y.dtype].join(" ");
  };
  expect(put("MatMul", [wide, half])).toBe("f16 f16 → f16");
  expect(put("Softmax", [half])).toBe("f32 → f16");
  expect(put("LayerNormalization", [wide, wide])).toBe("f32 f32 → f32");
  expect(put("Relu", [half])).toBe("f16 → f16");
  expect(put("Add", [half, wide])).toBe("f32 f32 → f32");
  expect(put("Mul", [half, g.float(2)])).toBe("f16 f16 → f16");
  expect(put("Add", [wide, g.float(2)])).toBe("f32 f32 → f32");
  expect(put("Resize", [half, table])).toBe("f16 f32 → f16");
});

test("bf16 has no loss scale, and leaves convolutions in f32", () => {
  const { states, graph } = buildStep(openForm(sam.tensors), shape, {
    compute: "bf16",
  });
  expect(states).not.toContain("loss:scale");
  const halved = countProducts(graph, PRODUCTS.f16);
  expect(halved.get("Gemm")).toBeGreaterThan(0);
  expect(halved.has("Conv")).toBe(false);
  expect(countProducts(graph, NO_BF16_KERNEL).size).toBe(0);
});

test("Trainer in f16 on the processor trains and evaluates as in f32", async () => {
  const first = await openTrainer(small, { threads: 1 });
  await first.run([BATCHES[0]], [1e-2]);
  const start = first.state();
  await first.close();
  const losses: number[][] = [];
  for (
    const options of [
      { threads: 1, state: start },
      { ...HALF, state: rescaled(start, [256, 0, 0]) },
    ]
  ) {
    const trainer = await openTrainer(small, options);
    const batches = Array.from({ length: 40 }, () => BATCHES[0]);
    const found = await trainer.run(batches, batches.map(() => 1e-2));
    losses.push([...found, await trainer.evaluate(BATCHES[0])]);
    expect(trainer.weights().has("loss:scale")).toBe(false);
    await trainer.close();
  }
  const [full, half] = losses;
  expect(half[39]).toBeLessThan(0.85 * half[0]);
  // it rounds few values to 16 bits: half.reference.test.ts rounds all
  half.forEach((loss, i) =>
    expect(Math.abs(loss / full[i] - 1), `step ${i}`).toBeLessThan(0.01)
  );
});

test("Trainer in f16 resumes bit for bit from a checkpoint, loss scale included", async () => {
  const run = async (from: number, to: number, state?: TrainState) => {
    const trainer = await openTrainer(small, {
      ...HALF,
      ...(state ? { state } : {}),
    });
    await trainer.run(BATCHES.slice(from, to), RATES.slice(from, to));
    const after = trainer.state();
    const scale = trainer.lossScale();
    await trainer.close();
    return { after, scale };
  };
  // the scale is due to grow within the second half
  const start = rescaled((await run(0, 1)).after, [1024, 1998, 5]);
  const whole = await run(1, 4, start);
  const half = await run(1, 2, start);
  const folder = makeFolder();
  const path = join(folder.path, "checkpoint.safetensors");
  saveCheckpoint(path, {
    state: half.after,
    fingerprint: "f",
    steps: 4,
    best: null,
    sinceBest: 0,
    seconds: 0,
    meanLoss: null,
  });
  const { state } = loadCheckpoint(path)!;
  folder.remove();
  const rest = await run(2, 4, state);
  expect(half.scale).toEqual({ scale: 1024, skipped: 5 });
  expect(whole.scale).toEqual({ scale: 2048, skipped: 5 });
  expect(whole.after.tensors.get("loss:scale")?.data[1]).toBe(1);
  expect(plain(rest.after)).toEqual(plain(whole.after));
  // no weight of a model
  expect(addToAverage(undefined, state.tensors).tensors.has("loss:scale"))
    .toBe(false);
});

test("Trainer in f16 skips steps that overflow, and halves its scale", async () => {
  const first = await openTrainer(small, HALF);
  await first.run([BATCHES[0]], [1e-2]);
  const before = rescaled(first.state(), [2 ** 127, 7, 0]);
  await first.close();
  for (const accumulate of [1, 2]) {
    const trainer = await openTrainer(small, {
      ...HALF,
      accumulate,
      state: before,
    });
    await trainer.run(BATCHES.slice(0, accumulate), [1e-2]);
    const after = trainer.state();
    await trainer.close();
    const rest = (state: TrainState) =>
      plain(state).filter(([name]) => name !== "loss:scale");
    expect([...after.tensors.get("loss:scale")!.data]).toEqual([
      2 ** 126,
      0,
      1,
    ]);
    expect(rest(after)).toEqual(rest(before));
  }
});

test("countProducts() tells products that the runtime widened", () => {
  const build = (isWidened: boolean) => {
    const g = buildGraph("found");
    const x = cast(g, g.input("x", "f32", [2, 2]), "f16");
    const given = isWidened ? cast(g, x, "f32") : x;
    g.output("y", matmul(g, given, given));
    return g.finish();
  };
  expect(countProducts(build(false), PRODUCTS.f16).get("MatMul")).toBe(1);
  expect(countProducts(build(true), PRODUCTS.f16).size).toBe(0);
});

// other processors have such kernels
test.runIf(arch === "x64")(
  "probePrecision() says no on the processor, and why",
  async () => {
    const network = { graph: DESIGNS["residual-unet"].build({ seed: 1 }) };
    expect(await probePrecision(network, "fp16", { shape })).toEqual({
      isAvailable: false,
      reason: expect.stringMatching(
        /^cpu has no fp16 kernels .* between casts \(Conv \d+\/\d+, ConvTranspose 4\/4, FusedMatMul/,
      ),
    });
    expect(await probePrecision(network, "bf16", { shape })).toEqual({
      isAvailable: false,
      reason: expect.stringMatching(
        /^operator set 20 has 0 of .* convolutions/,
      ),
    });
    const transformer = openForm(sam.tensors);
    expect(await probePrecision(transformer, "bf16", { shape })).toEqual({
      isAvailable: false,
      reason: expect.stringMatching(/Could not find an implementation/),
    });
  },
);

test.runIf(arch === "x64")(
  "settlePrecision() falls back where it may choose, and else says what to do",
  async () => {
    expect(await settlePrecision(small, "fp32", { shape })).toMatchObject({
      used: "fp32",
    });
    const own = { shape: { ...shape, channels: 2 } };
    expect(await settlePrecision(small, "auto", own)).toEqual({
      wanted: "auto",
      used: "fp32",
      reason: expect.stringMatching(/^bf16: .*; fp16: cpu has no fp16 kernels/),
    });
    await expect(settlePrecision(small, "fp16", own)).rejects.toThrow(
      /precision.*cpu has no fp16 kernels.*use --precision fp32, or auto/,
    );
  },
);

test.runIf(arch === "x64")(
  "openTrainable() tells a parent's precision, and its identity only if it is half",
  async () => {
    const parents = unpackModels(["cellpose_sam_0"]);
    const folder = join(parents, "imported");
    importModel(join(parents, "cellpose_sam_0", "checkpoint.pth"), folder, {});
    const choice = {
      network: null,
      from: folder,
      seed: 0,
      weightDecay: 0.1,
      threads: 1,
    };
    const plainly = await openTrainable(choice);
    const auto = await openTrainable({ ...choice, precision: "auto" });
    const named = openTrainable({ ...choice, precision: "fp16" });
    await expect(named).rejects.toThrow(/cpu has no fp16 kernels/);
    rmSync(parents, { recursive: true });
    expect(plainly.precision).toBeUndefined();
    expect(auto.precision).toMatchObject({ wanted: "auto", used: "fp32" });
    expect(auto.identity).toBe(plainly.identity);
  },
);
