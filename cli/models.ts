/**
 * `models list` and `models pull NAME --out DIR`: checkpoints that others
 * publish.
 *
 * The only command that fetches anything, and only when it is called.
 *
 * @module
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { callerPath } from "./caller_path.ts";
import { importCheckpoint } from "./import.ts";
import { digestFile, download, type Downloaded } from "./models/download.ts";
import {
  PUBLISHED_AT,
  PUBLISHED_MODELS,
  type PublishedModel,
} from "./models/published.ts";
import { printLine } from "./print.ts";
import { UsageError } from "./usage_error.ts";

/** Options of `pull`. */
export interface PullCommand {
  readonly out: string;
  readonly acceptLicence?: boolean;
  /** Address that holds the files; default `CYTOEDGE_MODELS_URL`. */
  readonly base?: string;
  readonly sha256?: string;
  readonly import?: boolean;
}

/** Print the names, sizes and licences of what can be fetched. */
export function listModels({ json = false }: { json?: boolean } = {}): void {
  if (json) {
    const models = PUBLISHED_MODELS.map((model) => ({
      ...model,
      url: addressOf(model).href,
    }));
    return printLine(JSON.stringify(models));
  }
  for (const { name, family, gib, licence } of PUBLISHED_MODELS) {
    const size = gib === null ? "" : `${gib} GiB`;
    printLine(
      `${name.padEnd(12)} ${family.padEnd(14)} ${size.padEnd(9)} ${licence}`,
    );
  }
}

/**
 * Fetch a checkpoint.
 *
 * @param name  one of the published
 * @throws {UsageError} for an unknown name, or a licence that is not accepted
 * @throws {Error} with one line that says what went wrong
 */
export async function pullModel(
  name: string,
  options: PullCommand,
): Promise<void> {
  const model = PUBLISHED_MODELS.find((known) => known.name === name);
  if (model === undefined) {
    const names = PUBLISHED_MODELS.map((known) => known.name).join(", ");
    throw new UsageError(`no model ${name} is published; there are ${names}`);
  }
  const sha256 = readDigest(options.sha256);
  const url = addressOf(model, options.base);
  if (!options.acceptLicence) {
    throw new UsageError(
      `the weights of ${name} are under ${model.licence} (no commercial use); say --accept-licence to fetch them from ${url.host}`,
    );
  }
  const folder = callerPath(options.out);
  const path = join(folder, name);
  makeFolder(folder);
  printLine(`licence ${model.licence}`);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
    await keepFile(path, sha256);
  } else {
    for (const line of describe(await fetchFile(url, path, sha256))) {
      printLine(line);
    }
    printLine(`wrote ${path}`);
  }
  if (options.import) {
    await importCheckpoint(path, {
      out: `${path}_model`,
      licence: model.licence,
    });
  } else {
    printLine(
      `next: npx --yes deno task cli import ${options.out}/${name} --out ${options.out}/${name}_model --licence "${model.licence}"`,
    );
  }
}

function addressOf({ name }: PublishedModel, base?: string): URL {
  const at = base ?? process.env.CYTOEDGE_MODELS_URL ?? PUBLISHED_AT;
  if (!URL.canParse(at)) throw new UsageError(`${at} is no address`);
  return new URL(`${at.replace(/\/+$/, "")}/${name}`);
}

function readDigest(text: string | undefined): string | undefined {
  if (text === undefined || /^[0-9a-f]{64}$/i.test(text)) {
    return text?.toLowerCase();
  }
  throw new UsageError("--sha256 takes 64 hexadecimal digits");
}

function makeFolder(folder: string): void {
  const facts = statSync(folder, { throwIfNoEntry: false });
  if (facts === undefined) mkdirSync(folder, { recursive: true });
  else if (!facts.isDirectory()) throw new Error(`${folder} is no folder`);
}

/** Leave a file that is there already as it is. */
async function keepFile(path: string, sha256?: string): Promise<void> {
  const digest = await digestFile(path);
  if (sha256 !== undefined && digest !== sha256) {
    throw new Error(
      `${path} is there and has SHA-256 ${digest}; remove it to fetch another`,
    );
  }
  printLine(`sha256 ${digest}`);
  printLine(`${path} is there already; nothing was fetched`);
}

async function fetchFile(
  url: URL,
  path: string,
  sha256?: string,
): Promise<Downloaded> {
  if (!process.stderr.isTTY) return await download({ url, path, sha256 });
  const bar = new SingleBar({
    format: "{bar} {percentage} % | {value}/{total} MiB | ETA {eta_formatted}",
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  }, Presets.shades_classic);
  bar.start(0, 0);
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  try {
    return await download({
      url,
      path,
      sha256,
      onProgress: (bytes, total) => {
        if (total !== null) bar.setTotal(mib(total));
        bar.update(mib(bytes));
      },
    });
  } finally {
    bar.stop();
  }
}

function describe(
  { bytes, resumedAt, sha256, checked }: Downloaded,
): string[] {
  const mib = (n: number) => (n / 2 ** 20).toFixed(1);
  const resumed = resumedAt > 0 ? `, ${mib(resumedAt)} of it before` : "";
  const by = {
    given: "as given",
    announced: "as the server announces",
  };
  const digest = checked === null
    ? "compared with nothing; give it as --sha256 next time"
    : by[checked];
  return [`${mib(bytes)} MiB${resumed}`, `sha256 ${sha256} (${digest})`];
}
