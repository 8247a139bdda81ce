/**
 * Parameters of the way from flows to masks, and how they reach the module.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { Arena } from "./arena.ts";
import { checkInteger } from "./check.ts";

/** How positions are sampled: see `followFlows`. */
export type Convention = "cellpose" | "plain" | "nearest";

/** How points follow flows. */
export interface FollowOptions {
  /** Euler steps; default 200, Cellpose's for a diameter of 30 pixels. */
  readonly niter?: number;
  /**
   * "plain" (default) samples the flows at a point's position; "cellpose"
   * (default with `parity`) samples position p of an axis of L pixels at
   * p·L/(L−1) − ½, as Cellpose does. Plain loses fewer small and covered
   * cells: `docs/report/` compares them. "nearest" takes the flow of the pixel
   * a point is in, as Cellpose 3's size model does (`computeMasks` of images).
   */
  readonly convention?: Convention;
  /**
   * Finish a path that repeats with period two at once (default). The points
   * are the same with and without it.
   */
  readonly earlyStop?: boolean;
}

/** Where points end. */
export interface Points {
  /** P×2 (y, x) or P×3 (z, y, x) f32, pixels, within the image. */
  readonly points: Float32Array<ArrayBuffer>;
  /** P u32: index of the pixel where each started, ascending. */
  readonly indices: Uint32Array<ArrayBuffer>;
}

/** Parameters of `computeMasks`; the defaults are Cellpose's. */
export interface MasksOptions extends FollowOptions {
  /** Foreground is where the logit is above this; 0 is a probability of ½. */
  readonly cellprobThreshold?: number;
  /** Labels with a larger flow error go; default 0.4 in 2-D; 0 = no check, the default in 3-D. */
  readonly flowThreshold?: number;
  /** Smaller labels go, in whole pixels; default 15; ≤ 0 keeps all. */
  readonly minSize?: number;
  /** Larger labels go, as a fraction of the image; default 0.4; 1 keeps all. */
  readonly maxSizeFraction?: number;
  /** Fill the holes of labels; default true. */
  readonly fillHoles?: boolean;
  /** Measure how far each mask can be trusted; default false. */
  readonly confidence?: boolean;
  /** Tell the share of each mask's paths that came to rest; default false. */
  readonly settled?: boolean;
  /**
   * Exactly as Cellpose 4.2.1.1, its flow check across touching cells and its
   * rules for nested cells included. Default false.
   */
  readonly parity?: boolean;
  /**
   * How `parity` checks flows: "image" (default), all cells at once, as
   * Cellpose 4, or "cell", each alone, as Cellpose 3 on a processor.
   */
  readonly flowCheck?: "image" | "cell";
}

/** How far each mask can be trusted; entry k is of label k + 1, all f32. */
export interface Confidence {
  /** Mean squared difference of flows, 0..4; 0 is perfect, 1 is no flow. */
  readonly flowErrors: Float32Array<ArrayBuffer>;
  /** Mean probability of the mask's pixels, 0..1. */
  readonly probabilities: Float32Array<ArrayBuffer>;
  /** Share of the mask's paths that came to rest or repeat within niter. */
  readonly settled: Float32Array<ArrayBuffer>;
  /** Probability · max(0, 1 − flow error) · settled, 0..1. */
  readonly confidence: Float32Array<ArrayBuffer>;
}

/** Which paths came to rest; entry k is of label k + 1. */
export interface Settled {
  /** Share of the mask's paths, 0..1: that of `Confidence`. */
  readonly shares: Float32Array<ArrayBuffer>;
  /** Pixels of the mask. */
  readonly pixels: Uint32Array<ArrayBuffer>;
}

/** Masks and what became of the labels on the way. */
export interface Masks {
  /** H×W or D×H×W u32, 0 background, 1..count in raster order. */
  readonly masks: Uint32Array<ArrayBuffer>;
  readonly count: number;
  /** Pixels above the cell-probability threshold. */
  readonly foreground: number;
  /** Sinks with enough points to start a label. */
  readonly seeds: number;
  /** Labels dropped, by cause. */
  readonly dropped: {
    readonly tooLarge: number;
    readonly badFlow: number;
    readonly tooSmall: number;
  };
  /** Present where `confidence` was asked for. */
  readonly confidence?: Confidence;
  /** Present where `settled` was asked for. */
  readonly settled?: Settled;
  /** Why there are no masks; absent when there are some. */
  readonly emptyReason?: string;
}

/** Bits of the kernel's flags. */
const PARITY = 1;
const NO_EARLY_STOP = 2;
const CELLPOSE_COORDINATES = 4;
const KEEP_HOLES = 8;
const WITH_SETTLED = 16;
const NEAREST = 32;
const LONE_CHECK = 64;

