/**
 * Loss and gradients of one batch, for one shape of batch.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import {
  appendGraph,
  buildGraph,
  floatOf,
  type Graph,
  type GraphBuilder,
  type Value,
} from "../../shared/graph/mod.ts";
import type { AdamWOptions } from "./adamw.ts";
import { differentiate } from "./differentiate.ts";
import { batchNormTraining } from "./gradients/batch_norm.ts";
import { cellposeLoss, type LossTargets } from "./loss.ts";
import { listWeights, type TrainableNetwork, type Weights } from "./network.ts";

/** Shape of a batch. */
export interface BatchShape {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** How a step is made. */
export interface StepOptions {
  readonly optimizer?: AdamWOptions;
  /** Batches whose gradients are averaged into one step; default 1. */
  readonly accumulate?: number;
  /**
   * Batch norms: by the batch (default), or by the recorded statistics, which
   * then stay; for batches too small to have statistics of their own.
   */
  readonly norms?: "batch" | "recorded";
  /** Default: Cellpose's. */
  readonly loss?: (
    g: GraphBuilder,
    prediction: Value,
    targets: LossTargets,
  ) => Value;
}

/** A batch within the graph. */
export interface BatchValues {
  readonly images: Value;
  readonly targets: LossTargets;
}

/** One loss and what it changes. */
export interface Differentiated {
  readonly loss: Value;
  /** By name of the weight; none for weights on which the loss depends not. */
  readonly gradients: ReadonlyMap<string, Value>;
  /** Recorded statistics with this batch in them, by name. */
  readonly statistics: ReadonlyMap<string, Value>;
}

/** The weights and statistics that a step changes. */
export function findTouched(
  network: TrainableNetwork,
  shape: BatchShape,
  options: StepOptions,
): Weights {
  const { trained, statistics } = listWeights(network);
  const g = buildGraph("probe");
  const values = new Map(
    [...trained, ...statistics].map(({ name, shape }) =>
      [name, g.input(name, "f32", shape)] as const
    ),
  );
  const found = differentiateBatch(g, network, {
    values,
    batch: inputBatch(g, shape, false),
    options,
  });
  return {
    trained: trained.filter(({ name }) => found.gradients.has(name)),
    statistics: statistics.filter(({ name }) => found.statistics.has(name)),
  };
}

function inputBatch(
  g: GraphBuilder,
  { count, channels, height, width }: BatchShape,
  hasPixelWeights: boolean,
): BatchValues {
  const plane = (name: string, depth: number) =>
    g.input(name, "f32", [count, depth, height, width]);
  return toBatch([
    plane("images", channels),
    plane("targets", 3),
    ...hasPixelWeights ? [plane("pixelWeights", 1)] : [],
  ]);
}

/** Images, targets and, if given, pixel weights. */
export function toBatch(
  [images, targets, pixelWeights]: readonly Value[],
): BatchValues {
  return { images, targets: { targets, pixelWeights } };
}

/** Prediction and loss of a batch. */
function forward(
  g: GraphBuilder,
  { graph, output = graph.outputs[0].name }: TrainableNetwork,
  { values, batch, options: { norms = "batch", loss = cellposeLoss } }: {
    values: ReadonlyMap<string, Value>;
    batch: BatchValues;
    options: StepOptions;
  },
): { loss: Value; statistics: Map<string, Value> } {
  const statistics = new Map<string, Value>();
  const outputs = appendGraph(g, graph, {
    values: new Map([...values, [graph.inputs[0].name, batch.images]]),
    rewrite(node, inputs) {
      if (node.op !== "BatchNormalization" || norms !== "batch") return;
      const [x, scale, shift, mean, variance] = inputs.filter((v) =>
        v !== null
      );
      const trained = batchNormTraining(g, x, {
        scale,
        shift,
        mean,
        variance,
        epsilon: floatOf(node, "epsilon", 1e-5),
      });
      statistics.set(node.inputs[3], trained.mean);
      statistics.set(node.inputs[4], trained.variance);
      return [trained.y];
    },
  });
  const prediction = outputs.get(output);
  if (prediction === undefined) {
    throw new ArgumentError("output", `${output} is none of the network`);
  }
  return { loss: loss(g, prediction, batch.targets), statistics };
}

/** Append the loss of a batch and the gradients of the weights in `values`. */
export function differentiateBatch(
  g: GraphBuilder,
  network: TrainableNetwork,
  given: {
    values: ReadonlyMap<string, Value>;
    batch: BatchValues;
    options: StepOptions;
  },
): Differentiated {
  const { loss, statistics } = forward(g, network, given);
  const trained = listWeights(network).trained
    .filter(({ name }) => given.values.has(name));
  const found = differentiate(
    g,
    loss,
    trained.map(({ name }) => given.values.get(name)!),
  );
  const gradients = new Map(
    trained.flatMap(({ name }, i): [string, Value][] => {
      const gradient = found[i];
      return gradient ? [[name, gradient]] : [];
    }),
  );
  return { loss, gradients, statistics };
}

/**
 * Build the graph of the loss alone, by the recorded statistics.
 *
 * Inputs: those of `states` that are the network's own, `images` N×C×H×W,
 * `targets`, `pixelWeights`. Output: `loss`.
 */
export function buildEvaluation(
  network: TrainableNetwork,
  shape: BatchShape,
  { states, hasPixelWeights, ...options }: StepOptions & {
    states: readonly string[];
    hasPixelWeights: boolean;
  },
): Graph {
  const g = buildGraph("evaluation");
  const { trained, statistics } = listWeights(network);
  const changed = [...trained, ...statistics]
    .filter(({ name }) => states.includes(name));
  const values = new Map(
    changed.map(({ name, shape }) =>
      [name, g.input(name, "f32", shape)] as const
    ),
  );
  const { loss } = forward(g, network, {
    values,
    batch: inputBatch(g, shape, hasPixelWeights),
    options: { ...options, norms: "recorded" },
  });
  g.output("loss", loss);
  return g.finish();
}
