/**
 * A trained network of our own to a folder that `segment --model` takes.
 *
 *   graphs with their weights  →  DIR/model.json, DIR/model.onnx, …
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Graph } from "../../shared/graph/mod.ts";
import type { LookTableJson } from "../../shared/pipeline/look_table.ts";
import type { ModelJson } from "../../shared/schema/model.ts";
import { digestNetworks, writeGraph } from "../write_graph.ts";
import { foldNorms } from "./fold_norms.ts";
import { addSizeOutput, type SizeHead } from "./size_output.ts";
import { type Design, EDGE_MULTIPLE, INPUT_CHANNELS } from "./networks/mod.ts";

/**
 * Edge of a tile, pixels: an image of 1024² with its padding of 8 pixels a
 * side is one tile.
 */
export const TILE_EDGE = 1040;

/** What is told of a trained network. */
export interface TrainedModel {
  readonly design: Design;
  /** The design's graph with its weights; norms are folded here. */
  readonly graph: Graph;
  /** Makes the network tell diameters, where it was fitted. */
  readonly sizeHead?: SizeHead | undefined;
  readonly diameter: {
    /** That images are scaled to, pixels. */
    readonly mean: number;
    /** Mean of the images it was trained on, pixels. */
    readonly labels: number;
    /** Smallest and largest at the network's scale that it was trained on. */
    readonly range?: readonly [number, number];
    /** What looks at images tell; of networks that tell diameters. */
    readonly looks?: LookTableJson;
  };
  /** Of the weights. */
  readonly licence: string | null;
  /** How it was trained: data, seed, steps; kept as it is. */
  readonly training: Readonly<Record<string, unknown>>;
}

/**
 * Write a trained model; the same model gives the same bytes.
 *
 * @param folder  made if it is missing
 * @returns       what `model.json` holds
 */
export function writeTrainedModel(
  folder: string,
  { design, graph, sizeHead, diameter, licence, training }: TrainedModel,
): ModelJson {
  mkdirSync(folder, { recursive: true });
  const folded = foldNorms(graph);
  const networks = [
    writeGraph(folder, {
      name: "model",
      graph: sizeHead ? addSizeOutput(folded, design, sizeHead) : folded,
    }),
  ];
  const json = {
    format: 1,
    family: design.outputs.length >= 3 ? "cytoedge" : "unet",
    networks,
    tile: {
      height: TILE_EDGE,
      width: TILE_EDGE,
      isFixed: false,
      multiple: EDGE_MULTIPLE,
    },
    channels: { input: INPUT_CHANNELS, output: design.outputs.length },
    outputs: [...design.outputs],
    diameter,
    precision: "fp32",
    attention: null,
    nodes: networks.reduce((sum, { nodes }) => sum + nodes, 0),
    sha256: digestNetworks(networks),
    licence,
    design: design.name,
    training,
  };
  writeFileSync(
    join(folder, "model.json"),
    JSON.stringify(json, null, 2) + "\n",
  );
  return json as unknown as ModelJson;
}
