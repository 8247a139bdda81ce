/**
 * Whether an image is held in memory, or read in bands.
 *
 * @module
 */
import { freemem } from "node:os";
import { ArgumentError } from "../../shared/errors.ts";
import type { Encoder } from "../../shared/pipeline/encoder.ts";
import { checkBands } from "../../shared/pipeline/segment_bands.ts";
import type { SegmentParameters } from "../../shared/schema/parameters.ts";

/** Bytes a pixel while an image is segmented in memory, measured. */
const PIXEL_BYTES = 52;
/** Bytes a pixel of what is kept of each plane of a stack. */
const PLANE_BYTES = 20;
/** Images that need less are held in memory without a budget. */
const SMALL = 2 ** 30;
/** Share of the free memory that an image may take. */
const SHARE = 0.7;

/** An image, before its pixels are read. */
export interface MemoryNeeds {
  readonly size: { readonly height: number; readonly width: number };
  readonly depth: number;
  /** Of the file and of its pixels. */
  readonly bytes: number;
}

/** How an image is held; told in `result.json`. */
export interface MemoryPlan {
  readonly mode: "memory" | "bands";
  /** What it would take in memory, estimated. */
  readonly estimatedBytes: number;
  readonly budgetBytes: number;
}

/**
 * Decide how an image is held.
 *
 * Without a budget, images of a few million pixels are held in memory; larger
 * ones are read in bands where model and parameters allow it, and held in
 * memory else, as far as there is some.
 *
 * @param job  `memoryBudget`: bytes, `null` for the rule above
 * @throws {ArgumentError} `memoryBudget`, if neither is possible
 */
export function planMemory(
  image: MemoryNeeds,
  { encoders, parameters, memoryBudget }: {
    readonly encoders: readonly Encoder[];
    readonly parameters: SegmentParameters;
    readonly memoryBudget: number | null;
  },
): MemoryPlan {
  const estimatedBytes = estimateBytes(image, encoders[0], parameters);
  const budgetBytes = memoryBudget ?? Math.floor(SHARE * freemem());
  const told = { estimatedBytes, budgetBytes };
  const limit = memoryBudget ?? Math.min(SMALL, budgetBytes);
  if (estimatedBytes <= limit) return { mode: "memory", ...told };
  const obstacle = findObstacle(encoders, parameters);
  if (obstacle === undefined) return { mode: "bands", ...told };
  if (estimatedBytes <= budgetBytes) return { mode: "memory", ...told };
  const { height, width } = image.size;
  throw new ArgumentError(
    "memoryBudget",
    `is ${tell(budgetBytes)}, an image of ${height}×${width} needs about ${
      tell(estimatedBytes)
    }, and it cannot be read in bands: ${obstacle}`,
  );
}

/** Why an image cannot be read in bands. */
function findObstacle(
  encoders: readonly Encoder[],
  parameters: SegmentParameters,
): string | undefined {
  try {
    checkBands({ encoders }, parameters);
    return undefined;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

function estimateBytes(
  { size: { height, width }, depth, bytes }: MemoryNeeds,
  { model }: Encoder,
  { diameter }: SegmentParameters,
): number {
  const pixels = height * width;
  // outputs at the network's size are held, too
  const scale = diameter ? model.diameter / diameter : 1;
  const scaled = scale === 1 ? 0 : 16 * scale * scale;
  return Math.round(
    bytes + pixels * (PIXEL_BYTES + scaled + PLANE_BYTES * (depth - 1)),
  );
}

function tell(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/**
 * Read a size as "800M", "4G" or bytes.
 *
 * @returns bytes; `undefined` where it is none
 */
export function readBytes(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(
    text.trim(),
  ) ?? [];
  if (number === undefined) return undefined;
  const power = " KMGT".indexOf(unit.toUpperCase() || " ");
  const bytes = Number(number) * 1024 ** power;
  return bytes >= 1 ? Math.floor(bytes) : undefined;
}
