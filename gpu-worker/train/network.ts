/**
 * What can be trained: a graph whose constants are its weights.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import {
  countElements,
  type Graph,
  type Initializer,
  toFloat32,
} from "../../shared/graph/mod.ts";

/** A network and which of its constants are trained. */
export interface TrainableNetwork {
  /**
   * One input N×C×H×W f32; weights are f32 constants. Another input `kept`,
   * N×blocks f32, is for layer drop: 0 where an image skips a block.
   */
  readonly graph: Graph;
  /** Name of the output that is compared with targets; default the first. */
  readonly output?: string;
  /**
   * Default: all f32 constants of one axis or more but recorded statistics
   * and what the builder adds by itself (numbers, scales of resizing).
   */
  readonly isTrained?: (name: string) => boolean;
  /** Outputs that lie between blocks, in order; default none. */
  readonly boundaries?: readonly string[];
}

/** Input of layer drop. */
export const KEPT = "kept";

/** Blocks that an image may skip; 0 where the network has no layer drop. */
export function countBlocks({ graph }: TrainableNetwork): number {
  const kept = graph.inputs.find(({ name }) => name === KEPT);
  return Number(kept?.shape[1] ?? 0);
}

/** f32 values in C order and their shape. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Constants by their part in training; in the order of the graph. */
export interface Weights {
  readonly trained: readonly Initializer[];
  /** Recorded means and variances of batch norms. */
  readonly statistics: readonly Initializer[];
}

/** Names that no checkpoint has: what the builder adds by itself. */
const ADDED = /^(float\[|scales|[^.]*\.scales$)/;

/** Whether a constant is a checkpoint's or a design's, by its name. */
export const isOwn = (name: string) => !ADDED.test(name);

/** Sort a network's constants. */
export function listWeights(
  { graph, isTrained = isOwn }: TrainableNetwork,
): Weights {
  const statistics = new Set(
    graph.nodes.filter(({ op }) => op === "BatchNormalization")
      .flatMap(({ inputs }) => inputs.slice(3, 5)),
  );
  const floats = graph.initializers.filter(({ dtype }) => dtype === "f32");
  const trained = floats.filter(({ name, shape }) =>
    !statistics.has(name) && shape.length > 0 && isTrained(name)
  );
  if (trained.length === 0) {
    throw new ArgumentError(
      "network",
      "has no f32 weights; import the model in fp32 to train it",
    );
  }
  return {
    trained,
    statistics: floats.filter(({ name }) => statistics.has(name)),
  };
}

/** The values of a constant, as a copy. */
export function readTensor(initializer: Initializer): FloatTensor {
  const { shape, dtype } = initializer;
  return { shape, data: toFloat32(initializer.read(), dtype).slice() };
}

/**
 * A graph with other values of some of its constants.
 *
 * @param weights  by name; each of its constant's shape
 * @throws {ArgumentError} for a name that the graph does not have as an f32
 *                         constant, or values that do not fit
 */
export function withWeights(
  graph: Graph,
  weights: ReadonlyMap<string, FloatTensor>,
): Graph {
  const names = new Set(graph.initializers.map(({ name }) => name));
  for (const name of weights.keys()) {
    if (!names.has(name)) throw new ArgumentError("weights", `no ${name}`);
  }
  return {
    ...graph,
    initializers: graph.initializers.map((initializer) => {
      const tensor = weights.get(initializer.name);
      if (tensor === undefined) return initializer;
      const { name, dtype, shape } = initializer;
      const { data } = tensor;
      if (dtype !== "f32" || data.length !== countElements(shape)) {
        throw new ArgumentError(
          "weights",
          `${name} is ${dtype} ${shape}, ${data.length} numbers are given`,
        );
      }
      return {
        ...initializer,
        read: () =>
          new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      };
    }),
  };
}
