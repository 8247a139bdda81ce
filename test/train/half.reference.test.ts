/**
 * Training in half precision beside f32, with every value of 16 bits rounded
 * as a device rounds it (half.ts): the CPU provider itself rounds none.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../../gpu-worker/import/checkpoint.ts";
import { openForm } from "../../gpu-worker/train/form.ts";
import { readScale } from "../../gpu-worker/train/loss_scale.ts";
import {
  listWeights,
  readTensor,
  withWeights,
} from "../../gpu-worker/train/network.ts";
import { DESIGNS } from "../../gpu-worker/train/networks/mod.ts";
import { openTrainer } from "../../gpu-worker/train/trainer.ts";
import type { TrainState } from "../../gpu-worker/train/train_state.ts";
import {
  fromFloat32,
  type GraphBuilder,
  multiply,
  toFloat32,
  type Value,
} from "../../shared/graph/mod.ts";
import { decodeNpy } from "../../shared/image/npy.ts";
import { unpackSteps } from "../import/models.ts";
import { scattered } from "./gradients.ts";
import { gradientsOf, relativeError, takeSteps } from "./half.ts";
import { smallBatch, smallNetwork } from "./small_network.ts";

/** Half of the distance between 1 and the next number. */
const ROUNDING = { f16: 2 ** -11, bf16: 2 ** -8 } as const;
/** A small crop's mean over few pixels has large gradients. */
const SCALE = 256;

const small = { graph: smallNetwork() };
const batch = smallBatch(1);
const steps = unpackSteps();
afterAll(() => rmSync(steps, { recursive: true }));

function plain({ tensors }: TrainState) {
  return [...tensors].map(([name, { data }]) => [name, [...data]]);
}

function scaleIn({ tensors }: TrainState) {
  return readScale(tensors.get("loss:scale")!.data);
}

/** A small Cellpose-SAM and its batch. */
function openStep() {
  const folder = join(steps, "cellpose_sam_0");
  const read = (name: string) => {
    const npy = decodeNpy(readFileSync(join(folder, `${name}.npy`)));
    return { ...npy, data: Float32Array.from(npy.data as Float32Array) };
  };
  const { shape: [count, channels, height, width], data: images } = read("x");
  const targets = read("labels_cellprob_flows").data;
  const checkpoint = openCheckpoint(join(folder, "checkpoint.pth"));
  return {
    network: openForm(checkpoint.tensors),
    batch: { images, targets, count, channels, height, width },
    close: () => checkpoint.close(),
  };
}

test("gradients in f16 are f32's within a few roundings", async () => {
  const full = await gradientsOf(small, batch);
  const half = await gradientsOf(small, batch, {
    compute: "f16",
    scale: SCALE,
  });
  expect(half.loss).not.toBe(full.loss);
  expect(half.loss).toBeCloseTo(full.loss, 4);
  expect([...half.gradients.keys()]).toEqual([...full.gradients.keys()]);
  for (const [name, wanted] of full.gradients) {
    const found = half.gradients.get(name)!;
    // a norm takes away what its convolution's bias adds: its gradient is 0
    if (name === "first.bias") {
      expect(Math.hypot(...found)).toBeLessThan(
        ROUNDING.f16 * Math.hypot(...full.gradients.get("first.weight")!),
      );
      continue;
    }
    // at most seven roundings lie between a weight and the loss, both ways
    expect(relativeError(found, wanted), name).toBeLessThan(
      Math.sqrt(14) * ROUNDING.f16,
    );
  }
});

test("gradients of a deep U-Net in f16 are off as f32's of rounded weights are", async () => {
  const floats = (seed: number) =>
    Float32Array.from(scattered([1, 3, 32, 32], seed).data);
  const crop = { images: floats(1), targets: floats(2) };
  const one = { ...crop, count: 1, channels: 3, height: 32, width: 32 };
  const drawn = DESIGNS["residual-unet"].build({ seed: 1 });
  // residuals start as nothing: some steps give all weights a gradient
  const trainer = await openTrainer({ graph: drawn }, { threads: 1 });
  await trainer.run([one, one, one], [1e-2, 1e-2, 1e-2]);
  const graph = withWeights(drawn, trainer.weights());
  await trainer.close();
  const rounded = (x: Float32Array) =>
    toFloat32(fromFloat32(x, "f16"), "f16").slice();
  const other = withWeights(
    graph,
    new Map(
      listWeights({ graph }).trained.map((weight) => {
        const { shape, data } = readTensor(weight);
        return [weight.name, { shape, data: rounded(data) }];
      }),
    ),
  );
  const full = await gradientsOf({ graph }, one);
  const moved = await gradientsOf({ graph: other }, {
    ...one,
    images: rounded(one.images),
  });
  const half = await gradientsOf({ graph }, one, {
    compute: "f16",
    scale: 1024,
  });
  const worst = (found: ReadonlyMap<string, Float32Array>) =>
    Math.max(
      ...[...full.gradients].map(([name, wanted]) =>
        relativeError(found.get(name)!, wanted)
      ),
    );
  // where a ReLU's input is near 0 a rounding turns it off or on, in f32 too
  expect(worst(half.gradients)).toBeLessThan(4 * worst(moved.gradients));
  expect(worst(half.gradients)).toBeLessThan(0.3);
});

