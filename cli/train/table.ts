/**
 * The numbers and names that a training depends on: one table, of which the
 * command line makes its options and the check of what it is given.
 *
 * @module
 */
import { z } from "zod";

const positive = z.number().positive().finite();
const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** A row: the option's argument, its check, what it means. */
export interface Row {
  readonly value: string;
  readonly schema: z.ZodType;
  readonly meaning: string;
}

/** The numbers and names that a training depends on. */
export const TABLE = {
  epochs: {
    value: "n",
    schema: count.optional(),
    meaning: "rounds over the images (default 100)",
  },
  steps: { value: "n", schema: count.optional(), meaning: "instead of epochs" },
  minutes: {
    value: "n",
    schema: positive.optional(),
    meaning:
      "of training: alone it plans the steps by the speed of the first ones; with --steps or --epochs it cuts them",
  },
  stepsPerEpoch: {
    value: "n",
    schema: count.optional(),
    meaning: "default: images / batch",
  },
  batch: {
    value: "n",
    schema: count.default(8),
    meaning: "crops a step (default 8)",
  },
  rate: {
    value: "number",
    schema: positive.optional(),
    meaning:
      "highest learning rate (default 0.001 from scratch, 0.0001 to tune)",
  },
  weightDecay: {
    value: "number",
    schema: z.number().min(0).optional(),
    meaning: "of AdamW (default 0.01 from scratch, 0.1 to tune)",
  },
  schedule: {
    value: "name",
    schema: z.enum(["cosine", "cellpose"]).optional(),
    meaning: "cosine (default from scratch) or cellpose (to tune)",
  },
  cycles: {
    value: "n",
    schema: count.default(1),
    meaning: "of the cosine, one after the other (default 1)",
  },
  average: {
    value: "share",
    schema: share.default(0),
    meaning:
      "of the steps, at their end, whose checkpoints' mean is the model (default 0: the best validated)",
  },
  precision: {
    value: "name",
    schema: z.enum(["auto", "fp32", "fp16", "bf16"]).optional(),
    meaning:
      "of products; weights stay fp32: fp32 (default on the processor), fp16, bf16, or auto (default elsewhere): what the provider has kernels for",
  },
  seed: {
    value: "n",
    schema: z.int().min(0).default(0),
    meaning: "of weights and crops (default 0)",
  },
  crop: {
    value: "px",
    schema: z.int().min(32).default(256),
    meaning: "edge of a crop (default 256)",
  },
  scaleRange: {
    value: "number",
    schema: z.number().min(0).max(1.9).default(0.5),
    meaning:
      "cells come out at the model's diameter times 1 ± half of this (default 0.5)",
  },
  intensity: {
    value: "share",
    schema: share.default(1),
    meaning: "strength of random tones, blur, noise, inversion (default 1)",
  },
  layout: {
    value: "name",
    schema: z.enum(["first", "any"]).optional(),
    meaning:
      "channels as in the image, or shuffled, merged and dropped (default any from scratch, first to tune)",
  },
  focus: {
    value: "share",
    schema: share.default(0.5),
    meaning: "crops that lie near a cell (default 0.5)",
  },
  minMasks: {
    value: "n",
    schema: z.int().min(0).default(5),
    meaning: "images with fewer cells are left out (default 5)",
  },
  weightsByKind: {
    value: "how",
    schema: z.string().default("root"),
    meaning:
      'how often kinds are seen: count, root (of the count), equal, or JSON {"kind": weight} (default root)',
  },
  rendered: {
    value: "share",
    schema: share.default(0),
    meaning: "crops of rendered scenes (default 0)",
  },
  renderedScenes: {
    value: "n",
    schema: count.default(1000),
    meaning: "different scenes (default 1000)",
  },
  valShare: {
    value: "share",
    schema: z.number().min(0).max(0.9).default(0.1),
    meaning: "images held out, by the hash of their names (default 0.1)",
  },
  valImages: {
    value: "n",
    schema: count.default(32),
    meaning: "held-out images that AP is measured on (default 32)",
  },
  validateEvery: {
    value: "steps",
    schema: count.default(500),
    meaning: "a multiple of 4 (default 500)",
  },
  checkpointEvery: {
    value: "steps",
    schema: count.default(100),
    meaning: "a multiple of 4 (default 100)",
  },
  patience: {
    value: "n",
    schema: count.optional(),
    meaning: "validations without a better AP before it stops (default: none)",
  },
  maxFolds: {
    value: "n",
    schema: z.int().min(2).default(5),
    meaning: "trainings that the guard holds images out of (default 5)",
  },
  memory: {
    value: "GiB",
    schema: positive.default(2),
    meaning: "for decoded images; more are read again (default 2)",
  },
} as const satisfies Record<string, Row>;
