/**
 * `report [--data DIR] [--quick]`: run the report's experiments and write
 * `docs/report/`, every number from this run.
 *
 * A quick run goes to `out/report-quick/`, so that it never takes the place of
 * committed numbers. The part that needs `--data` keeps its committed numbers
 * without it. `--model DIR` runs the experiments with a network instead,
 * `--train DIR…` those that train networks.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { writePage } from "../test/experiments/page.ts";
import { listLabels, runRealLabels } from "../test/experiments/real_labels.ts";
import {
  drawAll,
  estimateSeconds,
  type Provenance,
  type RealResults,
  runExperiments,
} from "../test/experiments/run.ts";
import { loadCore } from "../wasm/mod.ts";
import { callerPath } from "./caller_path.ts";
import { printLine } from "./print.ts";
import { type ModelReportOptions, reportModel } from "./report_model.ts";
import {
  reportTraining,
  type TrainingReportOptions,
} from "./report_training.ts";
import { VERSION } from "../shared/version.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = join(ROOT, "docs", "report");
const REAL_FILE = "real_labels.json";
const SEEDS = 20;
const QUICK_SEEDS = 3;

/** Options as the command line gives them. */
export interface ReportOptions
  extends
    Partial<ModelReportOptions>,
    Omit<Partial<TrainingReportOptions>, "data" | "quick"> {
  /** Folder of labelled images with a `manifest.json`. */
  readonly data?: string;
  /** Fewer seeds, into `out/report-quick/`. */
  readonly quick?: boolean;
}

/** Run the command. */
export async function report(options: ReportOptions): Promise<void> {
  const { data, quick, model } = options;
  if (options.train !== undefined) {
    const { train } = options;
    return await reportTraining({ ...options, train }, describeRun(), toJson);
  }
  if (model !== undefined) {
    return await reportModel({ ...options, model }, describeRun(), toJson);
  }
  const isQuick = quick === true;
  const seeds = isQuick ? QUICK_SEEDS : SEEDS;
  const target = isQuick ? join(ROOT, "out", "report-quick") : FOLDER;
  // a wrong folder must not cost the minutes before it is needed
  const images = data && await listLabels(callerPath(data));
  const core = await loadCore();
  const seconds = estimateSeconds(core, seeds);
  const minutes = Math.ceil(seconds / 6) / 10;
  const more = images ? ", and the real labels up to as long" : "";
  printLine(`${seeds} seeds: expected to take about ${minutes} minutes${more}`);

  const start = performance.now();
  const provenance = describeRun();
  const sizes = { seeds, isQuick };
  const results = runExperiments(core, provenance, sizes, printLine);
  printLine("Plots and pictures");
  const files = await drawAll(core, results);
  if (images) {
    printLine("Real labels");
    const rows = await runRealLabels(core, images);
    files.set(REAL_FILE, toJson({ ...provenance, rows }));
  }
  const kept = files.get(REAL_FILE) ?? await readKept();
  const real = kept ? JSON.parse(`${kept}`) as RealResults : undefined;
  files.set("results.json", toJson(results));
  files.set("README.md", writePage(results, real, isQuick ? [] : listOthers()));

  await mkdir(target, { recursive: true });
  for (const [name, content] of files) {
    await writeFile(join(target, name), content);
  }
  const took = ((performance.now() - start) / 60_000).toFixed(1);
  const place = relative(process.cwd(), target) || ".";
  printLine(`Wrote ${files.size} files to ${place}/ in ${took} minutes`);
}

/** Pages of other runs, where they are there. */
function listOthers() {
  return [
    { title: "experiments with a network", path: "model/README.md" },
    { title: "experiments with training", path: "training/README.md" },
  ].filter(({ path }) => existsSync(join(FOLDER, path)));
}

/** The committed numbers of the part that needs `--data`. */
async function readKept(): Promise<string | undefined> {
  try {
    return await readFile(join(FOLDER, REAL_FILE), "utf8");
  } catch {
    return undefined;
  }
}

function describeRun(): Provenance {
  return {
    date: new Date().toISOString(),
    commit: describeCommit(),
    version: VERSION,
    runtime: `Deno ${Deno.version.deno}`,
  };
}

/** Short hash, with `+` where tracked files outside the report have changed. */
function describeCommit(): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const changed = git("status", "--porcelain", "-uno", "--", ".", ":!docs");
    return git("rev-parse", "--short=9", "HEAD") + (changed ? "+" : "");
  } catch {
    return "unknown";
  }
}

function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, v) => typeof v === "number" ? Number(v.toPrecision(6)) : v,
    1,
  ) + "\n";
}
