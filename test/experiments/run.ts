/**
 * Run every experiment: the order in which the report has them.
 *
 * @module
 */
import type { Core } from "../../wasm/mod.ts";
import {
  type Figure5Row,
  type Figure6Point,
  runFigure5,
  runFigure6,
} from "./figures56.ts";
import { type Method, METHODS } from "./methods.ts";
import { drawPictures, type Files } from "./pictures.ts";
import { plotFigure5, plotFigure6, plotTable4 } from "./plots.ts";
import type { RealRow } from "./real_labels.ts";
import { generateScene } from "../../shared/synthetic/mod.ts";
import { SCENARIOS } from "./scenarios.ts";
import { runTable4, type TableRow } from "./table4.ts";

/** When and by what a part was computed. */
export interface Provenance {
  /** ISO date. */
  readonly date: string;
  /** Of the project, with `+` where files had changed; "unknown" without git. */
  readonly commit: string;
  readonly version: string;
  readonly runtime: string;
}

/** What synthetic scenes give. */
export interface Results extends Provenance {
  readonly seeds: number;
  readonly isQuick: boolean;
  readonly table4: readonly TableRow[];
  readonly figure5: readonly Figure5Row[];
  readonly figure6: readonly Figure6Point[];
}

/** What the labels of a folder give; kept while it is absent. */
export interface RealResults extends Provenance {
  readonly rows: readonly RealRow[];
}

/** Seconds that a run will take here, from one scene of each scenario. */
export function estimateSeconds(core: Core, seeds: number): number {
  const start = performance.now();
  for (const { scene } of SCENARIOS) {
    const { labels, size } = generateScene(0, scene);
    for (const method of Object.keys(METHODS) as Method[]) {
      METHODS[method](core, { labels, size, seed: 0 });
    }
  }
  const seconds = (performance.now() - start) / 1000;
  // measured: Figure 6 takes about as long as Table 4; drawing, 15 scenes
  return seconds * (2 * seeds + 2);
}

/** Compute the numbers. */
export function runExperiments(
  core: Core,
  provenance: Provenance,
  { seeds, isQuick }: { seeds: number; isQuick: boolean },
  print: (line: string) => void,
): Results {
  const each = Array.from({ length: seeds }, (_, seed) => seed);
  print(`Table 4: ${SCENARIOS.length} scenarios × ${seeds} seeds`);
  const table4 = runTable4(core, each);
  print("Figure 5: three eps");
  const figure5 = runFigure5(core, each);
  print("Figure 6: mean IoU against the number of steps");
  const figure6 = runFigure6(core, each);
  return { ...provenance, seeds, isQuick, table4, figure5, figure6 };
}

/** Draw plots and pictures. */
export async function drawAll(core: Core, results: Results): Promise<Files> {
  const files = drawPictures(core);
  files.set("table4.svg", await plotTable4(results.table4));
  files.set("figure5.svg", await plotFigure5(results.figure5));
  files.set("figure6.svg", await plotFigure6(results.figure6));
  return files;
}
