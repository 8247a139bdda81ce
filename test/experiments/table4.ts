/**
 * Table 4: seven scenarios, each by every method, over seeds.
 *
 * @module
 */
import {
  generateScene,
  type SceneOptions,
} from "../../shared/synthetic/mod.ts";
import type { Core } from "../../wasm/mod.ts";
import { type Method, METHODS, segmentAsReport } from "./methods.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";
import { type Statistic, summarize, summarizeEach } from "./statistics.ts";
import { findStraightShares } from "./straight.ts";

/** One row of the table, and what explains it. */
export interface TableRow
  extends Pick<Scenario, "name" | "what" | "published"> {
  /** True cells a scene. */
  readonly cells: Statistic;
  readonly coveredShare: Statistic;
  /** Least part of a scene's cells placed at the least distance. */
  readonly placedShare: number;
  readonly iou: Readonly<Record<Method, Statistic>>;
  readonly ap50: Readonly<Record<Method, Statistic>>;
  readonly why: Reasons;
}

/** What becomes of cells in the report's pipeline. */
export interface Reasons {
  /** Part of the true cells in which the straight way to the centroid leaves
   * the cell for at least 1 % of their pixels. */
  readonly crossedShare: number;
  /** Mean IoU of those cells, and of the others; 0 where there are none. */
  readonly crossedIou: number;
  readonly otherIou: number;
  /** Mean over cells of the part of pixels whose way stays within the cell. */
  readonly straightShare: number;
  /** Mean IoU of the same pipeline with overlap 0. */
  readonly apartIou: number;
}

/** Run all scenarios. */
export function runTable4(core: Core, seeds: readonly number[]): TableRow[] {
  return SCENARIOS.map((scenario) => runScenario(core, scenario, seeds));
}

function runScenario(
  core: Core,
  { name, what, published, scene: options }: Scenario,
  seeds: readonly number[],
): TableRow {
  const names = Object.keys(METHODS) as Method[];
  const scenes = seeds.map((seed) => generateScene(seed, options));
  const scores = scenes.map(({ labels, size }, k) =>
    names.map((method) => {
      const truth = { labels, size, seed: seeds[k] };
      const masks = METHODS[method](core, truth);
      const iou = core.meanIou(labels, masks, size);
      const [{ ap }] = core.averagePrecision(labels, masks, size, [0.5]);
      return { iou, ap };
    })
  );
  const each = (key: "iou" | "ap") =>
    summarizeEach<Method>(
      scores.map((row) =>
        Object.fromEntries(
          row.map((score, m) => [names[m], score[key]]),
        ) as Record<Method, number>
      ),
    );
  return {
    name,
    what,
    published,
    cells: summarize(scenes.map(({ count }) => count)),
    coveredShare: summarize(scenes.map(({ coveredShare }) => coveredShare)),
    placedShare: Math.min(...scenes.map(({ placedShare }) => placedShare)),
    iou: each("iou"),
    ap50: each("ap"),
    why: explain(core, options, seeds),
  };
}

/** Where the report's pipeline loses what it loses. */
function explain(
  core: Core,
  options: SceneOptions,
  seeds: readonly number[],
): Reasons {
  const ious = { crossed: [] as number[], other: [] as number[] };
  const straight: number[] = [];
  const apart: number[] = [];
  for (const seed of seeds) {
    const { labels, size } = generateScene(seed, options);
    const masks = segmentAsReport(core, { labels, size, seed });
    const match = core.matchMasks(labels, masks, size);
    const found = new Map<number, number>();
    match.truth.forEach((label, k) => found.set(label, match.iou[k]));
    for (const [label, share] of findStraightShares(labels, size.width)) {
      const iou = found.get(label) ?? 0;
      ious[share > 0.99 ? "other" : "crossed"].push(iou >= 0.5 ? iou : 0);
      straight.push(share);
    }
    const free = generateScene(seed, { ...options, overlap: 0 });
    const truth = { labels: free.labels, size, seed };
    apart.push(core.meanIou(free.labels, segmentAsReport(core, truth), size));
  }
  const mean = (values: number[]) =>
    values.length > 0 ? summarize(values).mean : 0;
  return {
    crossedShare: ious.crossed.length / straight.length,
    crossedIou: mean(ious.crossed),
    otherIou: mean(ious.other),
    straightShare: mean(straight),
    apartIou: mean(apart),
  };
}
