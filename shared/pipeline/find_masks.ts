/**
 * Network output to masks at the image's size.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { SegmentParameters } from "../schema/parameters.ts";
import type { Convention, Core, Masks, MasksOptions } from "../../wasm/mod.ts";
import { isSameSize, type NetworkOutput } from "./blend_outputs.ts";
import { addSettled, sampleSettled, shareOf, WHOLE_PIXELS } from "./settled.ts";

/** Larger images are tracked in slabs of this many pixels. */
const SLAB_PIXELS = WHOLE_PIXELS;

/** Parameters with what was decided of them. */
type MasksParameters = SegmentParameters & {
  readonly niter: number;
  readonly convention: Convention;
  /** Measure confidence, which takes a third of the time; default false. */
  readonly confidence?: boolean;
  /** Tell which share of the paths came to rest; default false. */
  readonly settled?: boolean;
};

/** Masks, and what is known of how they came about. */
export interface FoundMasks {
  readonly masks: Uint32Array;
  readonly count: number;
  readonly emptyReason?: string;
  /**
   * Share of the cells' paths that came to rest, where asked for and there
   * are cells; of large images a sample.
   */
  readonly settled?: number;
  /**
   * Of each cell, 0–1, where asked for and the masks are those that were
   * tracked, none dropped.
   */
  readonly confidence?: Float32Array;
}

/**
 * Find masks: follow the flows, cluster, check, clean, drop edge cells.
 *
 * @param core        the core
 * @param output      flows and cell probabilities
 * @param size        the image's size, if masks are scaled to it afterwards
 * @param parameters  thresholds; `niter` decided; the peer's convention
 *
 * Source: cellpose 4.2.1.1 `resize_and_compute_masks`, `remove_edge_masks`.
 * Differs: as `computeMasks`.
 */
export async function findMasks(
  core: Core,
  output: NetworkOutput,
  size: Size2D,
  parameters: MasksParameters,
): Promise<FoundMasks> {
  const isSame = isSameSize(output.size, size);
  const minSize = Math.max(parameters.minSize, 0);
  // masks that are scaled are cleaned afterwards
  const options = isSame
    ? masksOptions(parameters)
    : { ...masksOptions(parameters), minSize: 0, fillHoles: false };
  const { confidence = false, settled: isTold = false } = parameters;
  const found = await computeMasks(core, output, {
    ...options,
    confidence,
    settled: isTold,
  });
  let { masks, count } = found;
  if (!isSame) {
    masks = core.resizeNearest(masks, output.size, size) as typeof masks;
    ({ masks, count } = core.fillHolesAndRemoveSmall(masks, size, {
      minSize,
      parity: parameters.parity,
    }) as Pick<Masks, "masks" | "count">);
  }
  let emptyReason = found.emptyReason;
  if (parameters.excludeOnEdges && count > 0) {
    const before = count;
    ({ masks, count } = core.removeEdgeMasks(masks, size) as Pick<
      Masks,
      "masks" | "count"
    >);
    if (count === 0) emptyReason = `All ${before} cells touch an edge`;
  } else if (count === 0 && found.count > 0) {
    emptyReason = `All ${found.count} cells have fewer than ${minSize} pixels`;
  }
  const settled = isTold && count > 0
    ? await findSettled(core, { found, output }, options)
    : undefined;
  return {
    masks,
    count,
    ...(isSame && !parameters.excludeOnEdges && found.confidence
      ? { confidence: found.confidence.confidence }
      : {}),
    ...(count === 0 && emptyReason !== undefined ? { emptyReason } : {}),
    ...(settled === undefined ? {} : { settled }),
  };
}

/** Options of the core's `computeMasks`. */
export function masksOptions(parameters: MasksParameters): MasksOptions {
  return {
    niter: parameters.niter,
    cellprobThreshold: parameters.cellprobThreshold,
    flowThreshold: parameters.flowThreshold,
    maxSizeFraction: parameters.maxSizeFraction,
    parity: parameters.parity,
    // Cellpose 3, whose convention on a processor is the plain one
    flowCheck: parameters.convention === "plain" ? "cell" : "image",
    convention: parameters.parity ? parameters.convention : "plain",
    minSize: Math.max(parameters.minSize, 0),
  };
}

function computeMasks(
  core: Core,
  { flows, cellprob, size }: NetworkOutput,
  options: MasksOptions,
): Masks | Promise<Masks> {
  if (size.height * size.width <= SLAB_PIXELS) {
    return core.computeMasks(flows, cellprob, size, options);
  }
  const slabRows = Math.max(1, Math.floor(SLAB_PIXELS / size.width));
  // slabs measure none
  const { confidence: _, settled: __, ...rest } = options;
  return core.computeMasksBySlab(flows, cellprob, size, { ...rest, slabRows });
}

/** Of all cells, or of those in a few windows of a large image. */
async function findSettled(
  core: Core,
  { found, output }: {
    readonly found: Masks;
    readonly output: NetworkOutput;
  },
  options: MasksOptions,
): Promise<number | undefined> {
  const { size, flows, cellprob } = output;
  if (size.height * size.width <= WHOLE_PIXELS) {
    const sums = { settled: 0, pixels: 0 };
    addSettled(found, sums);
    return shareOf(sums);
  }
  const readInto = (at: number, out: Float32Array) => {
    const [from, values] = at < flows.length
      ? [at, flows]
      : [at - flows.length, cellprob];
    out.set(values.subarray(from, from + out.length));
  };
  return await sampleSettled(core, { store: { readInto }, size }, options);
}
