/**
 * Figure 7: features that were never aligned with flows give no masks.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readTensors } from "../../../gpu-worker/train/checkpoint.ts";
import { readStart } from "../../../gpu-worker/train/train_state.ts";
import { DESIGNS } from "../../../gpu-worker/train/networks/mod.ts";
import { openTrainable } from "../../../gpu-worker/train/open_trainable.ts";
import { type Budget, scratchOptions } from "./budget.ts";
import { type Item, type Lab, meanAp } from "./lab.ts";
import { toReconstruct, WEIGHTS, withUntrainedHead } from "./reconstruct.ts";

/** An encoder and what it had learned. */
export interface AlignmentRow {
  readonly encoder: string;
  readonly isAligned: boolean;
  /** Of its model; absent where there was no time. */
  readonly folder?: string;
  /** Steps of self-supervision, and of supervision by flows. */
  readonly selfSteps: number;
  readonly flowSteps: number;
  /** In all test images. */
  readonly found?: number;
  readonly ap50?: number;
  readonly cells: number;
}

const SEED = 0;

/** Train what is needed, and score all of it. */
export async function runAlignment(
  lab: Lab,
  { base, test }: { base: readonly Item[]; test: readonly Item[] },
  budget: Budget,
): Promise<AlignmentRow[]> {
  const options = scratchOptions(budget, budget.network);
  const self = await lab.train({
    name: "self-trained on reconstruction",
    items: base,
    options,
    change: toReconstruct(SEED),
  });
  const aligned = await lab.train({
    name: "aligned from random",
    items: base,
    options,
  });
  const both = self && await lab.train({
    name: "aligned from self-trained",
    items: base,
    options,
    change: {
      name: "start from reconstruction",
      choice: { start: readEncoder(self.folder) },
    },
  });
  const { steps } = budget;
  const cells = test.reduce((sum, { facts }) => sum + facts.cells, 0);
  const rows = [
    {
      encoder: "random",
      folder: await writeRandom(lab, budget.network),
      selfSteps: 0,
      flowSteps: 0,
    },
    {
      encoder: "self-trained on reconstruction",
      folder: self?.folder,
      selfSteps: steps,
      flowSteps: 0,
    },
    {
      encoder: "random",
      folder: aligned?.folder,
      selfSteps: 0,
      flowSteps: steps,
    },
    {
      encoder: "self-trained on reconstruction",
      folder: both?.folder,
      selfSteps: steps,
      flowSteps: steps,
    },
  ];
  const out: AlignmentRow[] = [];
  for (const { folder, ...row } of rows) {
    const isAligned = row.flowSteps > 0;
    if (folder === undefined) {
      out.push({ ...row, isAligned, cells });
      continue;
    }
    const scores = await lab.score(folder, test);
    out.push({
      ...row,
      isAligned,
      folder,
      cells,
      found: scores.reduce((sum, { prediction }) => sum + prediction, 0),
      ap50: meanAp(scores),
    });
  }
  return out;
}

/** A design as it is drawn, under an untrained head. */
async function writeRandom(lab: Lab, network: string): Promise<string> {
  const folder = join(lab.folder, `random-${network}`);
  if (existsSync(join(folder, "model.json"))) return folder;
  const trainable = await openTrainable({
    network,
    from: null,
    seed: SEED,
    weightDecay: 0,
    threads: undefined,
  });
  const graph = DESIGNS[network].build({ seed: SEED });
  await trainable.writeModel(
    folder,
    withUntrainedHead(readStart({ graph }), SEED),
    { diameter: trainable.diameter, licence: null, training: {} },
  );
  return folder;
}

/** Weights of a self-trained encoder; a head starts at 0, as it does. */
function readEncoder(folder: string) {
  const { tensors } = readTensors(join(folder, WEIGHTS));
  return new Map([...tensors].filter(([name]) => !name.startsWith("head.")));
}
