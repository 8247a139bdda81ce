/**
 * Gradients of one batch, for people and tests to look at.
 *
 * @module
 */
import { buildGraph, encodeModel } from "../../shared/graph/mod.ts";
import { loadGraph } from "../run_graph.ts";
import {
  differentiateBatch,
  type StepOptions,
  toBatch,
} from "./differentiate_batch.ts";
import {
  countBlocks,
  type FloatTensor,
  KEPT,
  listWeights,
  type TrainableNetwork,
} from "./network.ts";
import { finishBlocks } from "./recompute.ts";
import { keptOf } from "./layer_drop.ts";
import type { TrainBatch } from "./trainer.ts";

/**
 * Loss and gradients of a batch.
 *
 * @returns  gradients by the weights' names; none for weights on which the
 *           loss does not depend
 */
export async function observeGradients(
  network: TrainableNetwork,
  batch: TrainBatch,
  options: StepOptions = {},
): Promise<{ loss: number; gradients: Map<string, FloatTensor> }> {
  const { count, channels, height, width } = batch;
  const g = buildGraph("gradients");
  const { trained } = listWeights(network);
  const blocks = countBlocks(network);
  const plane = (name: string, depth: number) =>
    g.input(name, "f32", [count, depth, height, width]);
  const found = differentiateBatch(g, network, {
    values: new Map(
      trained.map((weight) => [weight.name, g.constant(weight.name, weight)]),
    ),
    batch: toBatch(network, [
      plane("images", channels),
      plane("targets", 3),
      ...blocks > 0 ? [g.input(KEPT, "f32", [count, blocks])] : [],
    ]),
    options,
  });
  g.output("loss", found.loss);
  const names = [...found.gradients.keys()];
  names.forEach((name, i) =>
    g.output(`gradient ${i}`, found.gradients.get(name)!)
  );
  const pieces = [...encodeModel(finishBlocks(g)).model];
  const runner = await loadGraph(
    new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()),
  );
  try {
    const shape = (depth: number) => [count, depth, height, width];
    const results = await runner.run({
      images: { data: batch.images, shape: shape(channels) },
      targets: { data: batch.targets, shape: shape(3) },
      ...blocks > 0
        ? { [KEPT]: { data: keptOf(batch, blocks), shape: [count, blocks] } }
        : {},
    });
    return {
      loss: results.loss.data[0],
      gradients: new Map(
        names.map((name, i) => [name, results[`gradient ${i}`]]),
      ),
    };
  } finally {
    await runner.close();
  }
}
