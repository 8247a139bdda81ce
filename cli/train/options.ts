/**
 * Options of `train`: one table, which a resumed training reads from its own
 * folder.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { UsageError } from "../usage_error.ts";

const positive = z.number().positive().finite();
const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** A row: the option's argument, its check, what it means. */
interface Row {
  readonly value: string;
  readonly schema: z.ZodType;
  readonly meaning: string;
}

/** The numbers and names that a training depends on. */
const TABLE = {
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

type Numbers = {
  readonly [Name in keyof typeof TABLE]: z.infer<
    (typeof TABLE)[Name]["schema"]
  >;
};

/** All that a training depends on; `train.json` holds it. */
export interface TrainOptions extends Numbers {
  /** As the caller spelled them. */
  readonly images: readonly string[];
  readonly network: string | null;
  readonly from: string | null;
  readonly teacher: string | null;
  readonly licence: string | null;
  readonly guard: boolean;
}

/** What the command line gives, checked. */
export interface TrainCommand {
  readonly out: string;
  readonly resume: boolean;
  /** None where the folder's own are read. */
  readonly options: TrainOptions | null;
  readonly threads: number | undefined;
  readonly json: boolean;
}

/** Add the options to the command. */
export function addTrainOptions(command: Command): Command {
  command
    .option("--images <dir...>", "folders of images with their labels")
    .requiredOption("--out <dir>", "folder for the model, its log, its report")
    .option("--network <name>", "design to train from scratch")
    .option("--from <dir>", "model to tune; it stays if tuning does no good")
    .option("--teacher <dir>", "model whose flows are learned")
    .option("--resume", "go on with the training in --out, as it was begun")
    .option("--licence <text>", "of the weights, kept with the model")
    .option("--no-guard", "take the tuned model whatever it is worth");
  for (const [name, { value, meaning, schema }] of Object.entries(TABLE)) {
    const takesText = schema.safeParse("x").success ||
      ["schedule", "layout"].includes(name);
    const flag = `--${toKebab(name)} <${value}>`;
    if (takesText) command.option(flag, meaning);
    else command.option(flag, meaning, readNumber);
  }
  return command
    .option("--threads <n>", "threads of the processor", readNumber)
    .option("--json", "print the log as JSON lines, the report last");
}

/**
 * Check what commander gives.
 *
 * @throws {UsageError} naming the option
 */
export function readTrainOptions(
  given: Record<string, unknown>,
): TrainCommand {
  const rest = {
    out: String(given.out),
    json: given.json === true,
    threads: given.threads as number | undefined,
  };
  const { threads } = rest;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new UsageError("option --threads: must be 1 or more");
  }
  if (given.resume === true) {
    const free = ["out", "resume", "json", "threads", "guard"];
    const extra = Object.keys(given).find((name) => !free.includes(name));
    if (extra !== undefined) {
      throw new UsageError(
        `option --${
          toKebab(extra)
        }: a resumed training keeps its options; give --out, --threads, --json only`,
      );
    }
    return { ...rest, resume: true, options: null };
  }
  return { ...rest, resume: false, options: checkOptions(given) };
}

/**
 * Check all that a training depends on.
 *
 * @throws {UsageError} naming the option
 */
export function checkOptions(given: Record<string, unknown>): TrainOptions {
  const { images = [], network = null, from = null } = given as {
    images?: readonly string[];
    network?: string | null;
    from?: string | null;
  };
  if (images.length === 0 && !given.rendered) {
    throw new UsageError("option --images: give at least one folder");
  }
  if ((network === null) === (from === null)) {
    throw new UsageError("give either --network NAME or --from DIR");
  }
  const numbers: Record<string, unknown> = {};
  for (const [name, { schema }] of Object.entries(TABLE)) {
    const read = schema.safeParse(given[name]);
    if (!read.success) {
      throw new UsageError(
        `option --${toKebab(name)}: ${read.error.issues[0].message} (is ${
          JSON.stringify(given[name])
        })`,
      );
    }
    numbers[name] = read.data;
  }
  for (const name of ["validateEvery", "checkpointEvery"]) {
    if (Number(numbers[name]) % 4 !== 0) {
      throw new UsageError(
        `option --${toKebab(name)}: must be a multiple of 4`,
      );
    }
  }
  readWeights(String(numbers.weightsByKind));
  return {
    ...numbers as Numbers,
    images,
    network,
    from,
    teacher: (given.teacher ?? null) as string | null,
    licence: (given.licence ?? null) as string | null,
    guard: given.guard !== false,
  };
}

/**
 * Read how often kinds are seen.
 *
 * @throws {UsageError}
 */
export function readWeights(
  text: string,
): "count" | "root" | "equal" | Record<string, number> {
  if (text === "count" || text === "root" || text === "equal") return text;
  try {
    return z.record(z.string(), z.number().min(0)).parse(JSON.parse(text));
  } catch {
    throw new UsageError(
      `option --weights-by-kind: must be count, root, equal or JSON {"kind": weight}, is ${text}`,
    );
  }
}

function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new InvalidArgumentError("It is not a number.");
  }
  return value;
}
