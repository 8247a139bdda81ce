/**
 * SPINE of conformance: a folder of kinds and cases → one outcome a case.
 *
 *   DIR/KIND/CASE/{case.json, *.npy}
 *   DIR/[KIND/]CASE/{checkpoint.pth, *.npy}
 *
 * A case that cannot be read or makes the core throw fails with its reason;
 * the run goes on.
 *
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Core } from "../../wasm/mod.ts";
import { type Case, CaseError, readArrays, readCase } from "./case.ts";
import { type Check, describe, isPassed, severity } from "./check.ts";
import { findCheckpoint } from "./checkpoint.ts";
import { dynamics2d } from "./dynamics2d.ts";
import { dynamics3d } from "./dynamics3d.ts";
import { holes } from "./holes.ts";
import { normalize } from "./normalize.ts";
import { resize } from "./resize.ts";
import { stitch } from "./stitch.ts";
import { tiles } from "./tiles.ts";

/** Runs the core on a case and compares; the checks are never empty. */
export type Kind = (core: Core, from: Case) => Check[];

/** Kinds by folder name, in the order of the pipeline. */
const KINDS: Readonly<Record<string, Kind>> = {
  normalize,
  resize,
  tiles,
  dynamics2d,
  dynamics3d,
  holes,
  stitch,
};

/** What became of a case. */
export interface Outcome {
  /** `kind/case`, or `kind` where the kind itself is the trouble. */
  readonly id: string;
  readonly status: "PASS" | "FAIL" | "SKIP";
  /** The worst error in words, or why there is none. */
  readonly message: string;
  readonly checks: readonly Check[];
}

/**
 * Run every case of a folder.
 *
 * @param directory  folder laid out as above; loose files are left alone
 * @throws {Error} if the folder cannot be read
 */
export async function* runConformance(
  core: Core,
  directory: string,
): AsyncGenerator<Outcome> {
  for (const kind of inOrder(await listFolders(directory))) {
    if (await findCheckpoint(join(directory, kind)) !== null) {
      yield await runModel(join(directory, kind), kind);
      continue;
    }
    const [models, names] = await listCases(join(directory, kind));
    for (const name of models) {
      yield await runModel(join(directory, kind, name), `${kind}/${name}`);
    }
    if (models.length > 0 && names.length === 0) continue;
    if (!Object.hasOwn(KINDS, kind)) {
      const message = `unknown kind ${kind}, known are ${
        Object.keys(KINDS).join(", ")
      }`;
      const ids = names.length > 0
        ? names.map((name) => `${kind}/${name}`)
        : [kind];
      for (const id of ids) yield failure(id, message);
    } else if (names.length === 0) {
      yield failure(kind, "the folder holds no case");
    }
    if (!Object.hasOwn(KINDS, kind)) continue;
    for (const name of names) {
      const folder = join(directory, kind, name);
      yield await runCase(core, folder, { kind, name });
    }
  }
}

async function runCase(
  core: Core,
  folder: string,
  { kind, name }: { kind: string; name: string },
): Promise<Outcome> {
  const id = `${kind}/${name}`;
  try {
    return judge(id, KINDS[kind](core, await readCase(folder, { kind, name })));
  } catch (err) {
    return failure(id, describeError(err));
  }
}

/** A network: its checkpoint is imported and run beside the peer's outputs. */
async function runModel(folder: string, id: string): Promise<Outcome> {
  try {
    // the runtime is loaded where there is a network
    const { checkModel, isTraining } = await import("./models.ts");
    const name = basename(folder);
    if (await isTraining(folder)) {
      const { checkTraining } = await import("./training.ts");
      const from = await readCase(folder, { kind: id, name });
      return judge(id, await checkTraining(from, folder));
    }
    const arrays = await readArrays(folder);
    const from = { id, name, facts: {}, arrays };
    return judge(id, await checkModel(from, folder));
  } catch (err) {
    return failure(id, describeError(err));
  }
}

/** Whatever a case does, the others still count. */
function describeError(err: unknown): string {
  const text = err instanceof Error ? err.message : String(err);
  const label = err instanceof CaseError || !(err instanceof Error)
    ? text
    : `${err.name}: ${text}`;
  return label.replaceAll(/\s*\n\s*/g, " ");
}

function judge(id: string, checks: Check[]): Outcome {
  if (checks.length === 0) return failure(id, "nothing to compare");
  const failed = checks.filter((check) => !isPassed(check));
  if (failed.length > 0) {
    const message = failed.map(describe).join("; ");
    return { id, status: "FAIL", message, checks };
  }
  const worst = checks.reduce((a, b) => severity(b) >= severity(a) ? b : a);
  return { id, status: "PASS", message: describe(worst), checks };
}

function failure(id: string, message: string): Outcome {
  return { id, status: "FAIL", message, checks: [] };
}

/** Known kinds first, in the pipeline's order, then the others by name. */
function inOrder(kinds: string[]): string[] {
  const known = Object.keys(KINDS);
  return [
    ...known.filter((kind) => kinds.includes(kind)),
    ...kinds.filter((kind) => !known.includes(kind)),
  ];
}

/** Folders of networks, then the others. */
async function listCases(directory: string): Promise<[string[], string[]]> {
  const models: string[] = [];
  const others: string[] = [];
  for (const name of await listFolders(directory)) {
    const checkpoint = await findCheckpoint(join(directory, name));
    (checkpoint === null ? others : models).push(name);
  }
  return [models, others];
}

async function listFolders(directory: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (name.startsWith(".")) continue;
    if ((await stat(join(directory, name))).isDirectory()) folders.push(name);
  }
  return folders;
}
