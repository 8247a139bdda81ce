/**
 * What the steps of a large image hand on to one another.
 *
 * @module
 */
import type { Size } from "../shared/ndarray.ts";
import type { Facts, MasksOptions } from "./settings.ts";

/** Points on their way: numbers for the caller, positions, steps to go. */
export interface Travellers {
  /** n u32. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** n×2 or n×3 i32, fixed-point positions in the whole image. */
  readonly positions: Int32Array<ArrayBuffer>;
  /** n i32. */
  readonly steps: Int32Array<ArrayBuffer>;
  /** n i32: row (plane) of the whole image where each is. */
  readonly rows: Int32Array<ArrayBuffer>;
}

/** Follow the flows of the points that start in a slab, or that came to it. */
export interface TrackTask {
  readonly kind: "track";
  /** Window: the slab with its halo. */
  readonly size: Size;
  readonly flows: Float32Array<ArrayBuffer>;
  readonly cellprob: Float32Array<ArrayBuffer>;
  readonly whole: Size;
  /** First row (plane) of the window in the whole image. */
  readonly from: number;
  /** Rows (planes) of the window whose pixels start here. */
  readonly own: readonly [number, number];
  /** Instead of the own pixels: points from other slabs. */
  readonly travellers?: Travellers;
  readonly niter: number;
  readonly isPlain: boolean;
  readonly isEarly: boolean;
  readonly threshold: number;
}

/** Where the points of a slab ended. */
export interface Tracked {
  /**
   * P u32: pixel of the whole image in which each point ended, in raster order
   * (or the order of the travellers); meaningless for a point still away.
   */
  readonly sinks: Uint32Array<ArrayBuffer>;
  /** Points that left the window; their ids count this task's points. */
  readonly away: Travellers;
  /** Set when the halo is too narrow for the flows: nothing was tracked. */
  readonly neededHalo?: number;
}

/** Measure the flow errors of the labels that start in a slab. */
export interface CheckTask {
  readonly kind: "check";
  readonly size: Size;
  readonly flows: Float32Array<ArrayBuffer>;
  readonly masks: Uint32Array<ArrayBuffer>;
  /** K×8 i32 of the kernel `findBoxes`, within the window. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** K u32. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** The first so many labels are measured, the rest are their neighbors. */
  readonly owned: number;
  readonly diffusionSteps: number;
  /** How flows are checked: `checkKind`. */
  readonly parity: 0 | 1 | 2;
}

/** Runs tasks of slabs: at once, or in workers. */
export interface SlabRunner {
  track(task: TrackTask): Promise<Tracked> | Tracked;
  check(
    task: CheckTask,
  ): Promise<Float64Array<ArrayBuffer>> | Float64Array<ArrayBuffer>;
  /** Tasks that are held in memory at a time. */
  readonly concurrency: number;
}

/** Parameters of `computeMasksBySlab`: those of `computeMasks` that measure nothing. */
export interface SlabOptions
  extends Omit<MasksOptions, "confidence" | "settled"> {
  /** Rows (planes in 3-D) of a slab without its halo; default about 16 Mpx. */
  readonly slabRows?: number;
}

/** A whole image and how it is cut. */
export interface SlabImage {
  /** Rows (planes) of each component, one component after the other. */
  readonly cutFlows: (from: number, to: number) => Float32Array<ArrayBuffer>;
  readonly cutCellprob: (from: number, to: number) => Float32Array<ArrayBuffer>;
  readonly size: Size;
  /** Rows (planes) of the image, and pixels of one. */
  readonly rows: number;
  readonly rowPixels: number;
  readonly slabRows: number;
}

/** Where the sinks of each slab are kept. */
export interface SinkStore {
  /** Keep the sinks of a slab, P u32. */
  put(slab: number, sinks: Uint32Array<ArrayBuffer>): void;
  /** The sinks of a slab. */
  get(slab: number): Uint32Array<ArrayBuffer>;
  /** Replace the sink of one point. */
  set(slab: number, point: number, sink: number): void;
}

/** Masks before the flow check. */
export interface Painted {
  readonly cutMasks: (from: number, to: number) => Uint32Array<ArrayBuffer>;
  readonly count: number;
  /** K×8 i32 of the kernel `findBoxes`. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** Diffusion steps by the largest box (parity). */
  readonly diffusionSteps: number;
  /** A flow threshold is set. */
  readonly isChecked: boolean;
  readonly facts: Facts;
}
