/**
 * What the steps of an image in stores share.
 *
 * @module
 */
import type { Arena } from "./arena.ts";
import type { SlabImage, SlabOptions } from "./slab_plan.ts";
import type { Store } from "./store.ts";

/** Parameters of `computeMasksByBand`. */
export interface BandOptions extends SlabOptions {
  /** Drop labels that touch an edge of the image; false. */
  readonly excludeOnEdges?: boolean;
}

/** What the steps share. */
export interface BandJob {
  readonly arena: Arena;
  readonly image: SlabImage;
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  readonly options: BandOptions;
}
