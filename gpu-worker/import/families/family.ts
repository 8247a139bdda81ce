/**
 * What a family of networks must tell: how it is recognized and built.
 *
 * @module
 */
import type { Dtype, Graph } from "../../../shared/graph/mod.ts";
import type { AttentionForm, Layers } from "../layers.ts";
import type { Weights } from "../weights.ts";

/** How a family is to be built. */
export interface BuildOptions {
  /** Element type of products with weights. */
  readonly compute: Dtype;
  readonly attention: AttentionForm;
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
}

/** Start the layers of one graph. */
export function startLayers(
  g: Layers["g"],
  weights: Weights,
  options: BuildOptions,
): Layers {
  return { g, weights, ...options, shared: new Map() };
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
