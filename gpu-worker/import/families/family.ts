/**
 * What a family of networks must tell: how it is recognized and built.
 *
 * @module
 */
import type {
  Dtype,
  Graph,
  GraphBuilder,
  Value,
} from "../../../shared/graph/mod.ts";
import type { AttentionForm, Layers, Training } from "../parameter.ts";
import type { Weights } from "../weights.ts";

/** How a family is to be built. */
export interface BuildOptions {
  /** Element type of products with weights. */
  readonly compute: Dtype;
  readonly attention: AttentionForm;
  /** Linear layers' weights in 8 bits; convolutions stay as they are. */
  readonly isQuantized?: boolean;
}

/** How a training form is to be built. */
export interface TrainingOptions {
  /** Element type of products with weights, default f32. */
  readonly compute?: Dtype;
  /** True where images may skip blocks, by the input `kept`. */
  readonly hasLayerDrop?: boolean;
}

/**
 * A network as a graph of its checkpoint's own tensors, which are constants
 * under their names.
 */
export interface TrainingForm {
  /**
   * Inputs `x`, n×inputs×H×W f32, and where images may skip blocks `kept`,
   * n×blocks f32, 0 where one does. Outputs `y`, n×outputs×H×W f32, and the
   * boundaries.
   */
  readonly graph: Graph;
  /** What training changes, in the checkpoint's order. */
  readonly parameters: readonly string[];
  /** Outputs between blocks, where the graph is narrow. */
  readonly boundaries: readonly string[];
  /** Blocks that an image may skip. */
  readonly blocks: number;
}

/** A network, ready to be written. */
export interface Network {
  /** Graphs by name; one alone is called `model`. */
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly tile: Tile;
  /** Channels of input and output. */
  readonly channels: { readonly input: number; readonly output: number };
  /** Meaning of the last output channels, in order. */
  readonly outputs: readonly string[];
  /** Diameters in pixels; null where the family has none. */
  readonly diameter: Diameter | null;
  /** Operator that carries attention; null where there is none. */
  readonly attention: string | null;
}

/** Images the network takes. */
export interface Tile {
  /** Edges in pixels; of a free tile, the peer's default. */
  readonly height: number;
  readonly width: number;
  /** True where the weights allow no other. */
  readonly isFixed: boolean;
  /** Edges of a free tile are multiples of this. */
  readonly multiple: number;
}

/** Diameters in pixels. */
export interface Diameter {
  /** That images are scaled to. */
  readonly mean: number;
  /** Mean of the images it was last trained on. */
  readonly labels: number;
}

/** A family of networks. */
export interface Family {
  readonly name: string;
  /** What marks it, for a message. */
  readonly marks: readonly string[];
  /** True where keys and shapes are this family's. */
  recognizes(weights: Weights): boolean;
  /**
   * Build its graphs.
   *
   * @throws {ShapeError} if a weight is missing or of a wrong shape
   */
  build(weights: Weights, options: BuildOptions): Network;
  /**
   * Build its training form; families without one cannot be trained.
   *
   * @throws {ShapeError} if a weight is missing or of a wrong shape
   */
  train?(weights: Weights, options?: TrainingOptions): TrainingForm;
}

/** Start the layers of one graph. */
export function startLayers(
  g: Layers["g"],
  weights: Weights,
  options: BuildOptions,
): Layers {
  return { g, weights, ...options, training: null, shared: new Map() };
}

/** Layers of a training form. */
export type TrainedLayers = Layers & { readonly training: Training };

/**
 * Start the layers of a training form.
 *
 * @param blocks  that an image may skip
 */
export function startTraining(
  g: GraphBuilder,
  weights: Weights,
  { compute = "f32", hasLayerDrop = false, blocks }:
    & TrainingOptions
    & { blocks: number },
): TrainedLayers {
  const kept = hasLayerDrop ? g.input("kept", "f32", ["n", blocks]) : null;
  return {
    g,
    weights,
    compute,
    attention: "fused",
    training: { parameters: new Map(), boundaries: [], kept },
    shared: new Map(),
  };
}

/**
 * The training form that layers have gathered.
 *
 * @param isFrozen  true for weights that training leaves as they are
 */
export function finishTraining(
  { g, weights, training }: TrainedLayers,
  { y, blocks, isFrozen = () => false }: {
    y: Value;
    blocks: number;
    isFrozen?: (name: string) => boolean;
  },
): TrainingForm {
  g.output("y", y);
  training.boundaries.forEach((value, i) => g.output(`boundary_${i}`, value));
  return {
    graph: g.finish(),
    parameters: weights.names.filter((name) =>
      training.parameters.has(name) && !isFrozen(name)
    ),
    boundaries: training.boundaries.map((_, i) => `boundary_${i}`),
    blocks,
  };
}

/** Name of the operator that carries attention. */
export function nameAttention({ attention }: BuildOptions): string {
  return attention === "fused" ? "MultiHeadAttention" : "MatMul+Softmax";
}

/** Cellpose's diameters, which older files lack. */
export function readDiameter(weights: Weights): Diameter | null {
  if (!weights.has("diam_mean")) return null;
  const [mean] = weights.floats("diam_mean", [1]);
  const labels = weights.has("diam_labels")
    ? weights.floats("diam_labels", [1])[0]
    : mean;
  return { mean, labels };
}

/**
 * The training form of a network whose graph holds the checkpoint's tensors as
 * they are; recorded statistics are not among what is trained.
 *
 * @param momentum  share of a batch in the recorded statistics; 0.1:
 *                  PyTorch's default
 */
export function formOf(
  { graphs }: Network,
  weights: Weights,
  { momentum = 0.1 }: { momentum?: number } = {},
): TrainingForm {
  const { model } = graphs;
  const nodes = model.nodes.map((node) =>
    node.op === "BatchNormalization"
      ? {
        ...node,
        attributes: { ...node.attributes, momentum: { float: 1 - momentum } },
      }
      : node
  );
  const known = new Set(model.initializers.map(({ name }) => name));
  return {
    graph: { ...model, nodes },
    parameters: weights.names.filter((name) =>
      known.has(name) && !/\.running_(mean|var)$/.test(name)
    ),
    boundaries: [],
    blocks: 0,
  };
}

/** True for the weights that Cellpose 4 applies without a gradient. */
export function isPatchEmbedding(name: string): boolean {
  return name.startsWith("encoder.patch_embed.");
}
