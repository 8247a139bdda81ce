/**
 * Options of `segment`: made of the table of parameters, plus Cellpose's
 * spellings.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type Parameter,
  type ParameterName,
  PARAMETERS,
  REFUSED,
  SegmentParameters,
} from "../../shared/schema/parameters.ts";
import { UsageError } from "../usage_error.ts";
import { addForeignOptions, refuseForeignOptions } from "./foreign_options.ts";
import { readBytes } from "./memory.ts";
import {
  OUTPUT_KINDS,
  type OutputKind,
  type OutputName,
} from "../../shared/schema/output_kinds.ts";

/** What the command line gives, checked. */
export interface SegmentCommand {
  readonly parameters: SegmentParameters;
  readonly models: readonly string[];
  readonly out: string | undefined;
  readonly outputs: readonly OutputName[];
  readonly batchSize: number | undefined;
  /** Bytes. */
  readonly memoryBudget: number | null;
  readonly scratch: string | undefined;
  readonly providers: readonly string[] | undefined;
  readonly threads: number | undefined;
  readonly json: boolean;
  readonly force: boolean;
  readonly recursive: boolean;
  readonly imageFilter: string;
  /** Images that were given by options. */
  readonly images: readonly string[];
}

/** Parameters whose option is not `--name-of-the-parameter VALUE`. */
const SWITCHES: Partial<Record<ParameterName, string>> = {
  augment: "--augment",
  excludeOnEdges: "--exclude-on-edges",
  invert: "--invert",
  normalize: "--no-norm",
  resample: "--no-resample",
  skipEmptyTiles: "--skip-empty-tiles",
  parity: "--no-parity",
};

/** Options of Cellpose's that change nothing here. */
const IGNORED = [
  "--use-gpu",
  "--verbose",
  "--no-interp",
  "--all-channels",
  "--transformer",
];

/** Add the options to the command. */
export function addSegmentOptions(command: Command): Command {
  command
    .option(
      "--model <dir>",
      "folder with model.json, made by `import`; given again: averaged with it",
      append,
    )
    .addOption(
      new Option("--pretrained-model <dir>").argParser(append).hideHelp(),
    )
    .option("--out <dir>", "folder for results; default: the image's own")
    .addOption(new Option("--savedir <dir>").hideHelp())
    .addOption(new Option("--dir <dir>").hideHelp())
    .addOption(new Option("--image-path <file>").hideHelp());
  const table: Readonly<Record<string, Parameter>> = PARAMETERS;
  for (const [name, row] of Object.entries(table)) {
    const { meaning, schema, unit, choices } = row;
    const text = describe(meaning, unit, schema.parse(undefined));
    const flag = SWITCHES[name as ParameterName];
    if (flag !== undefined) {
      command.option(flag, flag.startsWith("--no-") ? `not: ${meaning}` : text);
    } else if (name === "normPercentile") {
      command.option("--norm-percentile <low,high>", text, readList);
    } else if (name === "channels") {
      command.option("--channels <list>", text, readList);
    } else if (choices) {
      command.addOption(
        new Option(`--${toKebab(name)} <name>`, text).choices(choices),
      );
    } else if (name === "axes") {
      command.option("--axes <letters>", text);
    } else {
      command.option(`--${toKebab(name)} <number>`, text, readNumber);
    }
  }
  command
    .addOption(new Option("--chan <n>").argParser(readNumber).hideHelp())
    .addOption(new Option("--chan2 <n>").argParser(readNumber).hideHelp())
    .addOption(new Option("--bsize <n>").argParser(readNumber).hideHelp())
    .option(
      "--batch-size <n>",
      "tiles at a time; default: measured",
      readNumber,
    )
    .option(
      "--memory-budget <size>",
      "as 800M or 4G; larger images are read in bands; default: by the free memory",
    )
    .option(
      "--scratch <dir>",
      "folder for what does not fit memory; default: that of the results",
    )
    .option(
      "--provider <names>",
      "as cuda,webgpu,cpu: tried in this order",
      appendList,
    )
    .option("--threads <n>", "threads of the processor", readNumber)
    .option("--look-one-level-down", "folders within folders, too")
    .option("--img-filter <end>", "only images whose stem ends so", "");
  for (const kind of Object.values(OUTPUT_KINDS)) {
    command.option(flagOf(kind), kind.meaning);
  }
  command
    .option("--force", "compute finished images again")
    .option("--json", "print one JSON object instead of lines");
  for (const name of Object.keys(REFUSED)) {
    command.addOption(new Option(`--${toKebab(name)} [value]`).hideHelp());
  }
  for (const flag of IGNORED) command.addOption(new Option(flag).hideHelp());
  addForeignOptions(command);
  return command;
}

