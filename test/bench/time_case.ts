/**
 * One case: equality with every peer, then interleaved timing.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCore } from "../../wasm/mod.ts";
import type { BenchCase } from "./case_folder.ts";
import { time } from "./clock.ts";
import {
  assertSameFlows,
  assertSameMasks,
  assertSamePrecision,
} from "./equality.ts";
import { readNpy } from "./npy.ts";
import {
  createStages,
  measurePeak,
  type Stage,
  STAGES,
  type Stages,
} from "./ours.ts";
import type { Peer } from "./peers/peer.ts";
import { referenceStages } from "./reference_stages.ts";
import type { CaseTimes, Note } from "./result.ts";

/** The reference takes minutes beyond this: larger cases leave it out. */
const REFERENCE_PIXELS = 1024 * 1024;

/** Compare and time a case; the peers are closed. */
export async function timeCase(
  name: string,
  given: BenchCase,
  peers: readonly Peer[],
  { rounds, note }: { readonly rounds: number; readonly note: Note },
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