/** What the module reports beside the masks. */
export type Facts = Pick<Masks, "foreground" | "seeds" | "dropped">;

/**
 * Write the settings of `computeMasks` into the arena's scope.
 *
 * @returns their address
 * @throws {ArgumentError} if a parameter is out of range
 */
export function putSettings(
  arena: Arena,
  options: MasksOptions,
  d: number,
  settled = 0,
): number {
  if (options.convention === "nearest" && (d > 1 || settled > 0)) {
    throw new ArgumentError(
      "convention",
      `is "nearest", which is for images, without confidence or settled`,
    );
  }
  const settings = arena.reserve(48);
  const view = new DataView(arena.kernels.memory.buffer, settings, 48);
  const flowThreshold = options.flowThreshold ?? (d === 1 ? 0.4 : 0);
  view.setInt32(0, checkNiter(options.niter ?? 200), true);
  view.setFloat32(
    4,
    checkNumber("cellprobThreshold", options.cellprobThreshold ?? 0),
    true,
  );
  view.setFloat32(8, checkNumber("flowThreshold", flowThreshold), true);
  const { minSize = 15, maxSizeFraction = 0.4 } = options;
  checkInteger("minSize", minSize);
  view.setInt32(12, minSize, true);
  if (!(maxSizeFraction >= 0)) {
    throw new ArgumentError(
      "maxSizeFraction",
      `must be a fraction of the image, at least 0, is ${maxSizeFraction}`,
    );
  }
  view.setFloat32(16, maxSizeFraction, true);
  view.setInt32(
    20,
    (options.parity ? PARITY : 0) |
      (checkKind(options) === 2 ? LONE_CHECK : 0) |
      (options.earlyStop === false ? NO_EARLY_STOP : 0) |
      (options.convention === "nearest"
        ? NEAREST
        : isPlain(options)
        ? 0
        : CELLPOSE_COORDINATES) |
      (options.fillHoles === false ? KEEP_HOLES : 0) |
      (settled ? WITH_SETTLED : 0),
    true,
  );
  view.setUint32(44, settled, true);
  return settings;
}

/** How the kernels check flows: 0 our way, 1 and 2 Cellpose 4's and 3's. */
export function checkKind(
  { parity, flowCheck }: Pick<MasksOptions, "parity" | "flowCheck">,
): 0 | 1 | 2 {
  if (!parity) return 0;
  return flowCheck === "cell" ? 2 : 1;
}

/** True where flows are sampled at a point's own position. */
export function isPlain(options: Pick<MasksOptions, "convention" | "parity">) {
  const preferred = options.parity ? "cellpose" : "plain";
  const { convention = preferred } = options;
  if (convention !== "cellpose" && convention !== "plain") {
    throw new ArgumentError(
      "convention",
      `must be "cellpose" or "plain", is ${JSON.stringify(convention)}`,
    );
  }
  return convention === "plain";
}

/** Convention as the kernels number it (`assembly/fixed.ts`). */
export function conventionOf(isPlain: boolean, depth: number): number {
  if (isPlain) return 1;
  // a volume's paths have PyTorch's own bits
  return depth === 1 ? 0 : 2;
}

/** Read what the module wrote beside the settings. */
export function readFacts(arena: Arena, settings: number): Facts {
  const [foreground, seeds, tooLarge, badFlow, tooSmall] = arena.viewI32(
    settings + 24,
    5,
  );
  return { foreground, seeds, dropped: { tooLarge, badFlow, tooSmall } };
}

/** Say why there are no masks, and what a user would change. */
export function explainEmpty(facts: Facts, options: MasksOptions): string {
  const { foreground, seeds, dropped } = facts;
  if (foreground === 0) {
    return `No pixel has a cell probability above ${
      options.cellprobThreshold ?? 0
    }; lower cellprobThreshold if there are cells`;
  }
  if (seeds === 0) {
    return `The flows of ${foreground} foreground pixels gather more than 10 of them nowhere; raise niter or check the diameter`;
  }
  return `All labels were dropped: ${dropped.tooLarge} larger than maxSizeFraction, ${dropped.badFlow} above flowThreshold, ${dropped.tooSmall} smaller than minSize`;
}

/** @throws {ArgumentError} if niter is no number of steps */
export function checkNiter(niter: number): number {
  if (!Number.isInteger(niter) || niter < 0 || niter > 2 ** 30) {
    throw new ArgumentError(
      "niter",
      `must be an integer from 0 to 2^30, is ${niter}`,
    );
  }
  return niter;
}

function checkNumber(argument: string, value: number): number {
  if (!Number.isFinite(value)) {
    throw new ArgumentError(argument, `must be a finite number, is ${value}`);
  }
  return value;
}
