/**
 * The core beside its peers: the same cases, in one run, equality first.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadCore } from "../../wasm/mod.ts";
import { type BenchCase, openCase } from "./case_folder.ts";
import { makeCase, type WriteFlows } from "./cases.ts";
import { time } from "./clock.ts";
import {
  assertSameFlows,
  assertSameMasks,
  assertSamePrecision,
} from "./equality.ts";
import { measureModule, type ModuleSize } from "./module_size.ts";
import { readNpy, writeNpy } from "./npy.ts";
import {
  createStages,
  measurePeak,
  type Stage,
  STAGES,
  type Stages,
} from "./ours.ts";
import { type Installed, installPeers } from "./peers/install.ts";
import { type Peer, startPeer } from "./peers/peer.ts";
import { referenceStages } from "./reference_stages.ts";
import { CROWDS } from "./scene.ts";
import { fitExponent, formatTable } from "./table.ts";

/** The reference takes seconds a megapixel: larger cases leave it out. */
const REFERENCE_PIXELS = 1024 * 1024;

export interface BenchOptions {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly cache?: string | undefined;
  readonly python?: string | undefined;
  readonly note: (text: string) => void;
  readonly print: (text: string) => void;
}

/** One case: milliseconds by stage and program, the least of the rounds. */
export interface CaseTimes {
  readonly name: string;
  readonly pixels: number;
  readonly foreground: number;
  readonly cells: number;
  readonly ms: Readonly<Record<Stage, Readonly<Record<string, number>>>>;
  /** The core's module memory in `computeMasks`; the peers' whole process. */
  readonly peakBytes: Readonly<Record<string, number>>;
  /** Share of pixels where our result is the program's. */
  readonly agreement: Readonly<Record<string, Record<string, number>>>;
}

export interface BenchResult {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly versions: Readonly<Record<string, unknown>>;
  readonly module: ModuleSize;
  readonly cases: readonly CaseTimes[];
  /** Of time over area (images), by stage and program. */
  readonly areaExponents: Readonly<Record<string, Record<string, number>>>;
  /** Of the core's time over the number of cells on 1024×1024. */
  readonly cellExponents: Readonly<Record<string, number>>;
}

/** Run the benchmark and write `out/bench/core.json`. */
export async function benchCore(options: BenchOptions): Promise<BenchResult> {
  const { note, print } = options;
  const project = fileURLToPath(new URL("../../", import.meta.url));
  const cache = options.cache ?? join(project, ".cache", "bench");
  const installed = await installPeers(
    { cache, mayInstall: !options.isQuick, note },
    options.python,
  );

  const module = await measureModule();
  const versions: Record<string, unknown> = {};
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
    rounds: options.rounds,
    versions,
    module,
    cases,
    areaExponents: areaExponentsOf(cases),
    cellExponents: options.isQuick ? {} : await timeCrowds(cache, options),
  };
  const out = join(project, "out", "bench");
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "core.json"), JSON.stringify(result, null, 2));
  print(formatTable(result));
  return result;
}

/** Cases whose flows are Cellpose's and cases whose flows are ours lie apart. */
async function findCase(
  name: string,
  cache: string,
  { python }: Installed,
): Promise<string> {
  const writeFlows = python ? flowsOfCellpose(python) : ownFlows;
  const root = join(cache, "cases", python ? "cellpose" : "own");
  return await makeCase(name, root, writeFlows);
}

function flowsOfCellpose(python: string): WriteFlows {
  return async (folder) => {
    const script = scriptPath("write_flows.py");
    const peer = await startPeer("Cellpose", [], [python, script, folder]);
    await peer.close();
  };
}

const ownFlows: WriteFlows = async (folder) => {
  const { data, shape } = await readNpy(join(folder, "labels.npy"));
  const [width, height, depth] = [...shape].reverse();
  const size = depth ? { depth, height, width } : { height, width };
  const core = await loadCore();
  const flows = core.labelsToFlows(Uint32Array.from(data), size, {
    parity: true,
  });
  await writeNpy(join(folder, "flows.npy"), flows, [shape.length, ...shape]);
};

async function startPeers(
  { python, cellposeJs }: Installed,
  { folder, isVolume }: BenchCase,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  if (python) {
    const args = [python, scriptPath("run_cellpose.py"), folder];
    peers.push(await startPeer("Cellpose", STAGES, args));
  }
  if (cellposeJs && !isVolume) {
    const script = scriptPath("run_cellpose_js.ts");
    const args = [Deno.execPath(), "run", "-A", script, cellposeJs, folder];
    peers.push(await startPeer("cellpose-js", ["trackCluster"], args));
  }
  return peers;
}

