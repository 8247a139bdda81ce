/**
 * What the training loop needs of a trainer: it knows no graph and no runtime.
 *
 * @module
 */

/** A batch of crops. */
export interface TrainBatch {
  /** N×C×H×W f32, normalized */
  readonly images: Float32Array;
  /** N×3×H×W f32: foreground (0–1), dY, dX at unit scale */
  readonly targets: Float32Array;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A tensor by its name in the network. */
export interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** All that a trainer is: the same state and batches give the same bits. */
export interface TrainState {
  readonly step: number;
  /** Weights, moments, running statistics. */
  readonly tensors: ReadonlyMap<string, StateTensor>;
}

/** A network that is being trained. */
export interface Trainer {
  /** One step a batch, at its rate; the loss before each step. */
  run(
    batches: readonly TrainBatch[],
    rates: readonly number[],
  ): Promise<number[]>;
  /** The loss of a batch, without learning from it. */
  evaluate(batch: TrainBatch): Promise<number>;
  /** In f16: what the loss is multiplied by, and steps that overflowed. */
  lossScale?(): { scale: number; skipped: number } | undefined;
  state(): TrainState | Promise<TrainState>;
  close(): Promise<void>;
}
