/**
 * Options to what is trained, on what, how.
 *
 * @module
 */
import { join } from "node:path";
import { askTeacher } from "../../gpu-worker/train/ask_teacher.ts";
import { findItems } from "../../gpu-worker/train/find_items.ts";
import type { Trainable } from "../../gpu-worker/train/trainable.ts";
import type {
  TrainDeps,
  TrainRequest,
} from "../../gpu-worker/train/train_model.ts";
import type { Core } from "../../wasm/mod.ts";
import { callerPath } from "../caller_path.ts";
import { UsageError } from "../usage_error.ts";
import { readWeights, type TrainOptions } from "./options.ts";

/** What tuning does otherwise than training from scratch. */
const SCRATCH = {
  rate: 1e-3,
  weightDecay: 0.01,
  schedule: "cosine",
  layout: "any",
} as const;
const TUNE = {
  rate: 1e-4,
  weightDecay: 0.1,
  schedule: "cellpose",
  layout: "first",
} as const;

/**
 * Decide all that a training depends on; a teacher is asked here.
 *
 * @param out  folder of the training
 * @throws {UsageError} if the crop does not fit the network
 */
export async function makeRequest(
  options: TrainOptions,
  { network, out, deps, core }: {
    network: Trainable;
    out: string;
    deps: TrainDeps;
    core: Core;
  },
): Promise<TrainRequest> {
  const { rate, schedule, layout } = decide(options);
  const images = options.images.map(callerPath);
  const teacher = options.teacher === null
    ? null
    : await deps.openEncoder(callerPath(options.teacher));
  const fields = teacher === null ? undefined : await askTeacher(
    findItems(images),
    { core, encoder: teacher, folder: join(out, "teacher"), say: deps.say },
  );
  await teacher?.close();
  const cropSize = network.fixedCrop ?? options.crop;
  if (cropSize % network.multiple !== 0) {
    throw new UsageError(
      `option --crop: ${network.name} takes multiples of ${network.multiple}, ${cropSize} is none`,
    );
  }
  const { epochs, steps, minutes, stepsPerEpoch, patience } = options;
  const isEndless = epochs === undefined && steps === undefined &&
    minutes === undefined;
  return {
    images,
    network,
    valImages: options.valImages,
    licence: options.licence,
    provenance: {
      network: network.name,
      from: network.identity,
      ...(network.precision ? { precision: network.precision } : {}),
      ...(teacher === null ? {} : {
        teacher: {
          name: teacher.model.name,
          sha256: teacher.digest,
          licence: teacher.model.licence,
        },
      }),
    },
    batches: {
      seed: options.seed,
      batch: options.batch,
      cropSize,
      channels: network.channels,
      diameter: network.diameter,
      scaleRange: options.scaleRange,
      rotate: true,
      flip: true,
      focus: options.focus,
      intensity: options.intensity,
      layout,
      minMasks: options.minMasks,
      weights: readWeights(options.weightsByKind),
      memoryBytes: options.memory * 2 ** 30,
      ...(fields === undefined ? {} : { fields }),
      ...(options.rendered === 0 ? {} : {
        scenes: {
          module:
            new URL("../../gpu-worker/train/render_item.ts", import.meta.url)
              .href,
          share: options.rendered,
          count: options.renderedScenes,
        },
      }),
    },
    plan: {
      rate,
      schedule,
      validateEvery: options.validateEvery,
      checkpointEvery: options.checkpointEvery,
      ...(options.cycles > 1 ? { cycles: options.cycles } : {}),
      ...(options.average > 0 ? { average: options.average } : {}),
      ...defined({ minutes, stepsPerEpoch, patience, steps }),
      ...(isEndless ? { epochs: 100 } : defined({ epochs })),
    },
  };
}

/** Numbers that were not given: from scratch and for tuning they differ. */
export function decide(options: TrainOptions) {
  const standard = options.from === null ? SCRATCH : TUNE;
  return {
    rate: options.rate ?? standard.rate,
    weightDecay: options.weightDecay ?? standard.weightDecay,
    schedule: options.schedule ?? standard.schedule,
    layout: options.layout ?? standard.layout,
  };
}

/** Entries that are there. */
function defined<T extends Record<string, unknown>>(
  values: T,
): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
