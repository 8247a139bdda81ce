/**
 * Networks: import the checkpoint, run it on the peer's input, compare with
 * the peer's output, in fp32 and in half precision.
 *
 * @module
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  importModel,
  type Precision,
} from "../../gpu-worker/import/import_model.ts";
import type { ModelJson } from "../../gpu-worker/import/model_json.ts";
import { loadGraph, type Runner } from "../../gpu-worker/run_graph.ts";
import { type Case, CaseError } from "./case.ts";
import type { Check } from "./check.ts";
import { findCheckpoint } from "./checkpoint.ts";
import { compareWith, getInput } from "./outputs.ts";
import { checkPrompts } from "./prompts.ts";

/** Largest error as a part of the peer's range. */
const LIMITS = { fp32: 2e-3, fp16: 2e-2 } as const satisfies Partial<
  Record<Precision, number>
>;

/** Networks of an imported model, by name. */
export type Runners = Readonly<Record<string, Runner>>;

/** True where the case records training steps. */
export async function isTraining(folder: string): Promise<boolean> {
  const files = await readdir(folder);
  return files.some((file) => /^gradients.*\.(pth|safetensors)$/.test(file));
}

/**
 * Compare a network with the peer's.
 *
 * @throws {CaseError} if the case has no output to compare with
 */
export async function checkModel(from: Case, folder: string): Promise<Check[]> {
  const checkpoint = await findCheckpoint(folder);
  if (checkpoint === null) throw new CaseError("checkpoint.pth is missing");
  const checks: Check[] = [];
  for (const [precision, limit] of Object.entries(LIMITS)) {
    const found = await withModel(
      { checkpoint, precision: precision as Precision },
      (json, runners) =>
        json.family === "sam"
          ? checkPrompts(from, runners, limit)
          : checkOutputs(from, runners, limit),
    );
    checks.push(...found.map((check) => ({
      ...check,
      name: precision === "fp32" ? check.name : `${check.name} in ${precision}`,
    })));
  }
  return checks;
}

async function withModel<Result>(
  { checkpoint, precision }: { checkpoint: string; precision: Precision },
  use: (json: ModelJson, runners: Runners) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-model-"));
  const runners: Record<string, Runner> = {};
  try {
    const json = importModel(checkpoint, folder, { precision });
    for (const { name, files } of json.networks) {
      runners[name] = await loadGraph(join(folder, files[0].name));
    }
    return await use(json, runners);
  } finally {
    for (const runner of Object.values(runners)) await runner.close();
    await rm(folder, { recursive: true });
  }
}

/** Every `x…` through the network, beside its `y…`, and the style of `x`. */
async function checkOutputs(
  from: Case,
  { model }: Runners,
  limit: number,
): Promise<Check[]> {
  const checks: Check[] = [];
  const inputs = [...from.arrays.keys()].filter((name) => /^x(_|$)/.test(name));
  for (const input of inputs) {
    const results = await model.run({ x: getInput(from, input) });
    for (const name of ["y", "style"]) {
      const theirs = `${name}${input.slice(1)}`;
      if (!from.arrays.has(theirs) || !results[name]) continue;
      checks.push(compareWith(from, theirs, { ours: results[name], limit }));
    }
  }
  if (checks.length > 0) return checks;
  throw new CaseError("x.npy with y.npy, or another such pair, is missing");
}
