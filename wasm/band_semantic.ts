/**
 * Cells of a stored logit: the connected components above a threshold, band by
 * band. The masks are those of `labelComponents` and the cleaning after it, bit
 * for bit.
 *
 *   label each band → join what touches across bands → drop what is too large
 *     → fill, drop what is too small → drop what touches an edge
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import type { Size2D } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import {
  cleanByBand,
  dropEdgesByBand,
  findBoxesByBand,
  renumberByBand,
} from "./band_clean.ts";
import { cutRows, type LabelJob } from "./band_plan.ts";
import { stitchBlocks } from "./stitch_blocks.ts";
import type { Store } from "./store.ts";
import { takeTurns } from "./turns.ts";

/** A logit in a store. */
export interface StoredLogit {
  /** H×W f32 from `at` on. */
  readonly logit: Store<Float32Array<ArrayBuffer>>;
  readonly at: number;
  readonly size: Size2D;
  /** H×W u32, out. */
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
}

/** What is kept of the components. */
export interface ComponentOptions {
  /** Foreground is above it; 0. */
  readonly threshold?: number;
  /** Of the image; larger components are dropped; 0.4. */
  readonly maxSizeFraction?: number;
  /** Pixels; smaller components are dropped; 15. */
  readonly minSize?: number;
  readonly excludeOnEdges?: boolean;
  /** Rows of a band. */
  readonly slabRows?: number;
}

/** What is known of the masks in the store. */
export interface BandComponents {
  readonly count: number;
  /** K×8 i32 of the kernel `findBoxes`. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** Components above the threshold, and those that were dropped. */
  readonly components: number;
  readonly tooLarge: number;
  readonly tooSmall: number;
}

/** Components of stored logits; part of the core. */
export function bandSemantic(arena: Arena) {
  return {
    /**
     * Label the cells of a stored logit, in raster order.
     *
     * @param stored   logit in, masks out
     * @param options  threshold, sizes, rows of a band
     * @throws {ArgumentError} for NaN in the logit
     *
     * Source: as `labelComponents`, `removeLarge`, `fillHolesAndRemoveSmall`
     * and `removeEdgeMasks`. Differs: nothing.
     */
    async labelComponentsByBand(
      stored: StoredLogit,
      options: ComponentOptions = {},
    ): Promise<BandComponents> {
      const { size, masks } = stored;
      const { maxSizeFraction = 0.4, minSize = 15 } = options;
      const image = cutRows(size, options.slabRows);
      const job: LabelJob = { arena, image, masks, options: { minSize } };
      const pieces = await labelBands(job, stored, options.threshold ?? 0);
      const largest = maxSizeFraction * image.rows * image.rowPixels;
      let components = 0;
      const fitting = await renumberByBand(job, pieces, ({ areas, keep }) => {
        for (let k = 1; k <= pieces; k++) {
          if (areas[k] > 0) components++;
          if (areas[k] > 0 && !(areas[k] > largest)) keep(k);
        }
      });
      const cleaned = await cleanByBand(job, fitting, undefined);
      let { count } = cleaned;
      let boxes = await findBoxesByBand(job, count);
      if (options.excludeOnEdges && count > 0) {
        count = await dropEdgesByBand(job, count, boxes);
        boxes = await findBoxesByBand(job, count);
      }
      return {
        count,
        boxes,
        components,
        tooLarge: components - fitting,
        tooSmall: cleaned.dropped.tooSmall,
      };
    },
  };
}

/**
 * Label each band, and join labels that touch across bands.
 *
 * @returns  the highest label; some may be missing, and they are in no order
 */
async function labelBands(
  { arena, image, masks }: LabelJob,
  { logit, at }: StoredLogit,
  threshold: number,
): Promise<number> {
  const { rows, rowPixels, slabRows } = image;
  const stitcher = stitchBlocks(arena).stitchBlocks({ threshold: 0 });
  const seam = { height: 1, width: rowPixels };
  let above: Uint32Array | undefined;
  for (let top = 0, block = 0; top < rows; top += slabRows, block++) {
    await takeTurns();
    const height = Math.min(slabRows, rows - top);
    const length = height * rowPixels;
    const [count, first, last] = arena.scope((kernels) => {
      const values = arena.reserve(length * 4);
      logit.readInto(at + top * rowPixels, arena.viewF32(values, length));
      const bad = kernels.findNaN(values, length);
      if (bad >= 0) {
        throw new ArgumentError(
          "cellprob",
          `is NaN at index ${
            top * rowPixels + bad
          }; the network's output is broken there`,
        );
      }
      const out = arena.reserve(length * 4);
      kernels.thresholdMask(out, values, length, threshold);
      const count = checkResult(
        kernels.splitLabels(out, 1, height, rowPixels, 1, 0, 0),
      );
      const labels = arena.viewU32(out, length);
      masks.write(top * rowPixels, labels);
      return [
        count,
        labels.slice(0, rowPixels),
        labels.slice(length - rowPixels),
      ] as const;
    });
    stitcher.addBlock(block, count);
    // a pixel and the one above are taken for one that both bands see
    if (above !== undefined) {
      const before = { block: block - 1, masks: above };
      stitcher.addSeam(before, { block, masks: first }, seam);
    }
    above = last;
  }
  const { tables, count } = stitcher.finish();
  for (const [block, table] of tables) {
    await takeTurns();
    const top = block * slabRows;
    const length = Math.min(slabRows, rows - top) * rowPixels;
    arena.scope((kernels) => {
      const part = arena.reserve(length * 4);
      masks.readInto(top * rowPixels, arena.viewU32(part, length));
      kernels.applyTable(part, length, arena.put(table));
      masks.write(top * rowPixels, arena.viewU32(part, length));
    });
  }
  return count;
}
