/**
 * Learning rates.
 *
 * @module
 */

/** Epochs of Cellpose's warm-up. */
const WARM_UP = 10;

/**
 * Cellpose's rate of each epoch: ten epochs from 0 up, a plateau, and ten
 * halvings at the end where there are at least 100 epochs.
 *
 * @returns  one rate an epoch; the first is 0
 *
 * Source: cellpose 4.2.1.1, train.train_seg; reference section 5
 */
export function cellposeRates(
  { learningRate, epochs }: { learningRate: number; epochs: number },
): number[] {
  const stage = epochs > 300 ? 10 : epochs > 99 ? 5 : 0;
  const plateau = epochs - 10 * stage;
  return Array.from({ length: epochs }, (_, epoch) => {
    if (epoch < WARM_UP) return learningRate * epoch / (WARM_UP - 1);
    if (epoch < plateau) return learningRate;
    return learningRate / 2 ** (Math.floor((epoch - plateau) / stage) + 1);
  });
}

/**
 * A linear way up, then half a cosine down.
 *
 * @param steps   in all
 * @param warmUp  steps of the way up, default 5 % of all
 * @param end     last rate as a share of the highest, default 0.01
 * @returns       one rate a step
 */
export function cosineRates(
  {
    learningRate,
    steps,
    warmUp = Math.ceil(steps / 20),
    end = 0.01,
  }: {
    learningRate: number;
    steps: number;
    warmUp?: number;
    end?: number;
  },
): number[] {
  return Array.from({ length: steps }, (_, step) => {
    if (step < warmUp) return learningRate * (step + 1) / warmUp;
    const share = (step - warmUp) / Math.max(steps - 1 - warmUp, 1);
    const fall = (1 + Math.cos(Math.PI * share)) / 2;
    return learningRate * (end + (1 - end) * fall);
  });
}
