/**
 * Batches of training: check them, join them.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import type { BatchShape } from "./differentiate_batch.ts";
import type { FloatTensor } from "./network.ts";

/** Images and what the network shall say of them. */
export interface TrainBatch extends BatchShape {
  /** N×C×H×W, as the network takes them. */
  readonly images: Float32Array;
  /** N×3×H×W: foreground (above 0.5), dY, dX at unit scale. */
  readonly targets: Float32Array;
  /** N×H×W, how much each pixel counts; default 1. */
  readonly pixelWeights?: Float32Array;
  /** N×blocks, 0 where an image skips a block; default: none does. */
  readonly kept?: Float32Array;
}

/**
 * Require that a batch has the values its shape tells, and the first's shape.
 *
 * @throws {ArgumentError} if it does not
 */
export function checkBatch(batch: TrainBatch, first: TrainBatch): void {
  const { images, targets, pixelWeights, count, channels, height, width } =
    batch;
  const pixels = count * height * width;
  const fits = images.length === pixels * channels &&
    targets.length === pixels * 3 &&
    (pixelWeights === undefined || pixelWeights.length === pixels);
  if (!fits) {
    throw new ArgumentError(
      "batches",
      `${count}×${channels}×${height}×${width} with ${images.length} image and ${targets.length} target values`,
    );
  }
  const spelled = [batch, first].map(spellBatch);
  if (spelled[0] !== spelled[1]) {
    throw new ArgumentError(
      "batches",
      `differ in shape (${spelled.join(" and ")}) within one call`,
    );
  }
}

/** What decides which graph a batch needs, in words. */
export function spellBatch(
  { count, channels, height, width, pixelWeights }: TrainBatch,
): string {
  const shape = [count, channels, height, width].join("×");
  return pixelWeights ? `${shape} weighted` : shape;
}

/**
 * Batches of one shape one after another.
 *
 * @param lead  the first axes, which count the batches
 * @returns     by name of the graph's input
 */
export function stackBatches(
  batches: readonly TrainBatch[],
  lead: readonly number[],
): Map<string, FloatTensor> {
  const [{ count, channels, height, width, pixelWeights }] = batches;
  const stack = (depth: number, read: (batch: TrainBatch) => Float32Array) => {
    const shape = [...lead, count, depth, height, width];
    if (batches.length === 1) return { shape, data: read(batches[0]) };
    const size = count * depth * height * width;
    const data = new Float32Array(size * batches.length);
    batches.forEach((batch, i) => data.set(read(batch), i * size));
    return { shape, data };
  };
  const stacked = new Map([
    ["images", stack(channels, ({ images }) => images)],
    ["targets", stack(3, ({ targets }) => targets)],
  ]);
  if (pixelWeights) {
    stacked.set("pixelWeights", stack(1, (batch) => batch.pixelWeights!));
  }
  return stacked;
}
