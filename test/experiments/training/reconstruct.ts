/**
 * Self-supervision: a network learns to give back an image of which half is
 * hidden, and nothing of cells or flows.
 *
 * Source: He et al. 2022 (masked autoencoders): squares are hidden.
 * Differs: half of them, by zeros, in a convolutional network.
 *
 * @module
 */
import { join } from "node:path";
import { sumOver } from "../../../gpu-worker/train/gradients/broadcast.ts";
import { known } from "../../../gpu-worker/train/gradients/rule.ts";
import type { LossTargets } from "../../../gpu-worker/train/loss.ts";
import type { Preparer } from "../../../gpu-worker/train/open_batches.ts";
import type {
  StateTensor,
  TrainBatch,
} from "../../../gpu-worker/train/trainer_port.ts";
import { writeSafetensors } from "../../../gpu-worker/train/write_safetensors.ts";
import {
  type GraphBuilder,
  multiply,
  subtract,
  type Value,
} from "../../../shared/graph/mod.ts";
import { createRandom } from "../../../shared/synthetic/random.ts";
import type { Task } from "./lab.ts";

/** Edge of a hidden square, pixels: about a cell. */
const SQUARE = 16;
/** Share of squares that are hidden. */
const HIDDEN = 0.5;
/** Weights of the network that learned to reconstruct, in its folder. */
export const WEIGHTS = "reconstruction.safetensors";

/** Train to reconstruct; the model's head is an untrained one. */
export function toReconstruct(seed: number): NonNullable<Task["change"]> {
  return {
    name: "reconstruction",
    choice: { loss: reconstructionLoss },
    preparer: hideSquares,
    network: (network) => ({
      ...network,
      identity: `${network.identity} reconstruction`,
      writeModel(folder, tensors, facts) {
        const done = network.writeModel(
          folder,
          withUntrainedHead(tensors, seed),
          facts,
        );
        writeSafetensors(join(folder, WEIGHTS), tensors);
        return done;
      },
    }),
  };
}

/** The head's weights drawn afresh, as layers begin: normal, √(2/fan-in). */
export function withUntrainedHead(
  tensors: ReadonlyMap<string, StateTensor>,
  seed: number,
): Map<string, StateTensor> {
  const random = createRandom(seed, 0x4ead);
  return new Map([...tensors].map(([name, { shape, data }]) => {
    if (!/^head\.(weight|bias)$/.test(name)) return [name, { shape, data }];
    const deviation = name === "head.bias" ? 0 : Math.sqrt(2 / shape[0]);
    return [name, {
      shape,
      data: data.map(() => deviation * random.normal()),
    }];
  }));
}

/** Mean squared error of all planes. */
export function reconstructionLoss(
  g: GraphBuilder,
  prediction: Value,
  { targets }: LossTargets,
): Value {
  const error = subtract(g, prediction, targets);
  const count = known(prediction).reduce((a, b) => a * b, 1);
  const sum = sumOver(g, multiply(g, error, error), [0, 1, 2, 3], {
    drop: true,
  });
  return multiply(g, sum, g.float(1 / count));
}

/** Batches whose targets are their images, and whose images are half hidden. */
export function hideSquares(preparer: Preparer): Preparer {
  return {
    ...preparer,
    async open(spec, ahead) {
      const batches = await preparer.open(spec, ahead);
      return {
        ...batches,
        get: async (index) => hide(await batches.get(index), index),
      };
    },
  };
}

function hide(batch: TrainBatch, index: number): TrainBatch {
  const { images, count, channels, height, width } = batch;
  const hidden = images.slice();
  const columns = Math.ceil(width / SQUARE);
  for (let n = 0; n < count; n++) {
    const random = createRandom(0x51de, index, n);
    const isHidden = Array.from(
      { length: columns * Math.ceil(height / SQUARE) },
      () => random.uniform() < HIDDEN,
    );
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const square = Math.floor(y / SQUARE) * columns +
          Math.floor(x / SQUARE);
        if (!isHidden[square]) continue;
        for (let c = 0; c < channels; c++) {
          hidden[((n * channels + c) * height + y) * width + x] = 0;
        }
      }
    }
  }
  return { ...batch, images: hidden, targets: images };
}
