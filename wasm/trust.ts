/**
 * How far masks can be trusted, from arrays in the arena: what `computeMasks`
 * and a tuner tell beside them, where they are asked.
 *
 * @module
 */
import { countPixels, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { edges } from "./flows.ts";
import type { Confidence, Masks, MasksOptions, Settled } from "./settings.ts";

/** What was found; numbers are addresses but `count`. */
export interface Tracks {
  /** H×W u32 */
  readonly masks: number;
  /** 2×H×W f32; read for the confidence alone. */
  readonly flows: number;
  /** H×W f32 */
  readonly cellprob: number;
  /** H×W u8: whether the pixel's path came to rest; read where asked. */
  readonly settled: number;
  readonly size: Size;
  /** Of masks. */
  readonly count: number;
}

/** Tell what the options ask for: settled shares, confidence. */
export function tellTrust(
  arena: Arena,
  options: MasksOptions,
  tracks: Tracks,
): Pick<Masks, "confidence" | "settled"> {
  return {
    ...(options.confidence
      ? { confidence: measureConfidence(arena, options, tracks) }
      : {}),
    ...(options.settled
      ? { settled: measureSettled(arena, options, tracks) }
      : {}),
  };
}

/** Of each label, which share of its paths came to rest. */
function measureSettled(
  arena: Arena,
  { cellprobThreshold = 0 }: MasksOptions,
  { masks, cellprob, settled, size, count }: Tracks,
): Settled {
  return arena.scope((kernels) => {
    const table = arena.reserve(count * 16);
    kernels.measureSettled(
      table,
      masks,
      cellprob,
      settled,
      countPixels(size),
      count,
      cellprobThreshold,
    );
    const shares = arena.viewF32(table, 2 * count);
    const counts = arena.viewU32(table, 2 * count);
    return {
      shares: Float32Array.from({ length: count }, (_, k) => shares[2 * k]),
      pixels: Uint32Array.from({ length: count }, (_, k) => counts[2 * k + 1]),
    };
  });
}

function measureConfidence(
  arena: Arena,
  { cellprobThreshold = 0, parity = false }: MasksOptions,
  { masks, flows, cellprob, settled, size, count }: Tracks,
): Confidence {
  const { d, h, w } = edges(size);
  return arena.scope((kernels) => {
    const table = arena.reserve(count * 16);
    checkResult(
      kernels.measureConfidence(
        table,
        masks,
        flows,
        cellprob,
        settled,
        d,
        h,
        w,
        count,
        cellprobThreshold,
        parity ? 1 : 0,
      ),
    );
    const rows = arena.viewF32(table, count * 4);
    const column = (c: number) =>
      Float32Array.from({ length: count }, (_, k) => rows[4 * k + c]);
    return {
      flowErrors: column(0),
      probabilities: column(1),
      settled: column(2),
      confidence: column(3),
    };
  });
}
