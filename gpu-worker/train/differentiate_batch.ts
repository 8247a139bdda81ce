/**
 * Loss and gradients of one batch, for one shape of batch.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import {
  appendGraph,
  buildGraph,
  cast,
  floatOf,
  type Graph,
  type GraphBuilder,
  multiply,
  type Value,
} from "../../shared/graph/mod.ts";
import type { AdamWOptions } from "./adamw.ts";
import { addTyped, type Compute } from "./compute.ts";
import { differentiate } from "./differentiate.ts";
import { batchNormTraining } from "./gradients/batch_norm.ts";
import { isKept, keptAttention } from "./gradients/kept_attention.ts";
import { cellposeLoss, type LossTargets } from "./loss.ts";
import {
  countBlocks,
  KEPT,
  listWeights,
  type TrainableNetwork,
  type Weights,
} from "./network.ts";
import { markBlocks } from "./recompute.ts";

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
  /**
   * Blocks are computed again in the backward pass, which takes a third more
   * time and keeps only what lies between them; default false.
   */
  readonly recompute?: boolean;
  /** Element type of products, default f32; weights stay f32. */
  readonly compute?: Compute;
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
  /** N×blocks f32; default: no block is skipped. */
  readonly kept?: Value | undefined;
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
  const images = plane("images", channels);
  const targets = plane("targets", 3);
  const pixelWeights = hasPixelWeights ? plane("pixelWeights", 1) : undefined;
  return { images, targets: { targets, pixelWeights } };
}

/** Images, targets, `kept` of layer drop if any, and pixel weights if given. */
export function toBatch(
  network: TrainableNetwork,
  [images, targets, ...rest]: readonly Value[],
): BatchValues {
  const hasLayerDrop = countBlocks(network) > 0;
  return {
    images,
    kept: hasLayerDrop ? rest[0] : undefined,
    targets: { targets, pixelWeights: rest[hasLayerDrop ? 1 : 0] },
  };
}

/** Prediction and loss of a batch. */
function forward(
  g: GraphBuilder,
  network: TrainableNetwork,
  { values, batch, options }: {
    values: ReadonlyMap<string, Value>;
    batch: BatchValues;
    options: StepOptions;
  },
): {
  loss: Value;
  statistics: Map<string, Value>;
  boundaries: readonly Value[];
} {
  const { norms = "batch", loss = cellposeLoss, compute = "f32" } = options;
  const { graph, output = graph.outputs[0].name } = network;
  const images = graph.inputs.find(({ name }) => name !== KEPT)?.name ?? "x";
  const statistics = new Map<string, Value>();
  const kept = batch.kept ?? keepAll(g, network, batch.images);
  const outputs = appendGraph(g, graph, {
    values: new Map([
      ...values,
      [images, batch.images],
      ...kept ? [[KEPT, kept] as const] : [],
    ]),
    rewrite(node, inputs, keep) {
      const isTrainedNorm = node.op === "BatchNormalization" &&
        norms === "batch";
      const make = (given: readonly (Value | null)[]) => {
        if (isKept(node, given)) return [keptAttention(g, node, given)];
        if (!isTrainedNorm) return keep(given);
        const [x, scale, shift, mean, variance] = given.filter((v) =>
          v !== null
        );
        const trained = batchNormTraining(g, x, {
          scale,
          shift,
          mean,
          variance,
          epsilon: floatOf(node, "epsilon", 1e-5),
          // ONNX tells the share of what is recorded already
          momentum: 1 - floatOf(node, "momentum", 0.9),
        });
        statistics.set(node.inputs[3], trained.mean);
        statistics.set(node.inputs[4], trained.variance);
        return [trained.y];
      };
      return addTyped(g, { node, inputs, compute, make });
    },
  });
  const made = outputs.get(output);
  if (made === undefined) {
    throw new ArgumentError("output", `${output} is none of the network`);
  }
  const prediction = cast(g, made, "f32");
  const boundaries = (network.boundaries ?? []).map((name) => {
    const { name: copy } = outputs.get(name)!;
    // an output is a copy of the value that the next block takes
    const made = g.added.find((node) => node.outputs[0] === copy);
    return g.find(made?.inputs[0] ?? copy)!;
  });
  return { loss: loss(g, prediction, batch.targets), statistics, boundaries };
}

/** Ones for layer drop; null where the network has none. */
function keepAll(
  g: GraphBuilder,
  network: TrainableNetwork,
  { shape: [count] }: Value,
): Value | null {
  const shape = [Number(count), countBlocks(network)];
  if (shape[1] === 0) return null;
  const ones = new Float32Array(shape[0] * shape[1]).fill(1);
  return g.constant("kept_all", {
    dtype: "f32",
    shape,
    read: () => new Uint8Array(ones.buffer),
  });
}

/**
 * Append the loss of a batch and the gradients of the weights in `values`.
 *
 * @param given  with `lossScale`, one element: what the gradients come out
 *               multiplied by
 */
export function differentiateBatch(
  g: GraphBuilder,
  network: TrainableNetwork,
  given: {
    values: ReadonlyMap<string, Value>;
    batch: BatchValues;
    options: StepOptions;
    lossScale?: Value | undefined;
  },
): Differentiated {
  const { loss, statistics, boundaries } = forward(g, network, given);
  if (given.options.recompute) {
    markBlocks(g, { boundaries, forward: g.added.length, find: g.find });
  }
  const trained = listWeights(network).trained
    .filter(({ name }) => given.values.has(name));
  const { lossScale } = given;
  const found = differentiate(
    g,
    lossScale ? multiply(g, loss, lossScale) : loss,
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
