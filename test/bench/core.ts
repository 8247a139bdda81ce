/**
 * The core beside its peers: the same cases, in one run, equality first.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCase } from "./case_folder.ts";
import { findCommit } from "./commit.ts";
import { documentTables } from "./document.ts";
import { fitAreaExponents, fitCellExponents } from "./growth.ts";
import { measureModule } from "./module_size.ts";
import { DEFAULT_CACHE, installPeers } from "./peers/install.ts";
import { findCase, startPeers } from "./prepare.ts";
import type { BenchResult, CaseTimes, Note } from "./result.ts";
import { formatTable } from "./table.ts";
import { timeCase } from "./time_case.ts";

/** A busier machine makes peers of several threads look slow. */
const BUSY = 0.5;

export interface BenchOptions {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly isQuick: boolean;
  /** Replace the tables of `docs/benchmarks.md`. */
  readonly isDocumented: boolean;
  readonly cache?: string | undefined;
  readonly python?: string | undefined;
  readonly note: Note;
  readonly print: Note;
}

/** Run the benchmark and write `out/bench/core.json`. */
export async function benchCore(options: BenchOptions): Promise<BenchResult> {
  const { note, print } = options;
  const loadBefore = loadavg()[0];
  if (loadBefore > BUSY) {
    note(
      `${loadBefore.toFixed(1)} threads are busy: ratios are not to be quoted`,
    );
  }
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const cache = options.cache ?? DEFAULT_CACHE;
  const installed = await installPeers(
    { cache, mayInstall: !options.isQuick, note },
    options.python,
  );

  const module = await measureModule();
  const versions: Record<string, Record<string, string>> = {
    ours: { commit: await findCommit(project), deno: Deno.version.deno },
  };
  const cases: CaseTimes[] = [];
  for (const name of options.names) {
    note(`case ${name}`);
    const folder = await findCase(name, cache, installed);
    const given = await openCase(folder);
    const peers = await startPeers(installed, given);
    for (const peer of peers) versions[peer.name] = peer.versions;
    cases.push(await timeCase(name, given, peers, options));
  }
  const result: BenchResult = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
    loadBefore,
    rounds: options.rounds,
    versions,
    module,
    cases,
    areaExponents: fitAreaExponents(cases),
    cellExponents: options.isQuick
      ? {}
      : await fitCellExponents(cache, options),
  };
  const out = join(project, "out", "bench");
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "core.json"), JSON.stringify(result, null, 2));
  const tables = formatTable(result);
  print(tables);
  if (options.isDocumented) {
    await documentTables(
      new URL("../../docs/benchmarks.md", import.meta.url),
      tables,
      "core",
    );
  }
  return result;
}
