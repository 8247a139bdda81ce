/**
 * From a checkpoint to what can be trained, and back.
 *
 *   CHECKPOINT → tensors → family → training form
 *   weights after training → DIR/checkpoint.safetensors, model.onnx, model.json
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  ArgumentError,
  ShapeError,
  UnsupportedFormatError,
} from "../../shared/errors.ts";
import { countElements, spellShape } from "../../shared/graph/mod.ts";
import { importModel, type ImportOptions } from "../import/import_model.ts";
import type {
  TrainingForm,
  TrainingOptions,
} from "../import/families/family.ts";
import type { ModelJson } from "../import/model_json.ts";
import { FAMILIES, recognize } from "../import/recognize.ts";
import type { Tensor, Tensors } from "../import/tensors.ts";
import { openWeights } from "../import/weights.ts";
import { writeSafetensors } from "../import/write_safetensors.ts";
import type { FloatTensor, TrainableNetwork } from "./network.ts";

/** Name of the weights beside a trained model. */
export const CHECKPOINT = "checkpoint.safetensors";

/** A training form as a network. */
export interface TrainableForm extends TrainableNetwork {
  readonly form: TrainingForm;
  /** Name of the family. */
  readonly family: string;
}

/**
 * The training form of a checkpoint.
 *
 * @param tensors  of an open checkpoint; they are read when the graph is
 * @throws {UnsupportedFormatError} if its family is unknown or cannot be
 *   trained
 * @throws {ShapeError} if a weight is missing or does not fit
 */
export function openForm(
  tensors: Tensors,
  options: TrainingOptions = {},
): TrainableForm {
  const weights = openWeights(tensors);
  const family = recognize(weights);
  if (!family.train) {
    throw new UnsupportedFormatError(
      `Training of ${family.name}`,
      FAMILIES.filter(({ train }) => train).map(({ name }) => name),
    );
  }
  const form = family.train(weights, options);
  const trained = new Set(form.parameters);
  return {
    form,
    family: family.name,
    graph: form.graph,
    output: "y",
    boundaries: form.boundaries,
    isTrained: (name) => trained.has(name),
  };
}

/**
 * A checkpoint with other values of some tensors, in its own order.
 *
 * @param trained  f32; their names and shapes are the checkpoint's
 * @throws {ArgumentError} for a name that the checkpoint does not have
 * @throws {ShapeError} for a tensor of another shape
 */
export function mergeTensors(
  tensors: Tensors,
  trained: ReadonlyMap<string, FloatTensor>,
): Tensors {
  const merged = new Map<string, Tensor>(tensors);
  for (const [name, { shape, data }] of trained) {
    const known = tensors.get(name);
    if (known === undefined) {
      throw new ArgumentError("trained", `${name} is not in the checkpoint`);
    }
    if (
      `${shape}` !== `${known.shape}` || countElements(shape) !== data.length
    ) {
      throw new ShapeError(
        name,
        `is ${spellShape(shape)}, the checkpoint's is ${
          spellShape(known.shape)
        }`,
      );
    }
    const copy = data.slice();
    merged.set(name, {
      dtype: "f32",
      shape,
      read: () => new Uint8Array(copy.buffer),
    });
  }
  return merged;
}

/**
 * Write tensors as a model's folder; the checkpoint stays in it, so that the
 * model can be trained further.
 *
 * @param folder  made if it is missing
 */
export function writeTrained(
  tensors: Tensors,
  folder: string,
  options: ImportOptions = {},
): ModelJson {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, CHECKPOINT);
  writeSafetensors(path, tensors);
  return importModel(path, folder, options);
}
