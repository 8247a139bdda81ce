/**
 * Graphs to the files of a model's folder, and what `model.json` says of them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { encodeModel, type Graph, type Value } from "../shared/graph/mod.ts";
import type { ModelFile, NetworkJson } from "./import/model_json.ts";

/**
 * Write a graph to `DIR/NAME.onnx`, with a data file beside it if it is large.
 *
 * @param externalAboveBytes  constants of more bytes go to a file of their own
 */
export function writeGraph(
  folder: string,
  { name, graph, externalAboveBytes }: {
    name: string;
    graph: Graph;
    externalAboveBytes?: number;
  },
): NetworkJson {
  const file = `${name}.onnx`;
  const dataFile = `${file}.data`;
  const { model, data } = encodeModel(graph, {
    dataFile,
    ...externalAboveBytes === undefined ? {} : { externalAboveBytes },
  });
  const files = [writePieces(folder, file, model)];
  if (data) files.push(writePieces(folder, dataFile, data));
  return {
    name,
    files,
    inputs: graph.inputs.map(toPort),
    outputs: graph.outputs.map(toPort),
    nodes: graph.nodes.length,
  };
}

/**
 * Digest of all files of networks: one file's is the model's, several are
 * digested together.
 */
export function digestNetworks(networks: readonly NetworkJson[]): string {
  const digests = networks.flatMap(({ files }) =>
    files.map(({ sha256 }) => sha256)
  );
  if (digests.length === 1) return digests[0];
  return createHash("sha256").update(digests.join("\n")).digest("hex");
}

function toPort({ name, dtype, shape }: Value) {
  return { name, dtype, shape };
}

function writePieces(
  folder: string,
  name: string,
  pieces: Iterable<Uint8Array>,
): ModelFile {
  const hash = createHash("sha256");
  const file = openSync(join(folder, name), "w");
  let bytes = 0;
  try {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.length;
      for (let at = 0; at < piece.length;) {
        at += writeSync(file, piece, at, piece.length - at);
      }
    }
  } finally {
    closeSync(file);
  }
  return { name, bytes, sha256: hash.digest("hex") };
}
