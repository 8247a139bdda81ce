/** A trainer without a network: its state depends on every batch and rate. */
import type {
  TrainBatch,
  Trainer,
  TrainState,
} from "../../gpu-worker/train/trainer_port.ts";

/** Opens fakes; `onRun` may throw, as a killed process would end. */
export function createFakes(
  { onRun = () => {}, lossAt = (loss: number) => loss, scaleAt }: {
    onRun?: (step: number) => void;
    /** In fp16: the loss scale after a step. */
    scaleAt?: (step: number) => { scale: number; skipped: number };
    lossAt?: (loss: number, step: number) => number;
  } = {},
) {
  return (state?: TrainState): Promise<Trainer> => {
    const weights = Float32Array.from(
      state?.tensors.get("w")?.data ?? [1, 2, 3, 4],
    );
    const moments = Float32Array.from(
      state?.tensors.get("m")?.data ?? [0, 0, 0, 0],
    );
    let step = state?.step ?? 0;
    return Promise.resolve({
      run(batches, rates) {
        const losses = batches.map((batch, i) => {
          onRun(step);
          for (let k = 0; k < 4; k++) {
            moments[k] = 0.9 * moments[k] + meanOf(batch, k);
            weights[k] -= rates[i] * moments[k];
          }
          step++;
          return lossAt(Math.abs(weights[0]) + 0.5, step);
        });
        return Promise.resolve(losses);
      },
      evaluate: (batch) => Promise.resolve(Math.abs(meanOf(batch, 0))),
      ...(scaleAt ? { lossScale: () => scaleAt(step) } : {}),
      state: () => ({
        step,
        tensors: new Map([
          ["w", { shape: [2, 2], data: weights.slice() }],
          ["m", { shape: [4], data: moments.slice() }],
        ]),
      }),
      close: () => Promise.resolve(),
    });
  };
}

function meanOf({ images }: TrainBatch, k: number): number {
  let sum = 0;
  for (let i = k; i < images.length; i += 4) sum += images[i];
  return sum / images.length;
}
