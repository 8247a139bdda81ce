/**
 * What imports and trainings are asked to do, and what they give: what edge
 * and worker tell each other.
 *
 * @module
 */
import { z } from "zod";

const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Most labelled images of a training. */
const MAX_TRAINING_IMAGES = 2000;

/** A model as it lies in the store. */
export const StoredModel = z.strictObject({
  name: z.string(),
  family: z.string(),
  /** Names its folder in the store, too. */
  digest: Digest,
  precision: z.string(),
  licence: z.string().nullable(),
  /** Pixels. */
  diameter: z.number(),
  files: z.array(z.strictObject({
    name: z.string(),
    bytes: z.int(),
    sha256: Digest,
  })).min(1),
});

/** A model as it lies in the store. */
export type StoredModel = z.infer<typeof StoredModel>;

/** What an import is asked to do. */
export const ImportInput = z.strictObject({
  /** Path among the tenant's uploads. */
  upload: z.string(),
  /** Of the size model, for the family that has them. */
  sizeModel: z.string().nullable(),
  /** File name, for the provenance. */
  file: z.string(),
  name: z.string(),
  licence: z.string().nullable(),
  precision: z.enum(["fp32", "fp16", "bf16", "int8"]),
});

/** What an import is asked to do. */
export type ImportInput = z.infer<typeof ImportInput>;

/** How a training goes; what is not given is as in `train --from`. */
export const TrainingSettings = z.strictObject({
  /** Rounds over the images; default 100 where nothing else ends it. */
  epochs: z.int().min(1).max(10_000).optional(),
  /** Instead of epochs. */
  steps: z.int().min(1).max(200_000).optional(),
  /** Of training: alone it plans the steps, else it cuts them. */
  minutes: z.number().positive().max(24 * 60).optional(),
  /** Crops a step. */
  batch: z.int().min(1).max(64).default(8),
  /** Highest learning rate. */
  rate: z.number().positive().max(1).default(1e-4),
  weightDecay: z.number().min(0).max(10).default(0.1),
  /** Edge of a crop, pixels. */
  crop: z.int().min(32).max(1024).default(256),
  seed: z.int().min(0).default(0),
  /** Images with fewer cells are left out. */
  minMasks: z.int().min(0).default(5),
  /** Images held out where they are many. */
  valShare: z.number().min(0).max(0.9).default(0.1),
  /** Trainings that the guard holds images out of, where they are few. */
  maxFolds: z.int().min(2).max(10).default(5),
});

/** How a training goes. */
export type TrainingSettings = z.infer<typeof TrainingSettings>;

const Item = z.strictObject({
  /** Paths among the tenant's uploads, and their file names. */
  image: z.string(),
  imageName: z.string(),
  labels: z.string(),
  labelsName: z.string(),
});

/** What a training is asked to do. */
export const TrainingInput = z.strictObject({
  name: z.string(),
  /** Id of the model that is tuned. */
  model: z.string(),
  licence: z.string().nullable(),
  items: z.array(Item).min(1).max(MAX_TRAINING_IMAGES),
  settings: TrainingSettings,
});

/** What a training is asked to do. */
export type TrainingInput = z.infer<typeof TrainingInput>;

/** What a training gave. */
export const TrainingOutput = z.strictObject({
  /** The tuned model is taken: held-out images say that it is not worse. */
  isAdopted: z.boolean(),
  /** One line. */
  reason: z.string(),
  /** AP at IoU 0.5 on held-out images, before and after. */
  parent: z.number().nullable(),
  tuned: z.number().nullable(),
  heldOut: z.int(),
  images: z.int(),
  cells: z.int(),
  /** Images that could not be learned from, and why. */
  leftOut: z.array(z.strictObject({
    name: z.string(),
    fault: z.string(),
    detail: z.string(),
  })),
  steps: z.int(),
  seconds: z.number(),
  /** The tuned model, where it is adopted. */
  model: StoredModel.nullable(),
});

/** What a training gave. */
export type TrainingOutput = z.infer<typeof TrainingOutput>;
