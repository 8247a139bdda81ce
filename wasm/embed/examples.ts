/**
 * Install what an example needs, and run it.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Command, Runtime } from "./runtimes.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Building wasmtime takes minutes on two cores; running takes seconds. */
const LIMIT_MS = 30 * 60_000;

/** What an example prints: `<SHA-256 of the masks> <n> cells`. */
export interface Outcome {
  readonly sha256: string;
  readonly cells: number;
}

/** The outcome that the examples must have. */
export async function expectedOutcome(): Promise<Outcome> {
  return JSON.parse(await readFile(join(HERE, "case", "case.json"), "utf8"));
}

/** Why an example cannot run here, as an instruction; undefined if it can. */
export async function whatIsMissing(
  runtime: Runtime,
  cache: string,
): Promise<string | undefined> {
  try {
    await execute(runtime, runtime.probe);
  } catch {
    return runtime.mend;
  }
  if (runtime.install.length === 0) return undefined;
  const stamp = await readFile(stampPath(runtime, cache), "utf8")
    .catch(() => undefined);
  return stamp === await stampOf(runtime)
    ? undefined
    : "run `deno task embed --install`";
}

/** Install what an example needs, unless that was done with the same pins. */
export async function installExample(
  runtime: Runtime,
  cache: string,
): Promise<void> {
  if (await whatIsMissing(runtime, cache) === undefined) return;
  for (const command of runtime.install) await execute(runtime, command);
  await mkdir(cache, { recursive: true });
  await writeFile(stampPath(runtime, cache), await stampOf(runtime));
}

/**
 * Run an example.
 *
 * @throws {Error} with what it printed, if it failed or printed no digest
 */
export async function runExample(runtime: Runtime): Promise<Outcome> {
  const printed = await execute(runtime, runtime.run);
  const match = printed.match(/^([0-9a-f]{64}) (\d+) cells$/m);
  if (match === null) throw new Error(`${runtime.name} printed "${printed}"`);
  return { sha256: match[1], cells: Number(match[2]) };
}

async function execute(runtime: Runtime, command: Command): Promise<string> {
  const [program, ...args] = command;
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: join(HERE, runtime.name),
    env: { ...env, ...runtime.env },
    timeout: LIMIT_MS,
  });
  return stdout;
}

function stampPath(runtime: Runtime, cache: string): string {
  return join(cache, `${runtime.name}.installed`);
}

async function stampOf({ name, install, pin = "" }: Runtime): Promise<string> {
  // a pin is a file of the example or a text of its own
  const pinned = await readFile(join(HERE, name, pin), "utf8")
    .catch(() => pin);
  return createHash("sha256")
    .update(JSON.stringify([install, pinned]))
    .digest("hex");
}
