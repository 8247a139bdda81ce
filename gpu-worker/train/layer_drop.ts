/**
 * Layer drop: which images of a batch skip which blocks of a transformer.
 *
 * Deep blocks are skipped more often. Nothing is scaled for it, neither while
 * training nor after.
 *
 * @module
 */
import { ArgumentError } from "../../shared/errors.ts";
import { createRandom } from "../../shared/synthetic/mod.ts";
import { type FloatTensor, KEPT } from "./network.ts";

/** Share of images that skip the last block, Cellpose's default. */
const LAST_RATE = 0.4;

/** Whose blocks are skipped. */
export interface KeptBatch {
  readonly count: number;
  /** N×blocks, 0 where an image skips a block; default: none does. */
  readonly kept?: Float32Array;
}

/**
 * Draw which images skip which blocks; the same seed and step give the same.
 *
 * @param lastRate  share of images that skip the last block; the first is
 *                  never skipped, the shares between rise evenly. 0.4:
 *                  Cellpose's default
 * @returns         count×blocks, 1 where a block is kept, else 0
 *
 * Source: cellpose 4.2.1.1, class CPSAM, forward
 */
export function drawKept(
  { seed, step, count, blocks, lastRate = LAST_RATE }: {
    seed: number;
    step: number;
    count: number;
    blocks: number;
    lastRate?: number;
  },
): Float32Array {
  const random = createRandom(seed, step);
  return Float32Array.from({ length: count * blocks }, (_, i) => {
    const depth = blocks > 1 ? i % blocks / (blocks - 1) : 0;
    return random.uniform() < lastRate * depth ? 0 : 1;
  });
}

/** What a batch says of layer drop; ones by default. */
export function keptOf(
  { kept, count }: KeptBatch,
  blocks: number,
): Float32Array {
  return kept ?? new Float32Array(count * blocks).fill(1);
}

/**
 * Require that a batch speaks of as many blocks as the network has.
 *
 * @throws {ArgumentError} if it does not
 */
export function checkKept({ kept, count }: KeptBatch, blocks: number): void {
  if (kept === undefined || kept.length === count * blocks) return;
  throw new ArgumentError(
    "kept",
    `has ${kept.length} numbers for ${count} images of ${blocks} blocks${
      blocks === 0 ? "; build the network with layer drop" : ""
    }`,
  );
}

/**
 * `kept` of batches, one after another.
 *
 * @param lead    first axes
 * @param blocks  0 for a network without layer drop
 * @returns       the graph's input; none without layer drop
 */
export function stackKept(
  batches: readonly KeptBatch[],
  { lead, blocks }: { lead: readonly number[]; blocks: number },
): Map<string, FloatTensor> {
  if (blocks === 0) return new Map();
  const [{ count }] = batches;
  const size = count * blocks;
  const data = new Float32Array(size * batches.length);
  batches.forEach((batch, i) => data.set(keptOf(batch, blocks), i * size));
  return new Map([[KEPT, { shape: [...lead, count, blocks], data }]]);
}
