/**
 * What goes wrong in a training, by name.
 *
 * @module
 */

/** A failure's name and what to do. */
export interface Finding {
  readonly name:
    | "loss-not-finite"
    | "loss-exploding"
    | "gradient-overflow"
    | "blank-prediction"
    | "constant-prediction";
  readonly message: string;
  /** Going on is of no use. */
  readonly isFatal: boolean;
}

/** Share of a new loss in the running mean. */
const NEW_SHARE = 0.05;
/** A loss above so many times the running mean is an explosion. */
const EXPLOSION = 20;
/**
 * A running mean counts as at least this: after a few crops without cells it is
 * near 0, and the next one that is full of them loses up to 7 from the start.
 */
const LEAST_MEAN = 1;
/** Logits closer together than this are one value. */
const CONSTANT = 1e-3;

/** Take a loss into the running mean. */
export function updateMean(mean: number | null, loss: number): number {
  return mean === null ? loss : mean + NEW_SHARE * (loss - mean);
}

/**
 * Judge a loss.
 *
 * @param mean  of the losses before, `null` for the first
 */
export function judgeLoss(
  loss: number,
  { mean, step }: { mean: number | null; step: number },
): Finding | undefined {
  if (!Number.isFinite(loss)) {
    return {
      name: "loss-not-finite",
      message:
        `the loss of step ${step} is ${loss}; start again with a lower --rate, or where it ran in fp16 with --precision fp32`,
      isFatal: true,
    };
  }
  if (mean !== null && loss > EXPLOSION * Math.max(mean, LEAST_MEAN)) {
    return {
      name: "loss-exploding",
      message: `the loss of step ${step} is ${loss.toPrecision(3)}, it was ${
        mean.toPrecision(3)
      } before; start again with a lower --rate`,
      isFatal: true,
    };
  }
  return undefined;
}

/** A scale of the loss below this one has run out. */
const LEAST_SCALE = 1;

/**
 * Judge the loss scale of a training in fp16.
 *
 * @param before  steps skipped before
 */
export function judgeScale(
  { scale, skipped }: { scale: number; skipped: number },
  { before, step }: { before: number; step: number },
): Finding | undefined {
  if (skipped <= before) return undefined;
  const isFatal = scale < LEAST_SCALE;
  const steps = skipped - before === 1 ? "1 step" : `${skipped - before} steps`;
  return {
    name: "gradient-overflow",
    message:
      `${steps} up to ${step} changed nothing, as gradients overflowed fp16; the loss scale is ${scale} now${
        isFatal
          ? ", too small to go on: start again with --precision fp32 or a lower --rate"
          : ""
      }`,
    isFatal,
  };
}

/** What a validation saw, for judging. */
export interface Seen {
  readonly truth: number;
  readonly prediction: number;
  /** Smallest and largest logit. */
  readonly logits: readonly [number, number];
}

/** Judge the predictions on validation images. */
export function judgePredictions(seen: readonly Seen[]): Finding | undefined {
  if (seen.length === 0) return undefined;
  if (seen.every(({ logits: [low, high] }) => high - low < CONSTANT)) {
    return {
      name: "constant-prediction",
      message: `every pixel of every image has the logit ${
        seen[0].logits[0].toPrecision(3)
      }`,
      isFatal: false,
    };
  }
  const truth = seen.reduce((sum, each) => sum + each.truth, 0);
  const found = seen.reduce((sum, each) => sum + each.prediction, 0);
  if (truth > 0 && found === 0) {
    return {
      name: "blank-prediction",
      message: `no cell was found in ${seen.length} images with ${truth} cells`,
      isFatal: false,
    };
  }
  return undefined;
}
