/**
 * What a design of a small network must tell.
 *
 * @module
 */
import type { Graph } from "../../../shared/graph/mod.ts";

/** Channels of every design's input; those an image lacks are zeros. */
export const INPUT_CHANNELS = 3;

/** Edges of every design's input are multiples of this. */
export const EDGE_MULTIPLE = 16;

/**
 * Diameter that cells are scaled to, pixels. Small, since the same operations
 * see more of an image; Cellpose's model of nuclei takes 17.
 */
export const DESIGN_DIAMETER = 20;

/** How a design is built. */
export interface DesignOptions {
  /** Of the initial weights. */
  readonly seed: number;
}

/**
 * A fully convolutional network of our own.
 *
 *   x  n×3×h×w f32, normalized  →  y  n×K×h×w f32
 *
 * h and w are multiples of 16. An image's channels stand anywhere among the
 * three, the others are zeros: training shuffles them, so that their order
 * does not matter. The last three planes of y are dY and dX, 5 times unit
 * scale, and the logit of the cell probability.
 *
 * Parameters are the graph's f32 constants `….weight`, `….bias`, `….scale`,
 * `….shift`; `….mean` and `….variance` are the norms' running averages.
 */
export interface Design {
  readonly name: string;
  /** One line, for the table of the model's card. */
  readonly summary: string;
  /** Name of the convolution that reads the deepest map, for size estimates. */
  readonly readsDeepest: string;
  /** Pixels of the image along an edge of one of that map's. */
  readonly deepestStride: number;
  /** Meaning of the output planes, in order. */
  readonly outputs: readonly string[];
  build(options: DesignOptions): Graph;
}

/** Planes of designs that predict flows. */
export const FLOW_OUTPUTS = ["dY", "dX", "cellprob"] as const;
