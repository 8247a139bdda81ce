/**
 * SPINE of the importer: checkpoint → tensors → family → graphs → files.
 *
 *   CHECKPOINT  →  DIR/model.json, DIR/model.onnx (and its .data if large)
 *
 * The same checkpoint and options give the same bytes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ArgumentError } from "../../shared/errors.ts";
import type { Dtype, Graph } from "../../shared/graph/mod.ts";
import { digestNetworks, writeGraph } from "../write_graph.ts";
import { openFile } from "./byte_source.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { BuildOptions, Network } from "./families/family.ts";
import type { ModelJson } from "./model_json.ts";
import { listFixed } from "./list_fixed.ts";
import { recognize } from "./recognize.ts";
import { buildSizeGraph, readSizeModel } from "./size_model.ts";
import { tellPrecision } from "./tell_precision.ts";
import { openWeights } from "./weights.ts";

/** Precisions of an import and the element type of products with weights. */
export const PRECISIONS = {
  fp32: "f32",
  fp16: "f16",
  bf16: "bf16",
  /** Weights of linear layers; the rest is f32. */
  int8: "f32",
} as const satisfies Record<string, Dtype>;

/** Name of a precision. */
export type Precision = keyof typeof PRECISIONS;

/** What an import may be told. */
export interface ImportOptions {
  /** Default fp32. */
  readonly precision?: Precision;
  /** Form of attention; default fused, the faster one. */
  readonly attention?: BuildOptions["attention"];
  /** Licence of the weights, kept with the model. */
  readonly licence?: string;
  /** Path of a Cellpose size model, for the family that has them. */
  readonly sizeModel?: string;
  /** Version of this program, for the provenance. */
  readonly version?: string;
  /** Constants of more bytes go to a file of their own. */
  readonly externalAboveBytes?: number;
}

/** Read at a time for a digest. */
const CHUNK_BYTES = 2 ** 24;

/**
 * Import a checkpoint.
 *
 * @param path    the checkpoint
 * @param folder  made if it is missing
 * @returns       what `model.json` holds
 * @throws {UnsupportedFormatError} for a file or family that is not known
 * @throws {CorruptImageError} for a broken file
 * @throws {ShapeError} if a weight is missing or does not fit
 */
export function importModel(
  path: string,
  folder: string,
  options: ImportOptions = {},
): ModelJson {
  const { precision = "fp32", attention = "fused" } = options;
  const checkpoint = openCheckpoint(path);
  try {
    const weights = openWeights(checkpoint.tensors);
    const family = recognize(weights);
    const network = family.build(weights, {
      compute: PRECISIONS[precision],
      attention,
      isQuantized: precision === "int8",
    });
    if (precision === "int8" && network.attention === null) {
      throw new ArgumentError(
        "precision",
        `int8 is for networks of linear layers; ${family.name} has convolutions, which stay fp32`,
      );
    }
    const graphs = options.sizeModel === undefined
      ? network.graphs
      : { ...network.graphs, size: addSize(network, options.sizeModel) };
    mkdirSync(folder, { recursive: true });
    const told = tellPrecision(
      Object.values(graphs),
      precision,
      PRECISIONS[precision],
    );
    const networks = Object.entries(graphs).map(([name, graph], i) => {
      const written = writeGraph(folder, { ...options, name, graph });
      // only the first network is tuned, and only in fp32
      const fixed = i === 0 && told.precision === "fp32"
        ? listFixed(graph, weights, family)
        : undefined;
      return fixed ? { ...written, fixed } : written;
    });
    const json = describe({
      family: family.name,
      network,
      networks,
      ...told,
      provenance: {
        file: basename(path),
        format: checkpoint.format,
        bytes: checkpoint.bytes,
        sha256: digestFile(path),
        tensors: weights.names.length,
        unused: weights.unused(),
        program: "cytoedge",
        version: options.version ?? "",
      },
      licence: options.licence ?? null,
    });
    writeFileSync(
      join(folder, "model.json"),
      JSON.stringify(json, null, 2) + "\n",
    );
    return json;
  } finally {
    checkpoint.close();
  }
}

/** The graph of a size model, if the network has styles. */
function addSize(network: Network, path: string): Graph {
  const style = Object.values(network.graphs)
    .flatMap(({ outputs }) => outputs)
    .find(({ name }) => name === "style");
  if (style === undefined) {
    throw new ArgumentError("sizeModel", "this family has no styles to take");
  }
  return buildSizeGraph(readSizeModel(path), Number(style.shape[1]));
}

function describe(
  { family, network, networks, provenance, licence, ...told }:
    & Pick<ModelJson, "family" | "networks" | "provenance" | "licence">
    & Pick<ModelJson, "precision" | "inFp32">
    & { network: Network },
): ModelJson {
  return {
    format: 1,
    family,
    networks,
    tile: network.tile,
    channels: network.channels,
    outputs: network.outputs,
    diameter: network.diameter,
    ...told,
    attention: network.attention,
    nodes: networks.reduce((sum, { nodes }) => sum + nodes, 0),
    sha256: digestNetworks(networks),
    licence,
    provenance,
  };
}

function digestFile(path: string): string {
  const hash = createHash("sha256");
  const file = openFile(path);
  try {
    for (let at = 0; at < file.size; at += CHUNK_BYTES) {
      hash.update(file.read(at, Math.min(CHUNK_BYTES, file.size - at)));
    }
  } finally {
    file.close();
  }
  return hash.digest("hex");
}
