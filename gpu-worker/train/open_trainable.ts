/**
 * A design of our own, or a model folder, as a network that can be trained.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { findMissing, type NodeProvider } from "../encoder_node.ts";
import { fitSize } from "./fit_size.ts";
import { foregroundLoss } from "./foreground_loss.ts";
import { withWeights } from "./network.ts";
import {
  DESIGN_DIAMETER,
  DESIGNS,
  EDGE_MULTIPLE,
  INPUT_CHANNELS,
} from "./networks/mod.ts";
import { openParent } from "./open_parent.ts";
import { settleFor, type WantedPrecision } from "./settle_precision.ts";
import type { Trainable } from "./trainable.ts";
import type { StateTensor } from "./trainer_port.ts";
import { DEVICE_CHUNK } from "./train_loop.ts";
import { openTrainer, type TrainerOptions } from "./trainer.ts";
import { pickWeights } from "./pick_weights.ts";
import { writeTrainedModel } from "./write_trained.ts";

/** What is to be trained. */
export interface TrainableChoice {
  /** Name of a design, or none. */
  readonly network: string | null;
  /** Model folder, or none. */
  readonly from: string | null;
  /** Of the first weights of a design. */
  readonly seed: number;
  readonly weightDecay: number;
  readonly threads: number | undefined;
  /** That trains; default the processor. */
  readonly provider?: NodeProvider | undefined;
  /** Default fp32 on the processor, auto elsewhere. */
  readonly precision?: WantedPrecision | undefined;
  /** First weights of a design, as far as given; else drawn by the seed. */
  readonly start?: ReadonlyMap<string, StateTensor>;
  /** What a design learns; default: what its outputs are for. */
  readonly loss?: TrainerOptions["loss"];
}

/** Longest gradient that a design is trained with. */
const CLIP_NORM = 1;

/**
 * Open it.
 *
 * @throws {ArgumentError} for a design that is not there, a provider or a
 *   precision that is not to be had
 * @throws {ModelError} for a folder that holds no model that can be trained
 */
export async function openTrainable(
  choice: TrainableChoice,
): Promise<Trainable> {
  const { network, from, seed, weightDecay, threads } = choice;
  const { provider = "cpu" } = choice;
  const wanted = choice.precision ?? (provider === "cpu" ? "fp32" : "auto");
  const missing = provider === "cpu" ? undefined : findMissing(provider);
  if (missing !== undefined) throw new ArgumentError("provider", missing);
  const common: TrainerOptions = {
    provider,
    ...(threads === undefined ? {} : { threads }),
  };
  if (from !== null) {
    return await openParent(from, {
      ...common,
      optimizer: { weightDecay },
    }, wanted);
  }
  const design = DESIGNS[network ?? ""];
  if (design === undefined) {
    throw new ArgumentError(
      "network",
      `${network} is none of ${Object.keys(DESIGNS).join(", ")}`,
    );
  }
  const drawn = design.build({ seed });
  const graph = choice.start === undefined
    ? drawn
    : withWeights(drawn, pickWeights(drawn, choice.start));
  const loss = choice.loss ??
    (design.outputs.length === 1 ? foregroundLoss : undefined);
  const options: TrainerOptions = {
    ...common,
    ...(loss === undefined ? {} : { loss }),
    optimizer: {
      weightDecay,
      clipNorm: CLIP_NORM,
      // norms and biases have no scale to keep small
      isUndecayed: (name) => !name.endsWith(".weight"),
    },
  };
  const settled = await settleFor({ graph }, wanted, {
    ...options,
    channels: INPUT_CHANNELS,
    multiple: EDGE_MULTIPLE,
  });
  return {
    name: design.name,
    identity: `${design.name} seed ${seed} decay ${weightDecay}${settled.mark}`,
    ...settled.told,
    diameter: DESIGN_DIAMETER,
    channels: INPUT_CHANNELS,
    multiple: EDGE_MULTIPLE,
    ...(options.provider === "cpu" ? {} : { chunk: DEVICE_CHUNK }),
    openTrainer: (state) =>
      openTrainer({ graph }, {
        ...options,
        ...settled.options,
        ...(state === undefined ? {} : { state }),
      }),
    // a network of classes knows no diameters
    ...(design.outputs.length === 3
      ? {
        fitSize: (tensors, crops) =>
          fitSize(
            design,
            withWeights(graph, pickWeights(graph, tensors)),
            crops,
          ),
      }
      : {}),
    writeModel(folder, tensors, facts) {
      const { diameter, licence, training, sizeHead, looks } = facts;
      writeTrainedModel(folder, {
        design,
        sizeHead,
        graph: withWeights(graph, pickWeights(graph, tensors)),
        diameter: {
          mean: DESIGN_DIAMETER,
          labels: diameter,
          ...(looks ? { looks } : {}),
        },
        licence,
        training,
      });
    },
  };
}
