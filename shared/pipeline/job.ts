/**
 * What a segmentation takes, and what its planes share.
 *
 * @module
 */
import type { Convention, Core, TilePlan } from "../../wasm/mod.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { NetworkOutput } from "./blend_outputs.ts";
import type { ChannelSource } from "./channels.ts";
import type { EncodeFacts } from "./encode_tiles.ts";
import type { Encoder } from "./encoder.ts";
import type { NamedArray } from "./planes.ts";
import type { Timings } from "./result.ts";
import type { Scale } from "./scale.ts";
import type { Warning } from "./warnings.ts";

/** A decoded image and what its file says of it. */
export interface SegmentInput extends NamedArray {
  /** The axes are a guess from the shape. */
  readonly axesInferred?: boolean;
  /** One a channel, where the file tells. */
  readonly channelNames?: readonly string[];
  /** µm a pixel, where the file tells. */
  readonly pixelSize?: number;
  /** What decoding warned of. */
  readonly fileWarnings?: readonly string[];
}

/** How far a segmentation is. */
export interface Progress {
  /** Tiles done, of all planes. */
  readonly done: number;
  readonly total: number;
}

/** What runs a segmentation. */
export interface SegmentDeps {
  readonly core: Core;
  /** One model, or several whose outputs are averaged. */
  readonly encoders: readonly Encoder[];
  /** Tiles at a time; default: measured. */
  readonly batchSize?: number;
  /** The image is enlarged so many times at most; default: as cells need. */
  readonly maxScale?: number;
  /**
   * Measure the confidence of each cell; default false: it takes a third of
   * what masks take. Bands and networks that tell classes have none.
   */
  readonly confidence?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called with the output of an image, not of a stack, before masks are
   * computed from it, which waits until it is through; not called where the
   * network gives no flows. The arrays are those of the result.
   */
  readonly onOutput?: ((output: NetworkOutput) => Promise<void>) | undefined;
}

/** What all planes of an image share. */
export interface PlaneJob extends SegmentDeps {
  readonly parameters: SegmentParameters & {
    readonly niter: number;
    readonly convention: Convention;
  };
  readonly plan: TilePlan;
  readonly scale: Scale;
  readonly scaleWarnings: readonly Warning[];
  readonly sources: readonly ChannelSource[];
  /** Diameters that the network knows, pixels at its own scale. */
  readonly range: readonly [number, number];
  readonly encodeFacts: EncodeFacts;
  /** When the work began, of `performance.now()`. */
  readonly start: number;
  readonly timings: Timings;
  tilesDone: number;
  readonly tilesTotal: number;
}
