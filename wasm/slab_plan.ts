/**
 * What the steps of a large image hand on to one another.
 *
 * @module
 */
import type { Size } from "../shared/ndarray.ts";
import type { Facts, MasksOptions } from "./settings.ts";
import type { CheckTask, Tracked, TrackTask } from "./slab_tasks.ts";

/** Runs tasks of slabs: at once, or in workers. */
export interface SlabRunner {
  track(task: TrackTask): Promise<Tracked> | Tracked;
  check(
    task: CheckTask,
  ): Promise<Float64Array<ArrayBuffer>> | Float64Array<ArrayBuffer>;
  /** Tasks that are held in memory at a time. */
  readonly concurrency: number;
}

/** Parameters of `computeMasksBySlab`: those of `computeMasks`, less the confidence. */
export interface SlabOptions extends Omit<MasksOptions, "confidence"> {
  /** Rows (planes in 3-D) of a slab without its halo; default about 16 Mpx. */
  readonly slabRows?: number;
}

/** A whole image and how it is cut. */
export interface SlabImage {
  readonly flows: Float32Array;
  readonly cellprob: Float32Array;
  readonly size: Size;
  /** Rows (planes) of the image, and pixels of one. */
  readonly rows: number;
  readonly rowPixels: number;
  readonly slabRows: number;
}

/** Masks before the flow check. */
export interface Painted {
  readonly masks: Uint32Array<ArrayBuffer>;
  readonly count: number;
  /** K×8 i32 of the kernel `findBoxes`. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** Diffusion steps by the largest box (parity). */
  readonly diffusionSteps: number;
  /** A flow threshold is set. */
  readonly isChecked: boolean;
  readonly facts: Facts;
}