/**
 * Check what commander gives.
 *
 * @throws {UsageError} naming the option
 */
export function readSegmentOptions(
  given: Record<string, unknown>,
): SegmentCommand {
  for (const [name, { reason, off }] of Object.entries(REFUSED)) {
    // Cellpose's defaults ask for nothing
    if (given[name] !== undefined && given[name] !== off) {
      throw new UsageError(`option --${toKebab(name)}: ${reason}`);
    }
  }
  refuseForeignOptions(given);
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(PARAMETERS)) {
    if (given[name] !== undefined) values[name] = given[name];
  }
  if (given.norm === false) values.normalize = false;
  if (given.bsize !== undefined) values.tileSize ??= given.bsize;
  if (given.chan !== undefined || given.chan2 !== undefined) {
    values.channels ??= [given.chan ?? 0, given.chan2 ?? 0];
  }
  const read = SegmentParameters.safeParse(values);
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    const name = String(path[0]);
    throw new UsageError(
      `option --${toKebab(name)}: ${message} (is ${
        JSON.stringify(values[name])
      })`,
    );
  }
  const batchSize = readCount("batchSize", given.batchSize);
  const threads = readCount("threads", given.threads);
  return {
    parameters: read.data,
    models: (given.model ?? given.pretrainedModel ?? []) as string[],
    out: (given.out ?? given.savedir) as string | undefined,
    outputs: Object.entries(OUTPUT_KINDS)
      .filter(([, { flag, ...kind }]) =>
        given[toCamel("isDefault" in kind ? flag : `save-${flag}`)] === true
      )
      .map(([name]) => name as OutputName),
    batchSize,
    memoryBudget: readBudget(given.memoryBudget),
    scratch: given.scratch as string | undefined,
    threads,
    providers: given.provider as string[] | undefined,
    json: given.json === true,
    force: given.force === true,
    recursive: given.lookOneLevelDown === true,
    imageFilter: String(given.imgFilter ?? ""),
    images: [given.dir, given.imagePath].filter((each) => each !== undefined)
      .map(String),
  };
}

/**
 * Spell options with hyphens: `--flow_threshold` is `--flow-threshold`, and
 * `--norm_percentile 1 99` is `--norm-percentile 1,99`.
 */
export function spellWithHyphens(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const spelled = args.map((arg, i) => {
    if (!arg.startsWith("--") || (end >= 0 && i >= end)) return arg;
    const [name, ...value] = arg.split("=");
    return [name.replaceAll("_", "-"), ...value].join("=");
  });
  const at = spelled.indexOf("--norm-percentile");
  const [low, high] = spelled.slice(at + 1);
  if (at >= 0 && isNumber(low) && isNumber(high)) {
    spelled.splice(at + 1, 2, `${low},${high}`);
  }
  return spelled;
}

function flagOf({ flag, isDefault }: OutputKind): string {
  return isDefault ? `--no-${flag}` : `--save-${flag}`;
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && text !== "" && Number.isFinite(Number(text));
}

function describe(meaning: string, unit: string, standard: unknown): string {
  const facts = [
    ...(unit ? [unit] : []),
    ...(standard === null || standard === false ? [] : [`default ${standard}`]),
  ];
  return facts.length > 0 ? `${meaning} (${facts.join("; ")})` : meaning;
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new InvalidArgumentError("It is not a number.");
  }
  return value;
}

/** Options that are given several times; not `<x...>`, which takes images. */
function append(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function appendList(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(",").map((each) => each.trim())];
}

function readList(text: string): (number | string)[] {
  return text.split(",").map((each) => each.trim()).map((each) =>
    isNumber(each) ? Number(each) : each
  );
}

function readCount(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Number(value) < 1) {
    throw new UsageError(
      `option --${toKebab(name)}: must be a positive integer (is ${value})`,
    );
  }
  return Number(value);
}

function readBudget(value: unknown): number | null {
  if (value === undefined) return null;
  const bytes = readBytes(String(value));
  if (bytes === undefined) {
    throw new UsageError(
      `option --memory-budget: must be a size as 800M or 4G (is ${value})`,
    );
  }
  return bytes;
}

function toKebab(name: string): string {
  return name.replace("3D", "-3D").replaceAll(
    /[A-Z](?![A-Z]|$)/g,
    (letter) => `-${letter.toLowerCase()}`,
  ).replace("--", "-");
}

function toCamel(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
}
