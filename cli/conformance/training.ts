/**
 * Training steps: loss, gradients and weights beside the peer's.
 *
 * @module
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint } from "../../gpu-worker/import/checkpoint.ts";
import type { Tensor, Tensors } from "../../gpu-worker/import/tensors.ts";
import { mergeTensors, openForm } from "../../gpu-worker/train/form.ts";
import type { FloatTensor } from "../../gpu-worker/train/network.ts";
import { observeGradients } from "../../gpu-worker/train/observe.ts";
import {
  openTrainer,
  type TrainBatch,
} from "../../gpu-worker/train/trainer.ts";
import { toFloat32 } from "../../shared/graph/mod.ts";
import {
  type Case,
  CaseError,
  getArray,
  getFloats,
  getNumbers,
  spell,
} from "./case.ts";
import { type Check, closely } from "./check.ts";
import { readOptimizer } from "./optimizer_text.ts";

/** Foreground, dY and dX at unit scale, N×3×H×W. */
const TARGETS = "labels_cellprob_flows";
/** The bounds. */
const LIMITS = { loss: 1e-4, gradient: 1e-3, weight: 1e-4 } as const;

/**
 * Compare training steps with the peer's.
 *
 * @throws {CaseError} if the case lacks something or contradicts itself
 */
export async function checkTraining(
  from: Case,
  folder: string,
): Promise<Check[]> {
  const batch = readBatch(from);
  const losses = getNumbers(from, "losses");
  const { rate, ...optimizer } = readOptimizer(from.facts.optimizer);
  requireNoLayerDrop(from);
  const files = await readdir(folder);
  const find = (pattern: RegExp) => {
    const file = files.find((name) => pattern.test(name));
    return file === undefined ? null : openCheckpoint(join(folder, file));
  };
  const start = find(/^checkpoint\.(pth|safetensors)$/);
  const gradients = find(/^gradients.*\.(pth|safetensors)$/);
  const end = find(/^checkpoint_after.*\.(pth|safetensors)$/);
  if (start === null) throw new CaseError("checkpoint.pth is missing");
  try {
    const network = openForm(start.tensors);
    const checks: Check[] = [];
    if (gradients) {
      const seen = await observeGradients(network, batch);
      checks.push(...compareGradients(seen.gradients, gradients.tensors));
    }
    const trainer = await openTrainer(network, { optimizer });
    try {
      const ours = await trainer.run(
        losses.map(() => batch),
        losses.map(() => rate),
      );
      checks.push(closely("losses", ours, losses, LIMITS.loss));
      if (end) {
        checks.push(
          ...compareWeights(trainer.weights(), {
            start: start.tensors,
            end: end.tensors,
          }),
        );
      }
    } finally {
      await trainer.close();
    }
    return checks;
  } finally {
    for (const checkpoint of [start, gradients, end]) checkpoint?.close();
  }
}

function readBatch(from: Case): TrainBatch {
  const { shape } = getArray(from, "x", 4);
  const targets = getArray(from, TARGETS, 4).shape;
  const [count, channels, height, width] = shape;
  if (`${targets}` !== `${[count, 3, height, width]}`) {
    throw new CaseError(
      `${TARGETS}.npy is ${spell(targets)}, x.npy is ${spell(shape)}`,
    );
  }
  return {
    images: getFloats(from, "x"),
    targets: getFloats(from, TARGETS),
    count,
    channels,
    height,
    width,
  };
}

/** Blocks that were skipped at random cannot be told from the outcome. */
function requireNoLayerDrop({ facts }: Case): void {
  const { layer_drop: drop = "off" } = facts;
  if (drop === "off" || drop === 0 || drop === false || drop === null) return;
  throw new CaseError(`case.json: layer_drop is ${drop}, only off is compared`);
}

/** Each tensor by its largest value, and which tensors there are. */
function compareGradients(
  ours: ReadonlyMap<string, FloatTensor>,
  theirs: Tensors,
): Check[] {
  const unit = "part of the largest value";
  const names = new Set([...theirs.keys(), ...ours.keys()]);
  return [...names].map((name) => {
    const tensor = theirs.get(name);
    const mine = ours.get(name);
    if (tensor === undefined || mine === undefined) {
      const which = tensor ? "is missing" : "is not the peer's";
      const label = `gradient of ${name} ${which}`;
      return { name: label, error: Infinity, limit: LIMITS.gradient, unit };
    }
    const values = toFloat32(tensor.read(), tensor.dtype);
    const size = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0) || 1;
    const label = `gradient of ${name}`;
    const { error } = closely(label, mine.data, values, 0);
    return { name: label, error: error / size, limit: LIMITS.gradient, unit };
  });
}

/** Each tensor of the checkpoint, those that training leaves too. */
function compareWeights(
  trained: ReadonlyMap<string, FloatTensor>,
  { start, end }: { start: Tensors; end: Tensors },
): Check[] {
  const ours = mergeTensors(start, trained);
  const names = new Set([...start.keys(), ...end.keys()].filter((name) =>
    // counts steps; no network reads it
    !name.endsWith(".num_batches_tracked")
  ));
  return [...names].map((name) => {
    const read = (tensor: Tensor | undefined) =>
      tensor ? toFloat32(tensor.read(), tensor.dtype) : new Float32Array();
    const label = `${name} after training`;
    return closely(
      label,
      read(ours.get(name)),
      read(end.get(name)),
      LIMITS.weight,
    );
  });
}
