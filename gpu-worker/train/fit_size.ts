/**
 * Fit what makes a network tell diameters, on crops whose diameter is known.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeModel, type Graph } from "../../shared/graph/mod.ts";
import { loadGraph } from "../run_graph.ts";
import { applyLine, fitRidge, type Line } from "./fit_ridge.ts";
import { foldNorms } from "./fold_norms.ts";
import type { Design } from "./networks/mod.ts";
import { addSizeFeatures, type SizeHead } from "./size_output.ts";
import type { TrainBatch } from "./trainer_port.ts";

/** Diameters of the crops, network pixels: from specks to what fills them. */
const DIAMETERS = [4, 6, 8, 11, 14, 17, 20, 24, 28, 34, 42, 54, 70, 90];
/** Crops with fewer pixels of cells are left out. */
const LEAST_PIXELS = 30;
/** On the squared weights; features are many and crops are related. */
const PENALTY = 1e-3;

/** Crops of one diameter, as often as asked for. */
export type CropsOfDiameter = (diameter: number) => AsyncIterable<TrainBatch>;

/** A fitted estimate, and how good it is. */
export interface FittedSize {
  readonly head: SizeHead;
  /** Mean distance from the truth, log2, at each diameter; in training. */
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
  const columns = rows[0].length;
  const all = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) all.set(row, i * columns);
  const sizes = fitRidge(all, Float64Array.from(targets), PENALTY);
  const errors = Float64Array.from(
    targets,
    (target, i) => Math.abs(applyLine(sizes, all, i) - target),
  );
  const doubts = fitRidge(all, errors, PENALTY);

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
    head: toHead([sizes, doubts]),
    error,
    summary: `${rows.length} crops, off by ${
      mean.toFixed(2)
    } (log2) on average`,
  };
}

function toHead(lines: readonly Line[]): SizeHead {
  return {
    weight: Float32Array.from(lines.flatMap(({ weight }) => [...weight])),
    bias: Float32Array.from(lines, ({ bias }) => bias),
  };
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
