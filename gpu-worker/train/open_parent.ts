/**
 * A model folder as a network to tune: the graph as it is, its family, licence
 * and digest carried on.
 *
 * @module
 */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ModelError } from "../../shared/errors.ts";
import { decodeModel } from "../../shared/graph/decode.ts";
import { findFixed } from "./find_fixed.ts";
import type { NetworkJson } from "../import/model_json.ts";
import { openModelFolder } from "../model_folder.ts";
import { digestNetworks, writeGraph } from "../write_graph.ts";
import { isOwn, withWeights } from "./network.ts";
import { pickWeights } from "./pick_weights.ts";
import { settleFor, type WantedPrecision } from "./settle_precision.ts";
import type { Trainable } from "./trainable.ts";
import { DEVICE_CHUNK } from "./train_loop.ts";
import { openTrainer, type TrainerOptions } from "./trainer.ts";

/**
 * Open a model for tuning.
 *
 * @param wanted  precision of its training
 * @throws {ModelError} if it is broken, of a family without flows, or not fp32
 * @throws {ArgumentError} if the precision is not to be had
 */
export async function openParent(
  folder: string,
  options: TrainerOptions,
  wanted: WantedPrecision = "fp32",
): Promise<Trainable> {
  const { model, json, digest, graph: path } = await openModelFolder(folder);
  if (model.outputs !== 3) {
    throw new ModelError(
      model.name,
      `gives ${model.outputs} planes; models of dY, dX and cellprob are tuned`,
    );
  }
  if (model.precision !== "fp32") {
    throw new ModelError(
      model.name,
      `is ${model.precision}; import it again with --precision fp32 to tune it`,
    );
  }
  const graph = decodeModel(
    new Uint8Array(readFileSync(path)),
    (place) => readPart(join(dirname(path), place.location), place),
  );
  const { isFixed } = json.tile;
  const fixed = new Set(json.networks[0].fixed ?? findFixed(graph));
  const network = {
    graph,
    output: graph.outputs[0].name,
    isTrained: (name: string) => isOwn(name) && !fixed.has(name),
  };
  const settled = await settleFor(network, wanted, {
    ...options,
    channels: model.channels,
    multiple: isFixed ? model.tileSize : model.tileMultiple ?? 1,
  });
  return {
    name: model.name,
    // what is trained is part of it: checkpoints go on to the same bits
    identity: `${digest} decay ${options.optimizer?.weightDecay}${
      fixed.size > 0 ? ` fixed ${fixed.size}` : ""
    }${settled.mark}`,
    ...settled.told,
    diameter: model.diameter,
    channels: model.channels,
    multiple: model.tileMultiple ?? 1,
    ...(isFixed ? { fixedCrop: model.tileSize } : {}),
    ...(options.provider === "cpu" ? {} : { chunk: DEVICE_CHUNK }),
    openTrainer: (state) =>
      openTrainer(network, {
        ...options,
        ...settled.options,
        ...(state === undefined ? {} : { state }),
      }),
    writeModel(target, tensors, { diameter, licence, training }) {
      mkdirSync(target, { recursive: true });
      const [main, ...others] = json.networks;
      for (const { name } of others.flatMap(({ files }) => files)) {
        copyFileSync(join(folder, name), join(target, name));
      }
      const networks = [
        {
          ...writeGraph(target, {
            name: main.name,
            graph: withWeights(graph, pickWeights(graph, tensors)),
          }),
          ...(fixed.size > 0 ? { fixed: [...fixed] } : {}),
        },
        ...others as unknown as NetworkJson[],
      ];
      const written = {
        ...json,
        networks,
        diameter: json.diameter && { ...json.diameter, labels: diameter },
        sha256: digestNetworks(networks),
        licence: licence ?? json.licence,
        training: {
          ...training,
          parent: {
            name: model.name,
            family: model.family,
            sha256: digest,
            licence: json.licence,
          },
        },
      };
      writeFileSync(
        join(target, "model.json"),
        `${JSON.stringify(written, null, 2)}\n`,
      );
    },
  };
}

/** Read a part of a data file. */
function readPart(
  path: string,
  { offset, length }: { offset: number; length: number },
): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  try {
    for (let at = 0; at < length;) {
      const count = readSync(file, bytes, at, length - at, offset + at);
      if (count === 0) throw new Error(`${path} ends too early`);
      at += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
