/**
 * How much the experiments with training may train: part of every result.
 *
 * @module
 */

/** What all experiments take from. */
export interface Budget {
  /** Design of the base models. */
  readonly network: string;
  /** Steps of every base model, and of the compared networks. */
  readonly steps: number;
  /** Epochs of a fine-tuning. */
  readonly epochs: number;
  /** Its learning rate. */
  readonly rate: number;
  /** Draws of images of a kind. */
  readonly draws: number;
  /** Of these so many ask the guard, too: five more trainings each. */
  readonly guarded: number;
  /** Rounds of the human in the loop. */
  readonly rounds: number;
  /** Corrections that the human makes in a round, at most. */
  readonly corrections: number;
  /** Only kinds whose name holds this. */
  readonly kind: string;
}

/** As the report's; base models of half an hour together. */
export const FULL: Budget = {
  network: "residual-unet",
  steps: 2000,
  epochs: 100,
  rate: 1e-4,
  draws: 5,
  guarded: 1,
  rounds: 5,
  corrections: 20,
  kind: "",
};

/** For a look at the page. */
export const QUICK: Budget = {
  ...FULL,
  steps: 24,
  epochs: 4,
  draws: 1,
  guarded: 0,
  rounds: 2,
};

/**
 * Options of a training from scratch, as `train` takes them; no rendered
 * scenes, as they show kinds that are to be left out.
 */
export function scratchOptions(
  { steps }: Pick<Budget, "steps">,
  network: string,
): Readonly<Record<string, unknown>> {
  return {
    network,
    steps,
    batch: 8,
    crop: 128,
    scaleRange: 1,
    rate: 0.004,
  };
}

/** Options of a fine-tuning, the report's where it tells them. */
export function tuneOptions(
  { epochs, rate }: Pick<Budget, "epochs" | "rate">,
  from: string,
): Readonly<Record<string, unknown>> {
  // one crop a step, as Cellpose does
  return { from, epochs, rate, batch: 1, crop: 256, weightDecay: 0.1 };
}
