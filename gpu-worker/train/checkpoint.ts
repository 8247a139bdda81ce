/**
 * Checkpoints: everything that a training needs to go on as if it had never
 * stopped, in one file that is replaced whole.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { CorruptImageError } from "../../shared/errors.ts";
import type { Average } from "./average.ts";
import { openFile } from "../import/byte_source.ts";
import { readSafetensors } from "../import/read_safetensors.ts";
import type { StateTensor, TrainState } from "./trainer_port.ts";
import { writeSafetensors } from "./write_safetensors.ts";

/** The best model so far. */
export interface Best {
  readonly step: number;
  readonly score: number;
}

/** What is kept beside the trainer's state. */
export interface Progress {
  /** Digest of all that the result depends on. */
  readonly fingerprint: string;
  /** Steps in all; decided by the clock where a time was given. */
  readonly steps: number;
  readonly best: Best | null;
  /** Validations since the best. */
  readonly sinceBest: number;
  /** Seconds of training before this run. */
  readonly seconds: number;
  /** Running mean of the losses, for telling an explosion. */
  readonly meanLoss: number | null;
}

/** A checkpoint. */
export interface Checkpoint extends Progress {
  readonly state: TrainState;
  /** Of the weights, where one is made. */
  readonly average?: Average | undefined;
}

/** Before the names of the average's tensors. */
const AVERAGE = "average/";

/** Replace the checkpoint. */
export function saveCheckpoint(
  path: string,
  { state, average, ...progress }: Checkpoint,
): void {
  const averaged = [...average?.tensors ?? []].map(([name, tensor]) =>
    [AVERAGE + name, tensor] as const
  );
  writeSafetensors(path, new Map([...state.tensors, ...averaged]), {
    step: String(state.step),
    progress: JSON.stringify(progress),
    ...(average ? { averaged: String(average.count) } : {}),
  });
}

/**
 * Read a checkpoint.
 *
 * @returns `undefined` if there is none
 * @throws {CorruptImageError} if it is not one of ours
 */
export function loadCheckpoint(path: string): Checkpoint | undefined {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = readTensors(path);
  const { step, progress, averaged } = metadata;
  if (step === undefined || progress === undefined) {
    throw new CorruptImageError("safetensors", `${path} is no checkpoint`);
  }
  const own = [...tensors].filter(([name]) => !name.startsWith(AVERAGE));
  const means = [...tensors].filter(([name]) => name.startsWith(AVERAGE))
    .map(([name, tensor]) => [name.slice(AVERAGE.length), tensor] as const);
  return {
    ...JSON.parse(progress) as Progress,
    state: { step: Number(step), tensors: new Map(own) },
    average: averaged === undefined
      ? undefined
      : { count: Number(averaged), tensors: new Map(means) },
  };
}

/** Read the tensors of a file that `writeSafetensors` wrote. */
export function readTensors(path: string): {
  tensors: Map<string, StateTensor>;
  metadata: Readonly<Record<string, string>>;
} {
  const file = openFile(path);
  try {
    const tensors = new Map<string, StateTensor>();
    for (const [name, { shape, read }] of readSafetensors(file)) {
      // a copy of its own, aligned for f32
      tensors.set(name, {
        shape,
        data: new Float32Array(read().slice().buffer),
      });
    }
    return { tensors, metadata: readMetadata(file) };
  } finally {
    file.close();
  }
}

function readMetadata(
  file: ReturnType<typeof openFile>,
): Record<string, string> {
  const head = file.read(0, 8);
  const length = Number(
    new DataView(head.buffer, head.byteOffset).getBigUint64(0, true),
  );
  const header = JSON.parse(new TextDecoder().decode(file.read(8, length)));
  return header.__metadata__ ?? {};
}
