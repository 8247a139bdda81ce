/**
 * Time the core alone on a case folder.
 *
 * @module
 */
import { loadCore } from "../../wasm/mod.ts";
import { openCase } from "./case_folder.ts";
import { least } from "./clock.ts";
import { createStages, measurePeak } from "./ours.ts";

const RUNS = 5;

/** What `bench core --case DIR --json` prints, and nothing else. */
export interface OneCase {
  readonly masksMs: number;
  readonly trackClusterMs: number;
  readonly labelsToFlowsMs: number;
  readonly averagePrecisionMs: number;
  /** Cells of the final masks. */
  readonly cells: number;
  /** The module's memory in `computeMasks`, copies of its inputs included. */
  readonly peakBytes: number;
}

/** Minimum of five runs a stage, after one that warms up. */
export async function timeOneCase(folder: string): Promise<OneCase> {
  const given = await openCase(folder);
  const core = await loadCore();
  const stages = createStages(core, given);
  const final = stages.masks();
  for (const stage of Object.values(stages)) stage();
  return {
    masksMs: least(RUNS, stages.masks),
    trackClusterMs: least(RUNS, stages.trackCluster),
    labelsToFlowsMs: least(RUNS, stages.labelsToFlows),
    averagePrecisionMs: least(RUNS, stages.averagePrecision),
    cells: final.reduce((most, label) => Math.max(most, label), 0),
    peakBytes: measurePeak(core, given),
  };
}
