/** Three steps of a tiny U-Net with batch norms beside PyTorch's. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FloatTensor } from "../../gpu-worker/train/network.ts";
import { openTrainer } from "../../gpu-worker/train/trainer.ts";
import { buildUnet, makeBatch } from "../bench/train/unet.ts";
import { expectClose } from "../reference/graph/tensor.ts";

const fixture = JSON.parse(
  readFileSync(
    new URL("../fixtures/training/unet.json", import.meta.url),
    "utf8",
  ),
) as {
  losses: number[];
  stem: number[];
  head: number[];
  means: number[][];
  variances: number[][];
};

const GRAPH = buildUnet({ channels: 2, widths: [4, 6, 8] });
const BATCHES = [1, 2, 3].map((seed) =>
  makeBatch(seed, { edge: 16, count: 2, channels: 2 })
);
/** The bound for losses and weights. */
const TOLERANCE = 1e-4;

async function train(count: number) {
  const trainer = await openTrainer({ graph: GRAPH }, { threads: 2 });
  const batches = BATCHES.slice(0, count);
  const losses = await trainer.run(batches, batches.map(() => 1e-3));
  const { tensors } = trainer.state();
  await trainer.close();
  return { losses, tensors };
}

function expectSame(
  name: string,
  found: FloatTensor | undefined,
  wanted: readonly number[],
) {
  const shape = [wanted.length];
  expectClose(
    name,
    { shape, data: Float64Array.from(found?.data ?? []) },
    { shape, data: Float64Array.from(wanted) },
    TOLERANCE,
  );
}

test("Trainer follows PyTorch over three steps of a U-Net", async () => {
  const { losses, tensors } = await train(3);
  losses.forEach((loss, i) =>
    expect(Math.abs(loss - fixture.losses[i])).toBeLessThan(TOLERANCE)
  );
  const weights = [...tensors.keys()].filter((name) =>
    /^conv.*weight$/.test(name)
  );
  expectSame("stem", tensors.get(weights[0]), fixture.stem);
  expectSame("head", tensors.get(weights.at(-1)!), fixture.head);
});

test("Trainer records PyTorch's means and variances", async () => {
  const { tensors } = await train(1);
  fixture.means.forEach((mean, i) =>
    expectSame(`mean ${i}`, tensors.get(`norm${i}.running_mean`), mean)
  );
  fixture.variances.forEach((variance, i) =>
    expectSame(`variance ${i}`, tensors.get(`norm${i}.running_var`), variance)
  );
});
