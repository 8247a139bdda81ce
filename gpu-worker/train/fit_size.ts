/**
 * Fit what makes a network tell diameters, on crops whose diameter is known.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeModel, type Graph } from "../../shared/graph/mod.ts";
import { createRandom } from "../../shared/synthetic/mod.ts";
import { loadGraph } from "../run_graph.ts";
import { applyLine, fitRidge } from "./fit_ridge.ts";
import { foldNorms } from "./fold_norms.ts";
import type { Design } from "./networks/mod.ts";
import { addSizeFeatures, type SizeHead } from "./size_output.ts";
import type { TrainBatch } from "./trainer_port.ts";

/** Diameters of the crops, network pixels: from specks to what fills them. */
const DIAMETERS = [4, 6, 8, 11, 14, 17, 20, 24, 28, 34, 42, 54, 70, 90];
/** Crops with fewer pixels of cells are left out. */
const LEAST_PIXELS = 30;
/** On the squared weights; features are many and crops are related. */
const PENALTY = 3e-3;
/** Random features beside the network's own: the relation is no line. */
const HIDDEN = 256;
const HIDDEN_SEED = 0x512e;
/** Parts that errors are measured on in turn. */
const FOLDS = 4;

/** Crops of one diameter, as often as asked for. */
export type CropsOfDiameter = (diameter: number) => AsyncIterable<TrainBatch>;

/** A fitted estimate, and how good it is. */
export interface FittedSize {
  readonly head: SizeHead;
  /** Mean distance from the truth, log2, at each diameter; on crops left out. */
  readonly error: Readonly<Record<string, number>>;
  readonly summary: string;
}

/**
 * Fit the size estimate of a trained design.
 *
 * @param graph  with its weights; norms by their running averages
 * @param crops  of the images it was trained on
 */
export async function fitSize(
  design: Design,
  graph: Graph,
  crops: CropsOfDiameter,
): Promise<FittedSize> {
  const features = addSizeFeatures(foldNorms(graph), design);
  const runner = await loadGraph(
    new Uint8Array(Buffer.concat([...encodeModel(features).model])),
  );
  const rows: Float32Array[] = [];
  const targets: number[] = [];
  try {
    for (const diameter of DIAMETERS) {
      for await (const batch of crops(diameter)) {
        const { count, channels, height, width, images: data } = batch;
        const shape = [count, channels, height, width];
        const { features: found } = await runner.run({ x: { data, shape } });
        const columns = found.shape[1];
        for (let n = 0; n < count; n++) {
          if (!hasCells(batch, n)) continue;
          rows.push(found.data.slice(n * columns, (n + 1) * columns));
          targets.push(Math.log2(diameter));
        }
      }
    }
  } finally {
    await runner.close();
  }
  return fitLines(rows, targets);
}

function fitLines(
  rows: readonly Float32Array[],
  targets: readonly number[],
): FittedSize {
  const hidden = drawHidden(rows);
  const all = expand(rows, hidden);
  const sizes = fitRidge(all, Float64Array.from(targets), PENALTY);
  // errors on rows that a line was not fitted on: every fourth in turn
  const errors = new Float64Array(rows.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const kept = [...rows.keys()].filter((i) => i % FOLDS !== fold);
    const line = fitRidge(
      expand(kept.map((i) => rows[i]), hidden),
      Float64Array.from(kept, (i) => targets[i]),
      PENALTY,
    );
    for (let i = fold; i < rows.length; i += FOLDS) {
      errors[i] = Math.abs(applyLine(line, all, i) - targets[i]);
    }
  }

  const byDiameter = Map.groupBy(
    targets.map((target, i) => ({ target, error: errors[i] })),
    ({ target }) => Math.round(2 ** target),
  );
  const error = Object.fromEntries(
    [...byDiameter].map(([diameter, each]) => [
      diameter,
      Number((each.reduce((sum, { error }) => sum + error, 0) / each.length)
        .toFixed(3)),
    ]),
  );
  const mean = errors.reduce((a, b) => a + b, 0) / errors.length;
  return {
    head: {
      ...hidden,
      weight: Float32Array.from(sizes.weight),
      bias: sizes.bias,
    },
    error,
    summary: `${rows.length} crops, off by ${
      mean.toFixed(2)
    } (log2) on average`,
  };
}

/** A layer of random weights, of features scaled to deviation 1. */
function drawHidden(
  rows: readonly Float32Array[],
): Pick<SizeHead, "hiddenWeight" | "hiddenBias"> {
  const random = createRandom(HIDDEN_SEED);
  const f = rows[0].length;
  const n = rows.length;
  const means = new Float64Array(f);
  for (const row of rows) row.forEach((v, j) => means[j] += v / n);
  const squares = new Float64Array(f);
  for (const row of rows) {
    row.forEach((v, j) => squares[j] += (v - means[j]) ** 2 / n);
  }
  const hiddenWeight = new Float32Array(HIDDEN * f);
  const hiddenBias = new Float32Array(HIDDEN);
  for (let k = 0; k < HIDDEN; k++) {
    hiddenBias[k] = random.normal();
    for (let j = 0; j < f; j++) {
      const weight = random.normal() / Math.sqrt(f * squares[j] + 1e-6);
      hiddenWeight[k * f + j] = weight;
      hiddenBias[k] -= weight * means[j];
    }
  }
  return { hiddenWeight, hiddenBias };
}

/** Features beside the hidden layer's values, N×(F+K). */
function expand(
  rows: readonly Float32Array[],
  { hiddenWeight, hiddenBias }: ReturnType<typeof drawHidden>,
): Float32Array {
  const f = rows[0].length;
  const width = f + HIDDEN;
  const all = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    all.set(row, i * width);
    for (let k = 0; k < HIDDEN; k++) {
      let sum = hiddenBias[k];
      for (let j = 0; j < f; j++) sum += hiddenWeight[k * f + j] * row[j];
      all[i * width + f + k] = Math.max(0, sum);
    }
  }
  return all;
}

/** Whether crop n shows cells: the first plane of targets is foreground. */
function hasCells(
  { targets, height, width }: TrainBatch,
  n: number,
): boolean {
  const pixels = height * width;
  let inside = 0;
  for (let i = 0; i < pixels; i++) inside += targets[3 * n * pixels + i];
  return inside >= LEAST_PIXELS;
}
