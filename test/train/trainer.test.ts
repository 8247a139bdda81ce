/** Training steps: the same bits however they are called. */
import { expect, test } from "vitest";
import {
  openTrainer,
  type TrainerOptions,
  type TrainState,
} from "../../gpu-worker/train/trainer.ts";
import { listWeights, withWeights } from "../../gpu-worker/train/network.ts";
import { decodeModel } from "../../shared/graph/mod.ts";
import { toBytes } from "./gradients.ts";
import { smallBatch, smallNetwork } from "./small_network.ts";

const RATES = [1e-2, 5e-3, 2e-3, 1e-3];
const BATCHES = [1, 2, 3, 4].map((seed) => smallBatch(seed));

/** Train; each list of rates is one call. */
async function train(
  calls: readonly (readonly number[])[],
  {
    batches = BATCHES,
    graph = smallNetwork(),
    ...options
  }: TrainerOptions & {
    batches?: typeof BATCHES;
    graph?: ReturnType<typeof smallNetwork>;
  } = {},
) {
  const trainer = await openTrainer({ graph }, { threads: 2, ...options });
  const losses: number[] = [];
  let at = 0;
  for (const rates of calls) {
    const count = rates.length * (options.accumulate ?? 1);
    losses.push(...await trainer.run(batches.slice(at, at + count), rates));
    at += count;
  }
  const state = trainer.state();
  await trainer.close();
  return { losses, state };
}

const plain = ({ tensors }: TrainState) =>
  [...tensors].map(([name, { data }]) => [name, [...data]]);

test("Trainer takes K steps in one call as in K calls, bit for bit", async () => {
  const together = await train([RATES]);
  const apart = await train(RATES.map((rate) => [rate]));
  expect(plain(apart.state)).toEqual(plain(together.state));
  expect(apart.losses).toEqual(together.losses);
  expect(together.state.step).toBe(4);
  expect(new Set(together.losses).size).toBe(4);
});

test("Trainer resumes from a state, bit for bit", async () => {
  const whole = await train([RATES]);
  const half = await train([RATES.slice(0, 2)]);
  const rest = await train([RATES.slice(2)], {
    batches: BATCHES.slice(2),
    state: half.state,
  });
  expect(plain(rest.state)).toEqual(plain(whole.state));
  expect([...half.losses, ...rest.losses]).toEqual(whole.losses);
});

test("Trainer lowers the loss of a batch it sees again", async () => {
  const batches = Array.from({ length: 60 }, () => BATCHES[0]);
  const { losses } = await train([batches.map(() => 1e-2)], { batches });
  expect(losses[59]).toBeLessThan(0.8 * losses[0]);
});

test("Trainer leaves what has no gradient as it is", async () => {
  const { state } = await train([RATES]);
  expect([...state.tensors.keys()]).not.toContain("unused.weight");
  const trainer = await openTrainer({ graph: smallNetwork() }, { state });
  const weights = trainer.weights();
  const unused = listWeights({ graph: smallNetwork() }).trained
    .find(({ name }) => name === "unused.weight")!;
  expect(new Uint8Array(weights.get("unused.weight")!.data.buffer))
    .toEqual(unused.read());
  await trainer.close();
});

test("Trainer averages the gradients of accumulated batches", async () => {
  // without norms the mean over two batches is that over one of both
  const graph = smallNetwork({ hasNorm: false });
  const [a, b] = BATCHES;
  const both = {
    ...a,
    count: 4,
    images: Float32Array.from([...a.images, ...b.images]),
    targets: Float32Array.from([...a.targets, ...b.targets]),
  };
  const one = await train([[1e-2]], { graph, batches: [both] });
  const two = await train([[1e-2]], { graph, batches: [a, b], accumulate: 2 });
  expect(two.losses[0]).toBeCloseTo(one.losses[0], 5);
  for (const [name, { data }] of one.state.tensors) {
    const other = two.state.tensors.get(name)!.data;
    const largest = data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    data.forEach((x, i) =>
      expect(Math.abs(other[i] - x), name).toBeLessThan(1e-4 * largest + 1e-7)
    );
  }
});

test("Trainer records statistics of each accumulated batch in turn", async () => {
  const apart = await train([[0], [0]]);
  const together = await train([[0]], { accumulate: 2 });
  for (const name of ["norm.running_mean", "norm.running_var"]) {
    expect([...together.state.tensors.get(name)!.data])
      .toEqual([...apart.state.tensors.get(name)!.data]);
  }
});