test.each(["f16", "bf16"] as const)(
  "gradients of a transformer in %s are f32's within its rounding",
  async (compute) => {
    const { network, batch: own, close } = openStep();
    const full = await gradientsOf(network, own);
    const half = await gradientsOf(network, own, { compute, scale: 4096 });
    close();
    expect(half.loss).not.toBe(full.loss);
    expect(Math.abs(half.loss / full.loss - 1)).toBeLessThan(ROUNDING[compute]);
    for (const [name, wanted] of full.gradients) {
      const error = relativeError(half.gradients.get(name)!, wanted);
      // tables of relative positions sum up differences of large gradients
      const factor = name.includes("rel_pos") ? 32 : 12;
      expect(error, name).toBeLessThan(factor * ROUNDING[compute]);
    }
  },
);

test("training in f16 lowers the loss as f32's does", async () => {
  const batches = Array.from({ length: 60 }, () => batch);
  const rates = batches.map(() => 1e-2);
  const full = await takeSteps(small, { batches, rates });
  const half = await takeSteps(small, {
    batches,
    rates,
    compute: "f16",
    scale: SCALE,
  });
  expect(full.losses[59]).toBeLessThan(0.8 * full.losses[0]);
  half.losses.forEach((loss, i) =>
    expect(Math.abs(loss / full.losses[i] - 1), `step ${i}`).toBeLessThan(0.01)
  );
  expect(scaleIn(half.state)).toEqual({ scale: SCALE, skipped: 0 });
});

test("gradients below f16's smallest number live by the loss scale", async () => {
  const loss = (g: GraphBuilder, prediction: Value) => {
    const mean = g.node("ReduceMean", [prediction, g.ints([0, 1, 2, 3])], {
      dtype: "f32",
      shape: [],
    }, { attributes: { keepdims: { int: 0 } } });
    return multiply(g, mean, g.float(2 ** -18));
  };
  const one = { compute: "f16" as const, loss };
  const full = await gradientsOf(small, batch, { loss });
  const lost = await gradientsOf(small, batch, { ...one, scale: 1 });
  const kept = await gradientsOf(small, batch, { ...one, scale: 2 ** 16 });
  const wanted = full.gradients.get("second.weight")!;
  expect(Math.hypot(...wanted)).toBeGreaterThan(0);
  expect(Math.hypot(...lost.gradients.get("second.weight")!)).toBe(0);
  expect(relativeError(kept.gradients.get("second.weight")!, wanted))
    .toBeLessThan(4 * ROUNDING.f16);
});

test("a step whose gradients overflow f16 changes nothing but the scale", async () => {
  const start = await takeSteps(small, {
    batches: [batch],
    rates: [1e-2],
    compute: "f16",
    scale: SCALE,
  });
  // weights' gradients of some units, times this, are above 65504
  const scale = 2 ** 19;
  const step = await takeSteps(small, {
    batches: [batch],
    rates: [1e-2],
    given: start.state,
    compute: "f16",
    scale,
  });
  expect(Number.isFinite(step.losses[0])).toBe(true);
  expect(scaleIn(step.state)).toEqual({ scale: scale / 2, skipped: 1 });
  const rest = ({ tensors }: TrainState) =>
    plain({ step: 0, tensors }).filter(([name]) => name !== "loss:scale");
  expect(rest(step.state)).toEqual(rest(start.state));
  // it goes on by itself once the scale fits
  const batches = Array.from({ length: 12 }, () => batch);
  const later = await takeSteps(small, {
    batches,
    rates: batches.map(() => 1e-2),
    given: step.state,
    compute: "f16",
  });
  const { scale: last, skipped } = scaleIn(later.state);
  expect(last).toBe(scale / 2 ** skipped);
  expect(skipped).toBeLessThan(12);
  expect(rest(later.state)).not.toEqual(rest(start.state));
});

test("a step in f16 gives the same bits where blocks are computed again", async () => {
  const { network, batch: own, close } = openStep();
  const options = { compute: "f16" as const, scale: 4096 };
  const once = await gradientsOf(network, own, options);
  const twice = await gradientsOf(network, own, {
    ...options,
    recompute: true,
  });
  close();
  expect(twice).toEqual(once);
});

test("steps in f16 resume bit for bit, over a step that is skipped", async () => {
  const batches = [1, 2, 3, 4].map((seed) => smallBatch(seed));
  const rates = [1e-2, 5e-3, 2e-3, 1e-3];
  const options = { compute: "f16" as const };
  const whole = await takeSteps(small, {
    ...options,
    batches,
    rates,
    scale: 2 ** 15,
  });
  const first = await takeSteps(small, {
    ...options,
    batches: batches.slice(0, 2),
    rates: rates.slice(0, 2),
    scale: 2 ** 15,
  });
  const rest = await takeSteps(small, {
    ...options,
    batches: batches.slice(2),
    rates: rates.slice(2),
    given: first.state,
  });
  expect(scaleIn(first.state).skipped).toBeGreaterThan(0);
  expect(plain(rest.state)).toEqual(plain(whole.state));
});
