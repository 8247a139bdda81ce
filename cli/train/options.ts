/**
 * Options of `train`, from the command line or, where a training is resumed,
 * from its own folder.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { type NodeProvider, PROVIDERS } from "../../gpu-worker/encoder_node.ts";
import { UsageError } from "../usage_error.ts";
import { TABLE } from "./table.ts";

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
  readonly provider: NodeProvider | undefined;
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
      ["schedule", "layout", "precision"].includes(name);
    const flag = `--${toKebab(name)} <${value}>`;
    if (takesText) command.option(flag, meaning);
    else command.option(flag, meaning, readNumber);
  }
  return command
    .addOption(
      new Option("--provider <name>", "that trains (default cpu)")
        .choices(PROVIDERS),
    )
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
    provider: given.provider as NodeProvider | undefined,
  };
  const { threads } = rest;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new UsageError("option --threads: must be 1 or more");
  }
  if (given.resume === true) {
    const free = ["out", "resume", "json", "threads", "provider", "guard"];
    const extra = Object.keys(given).find((name) => !free.includes(name));
    if (extra !== undefined) {
      throw new UsageError(
        `option --${
          toKebab(extra)
        }: a resumed training keeps its options; give --out, --threads, --provider, --json only`,
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
