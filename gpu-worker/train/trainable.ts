/**
 * A network that can be trained and written as a model, whatever made it: a
 * design of our own, or a model folder that is tuned.
 *
 * @module
 */
import type { LookTableJson } from "../../shared/pipeline/look_table.ts";
import type { CropsOfDiameter, FittedSize } from "./fit_size.ts";
import type { SettledPrecision } from "./settle_precision.ts";
import type { SizeHead } from "./size_output.ts";
import type { StateTensor, Trainer, TrainState } from "./trainer_port.ts";

/** What is told of a trained model in `model.json`. */
export interface TrainedFacts {
  /** Mean diameter of the images it was trained on, pixels. */
  readonly diameter: number;
  /** Of the weights. */
  readonly licence: string | null;
  /** Data, seed, steps, parent. */
  readonly training: Readonly<Record<string, unknown>>;
  /** Of `fitSize`. */
  readonly sizeHead?: SizeHead;
  /** Of `fitLooks`. */
  readonly looks?: LookTableJson;
}

/** A network to train. */
export interface Trainable {
  readonly name: string;
  /** All that its first weights depend on. */
  readonly identity: string;
  /** That cells are scaled to, pixels. */
  readonly diameter: number;
  readonly channels: number;
  /** Edges of its input are multiples of this. */
  readonly multiple: number;
  /** Crop that it needs; none: any multiple. */
  readonly fixedCrop?: number;
  /** What products are computed in, and why; none: fp32, nothing was asked. */
  readonly precision?: SettledPrecision;
  /** Steps that are handed to it together at most; none: as few as can be. */
  readonly chunk?: number;
  openTrainer(state?: TrainState): Promise<Trainer>;
  /** Fit what tells diameters, once the rest is trained; where it has such. */
  fitSize?(
    tensors: ReadonlyMap<string, StateTensor>,
    crops: CropsOfDiameter,
  ): Promise<FittedSize>;
  /** Write a folder that `segment --model` takes. */
  writeModel(
    folder: string,
    tensors: ReadonlyMap<string, StateTensor>,
    facts: TrainedFacts,
  ): Promise<void> | void;
}