function scriptPath(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
}

async function timeCase(
  name: string,
  given: BenchCase,
  peers: readonly Peer[],
  { rounds, note }: BenchOptions,
): Promise<CaseTimes> {
  const core = await loadCore();
  const stages = createStages(core, given);
  const final = stages.masks();
  const agreement: Record<string, Record<string, number>> = {};
  for (const peer of peers) {
    note(`  equality with ${peer.name}`);
    agreement[peer.name] = await comparePeer(peer, stages, given);
  }

  const ms = Object.fromEntries(
    STAGES.map((stage) => [stage, {} as Record<string, number>]),
  ) as Record<Stage, Record<string, number>>;
  const put = (stage: Stage, program: string, took: number) => {
    ms[stage][program] = Math.min(ms[stage][program] ?? Infinity, took);
  };
  for (let round = 0; round < rounds; round++) {
    note(`  round ${round + 1} of ${rounds}`);
    for (const stage of STAGES) {
      put(stage, "ours", time(stages[stage]));
      for (const peer of peers) {
        if (!peer.stages.includes(stage)) continue;
        put(stage, peer.name, await peer.run(stage));
      }
      put(stage, "ours", time(stages[stage]));
    }
  }
  if (given.pixels <= REFERENCE_PIXELS) {
    note("  scalar reference");
    for (const [stage, run] of Object.entries(referenceStages(given))) {
      let result: ArrayLike<number> = [];
      put(stage as Stage, "reference", time(() => result = run()));
      const ours = stages[stage as Stage]();
      if (stage === "labelsToFlows") {
        assertSameFlows("the reference", ours, result, given.labels);
      } else assertSameMasks("the reference", ours, result);
    }
  }

  const peakBytes: Record<string, number> = { ours: measurePeak(core, given) };
  for (const peer of peers) peakBytes[peer.name] = await peer.close();
  return {
    name,
    pixels: given.pixels,
    foreground: given.cellprob.reduce((n, logit) => n + (logit > 0 ? 1 : 0), 0),
    cells: final.reduce((most, label) => Math.max(most, label), 0),
    ms,
    peakBytes,
    agreement,
  };
}

/** Run each stage of a peer once and assert that ours gives the same. */
async function comparePeer(
  peer: Peer,
  stages: Stages,
  { labels }: BenchCase,
): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "cytoedge-bench-"));
  const agreement: Record<string, number> = {};
  try {
    for (const stage of peer.stages) {
      await peer.run(stage);
      const path = join(folder, `${stage}.npy`);
      await peer.save(stage, path);
      const { data: theirs } = await readNpy(path);
      if (stage === "averagePrecision") {
        assertSamePrecision(peer.name, stages.averagePrecision(), theirs);
      } else if (stage === "labelsToFlows") {
        const ours = stages.labelsToFlows();
        agreement[stage] = assertSameFlows(peer.name, ours, theirs, labels);
      } else {
        agreement[stage] = assertSameMasks(peer.name, stages[stage](), theirs);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return agreement;
}

function areaExponentsOf(
  cases: readonly CaseTimes[],
): Record<string, Record<string, number>> {
  const images = cases.filter(({ name }) => name !== "3d");
  if (images.length < 2) return {};
  return Object.fromEntries(STAGES.map((stage) => {
    const programs = Object.keys(images[0].ms[stage])
      .filter((p) => images.every((c) => c.ms[stage][p] !== undefined));
    const fits = programs.map((program) => [
      program,
      fitExponent(images.map((c) => [c.pixels, c.ms[stage][program]])),
    ]);
    return [stage, Object.fromEntries(fits)];
  }));
}

/** The core alone on one size with more and more cells. */
async function timeCrowds(
  cache: string,
  { rounds, note }: BenchOptions,
): Promise<Record<string, number>> {
  const points: Record<Stage, [number, number][]> = {
    masks: [],
    trackCluster: [],
    labelsToFlows: [],
    averagePrecision: [],
  };
  const core = await loadCore();
  for (const [name, { cells }] of Object.entries(CROWDS)) {
    note(`case ${name}`);
    const root = join(cache, "cases", "own");
    const given = await openCase(await makeCase(name, root, ownFlows));
    const stages = createStages(core, given);
    stages.masks();
    for (const stage of STAGES) {
      let least = time(stages[stage]);
      for (let i = 0; i < rounds; i++) {
        least = Math.min(least, time(stages[stage]));
      }
      points[stage].push([cells, least]);
    }
  }
  return Object.fromEntries(
    STAGES.map((stage) => [stage, fitExponent(points[stage])]),
  );
}