test("Trainer keeps recorded statistics where they are frozen", async () => {
  const { state } = await train([RATES], { norms: "recorded" });
  expect(state.tensors.has("norm.running_mean")).toBe(false);
  expect(state.tensors.has("norm.weight")).toBe(true);
});

test("Trainer records mean and variance as PyTorch does", async () => {
  const { state } = await train([[0]]);
  const { images, count, height, width } = BATCHES[0];
  // the first channel of the first convolution, by hand
  const { tensors } = state;
  const weight = tensors.get("first.weight")!.data;
  const bias = tensors.get("first.bias")!.data[0];
  const values: number[] = [];
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = bias;
        for (let c = 0; c < 2; c++) {
          for (let i = 0; i < 3; i++) {
            for (let j = 0; j < 3; j++) {
              const [row, column] = [y + i - 1, x + j - 1];
              if (row < 0 || row >= height || column < 0 || column >= width) {
                continue;
              }
              sum += weight[(c * 3 + i) * 3 + j] *
                images[((n * 2 + c) * height + row) * width + column];
            }
          }
        }
        values.push(sum);
      }
    }
  }
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) /
    (values.length - 1);
  expect(tensors.get("norm.running_mean")!.data[0])
    .toBeCloseTo(0.9 * 0 + 0.1 * mean, 5);
  expect(tensors.get("norm.running_var")!.data[0])
    .toBeCloseTo(0.9 * 1 + 0.1 * variance, 5);
});

test("Trainer weighs pixels", async () => {
  const weighted = [smallBatch(1, { hasPixelWeights: true })];
  const ones = weighted.map((batch) => ({
    ...batch,
    pixelWeights: batch.pixelWeights!.map(() => 1),
  }));
  const base = await train([[1e-2]]);
  const same = await train([[1e-2]], { batches: ones });
  const other = await train([[1e-2]], { batches: weighted });
  expect(same.losses[0]).toBeCloseTo(base.losses[0], 5);
  expect(other.losses[0]).not.toBeCloseTo(base.losses[0], 2);
});

test("Trainer.evaluate() gives the inference graph's loss", async () => {
  const trainer = await openTrainer({ graph: smallNetwork() }, { threads: 2 });
  const before = await trainer.evaluate(BATCHES[0]);
  await trainer.run(BATCHES, RATES);
  const after = await trainer.evaluate(BATCHES[0]);
  // through a file, as a tuned model is kept
  const graph = decodeModel(
    toBytes(withWeights(smallNetwork(), trainer.weights())),
  );
  const again = await openTrainer({ graph }, { threads: 2 });
  expect(await again.evaluate(BATCHES[0])).toBe(after);
  expect(after).not.toBe(before);
  await trainer.close();
  await again.close();
});

test("Trainer takes batches of other shapes with the same state", async () => {
  const trainer = await openTrainer({ graph: smallNetwork() }, { threads: 2 });
  await trainer.run([BATCHES[0]], [1e-2]);
  await trainer.run([smallBatch(5, { count: 1, height: 4, width: 4 })], [1e-2]);
  expect(trainer.state().step).toBe(2);
  await expect(
    trainer.run([BATCHES[0], smallBatch(6, { count: 1 })], [1e-2, 1e-2]),
  ).rejects.toThrow(/differ in shape/);
  await expect(trainer.run([BATCHES[0]], [1e-2, 1e-2])).rejects
    .toThrow("1 are given for 2 steps of 1");
  const cut = { ...BATCHES[0], targets: new Float32Array(3) };
  await expect(trainer.run([cut], [1e-2])).rejects.toThrow(/3 target values/);
  await trainer.close();
});

test("openTrainer() refuses the state of another network", async () => {
  const { state } = await train([[1e-2]]);
  const tensors = new Map(state.tensors);
  tensors.set("first.bias", { shape: [2], data: new Float32Array(2) });
  const trainer = await openTrainer({ graph: smallNetwork() }, {
    state: { step: 1, tensors },
  });
  await expect(trainer.run([BATCHES[0]], [1e-2])).rejects
    .toThrow("has 2 numbers for first.bias, the network has 4");
  await trainer.close();
});
