/**
 * Masks of an image that no memory holds: flows, sinks and masks are in stores,
 * of which a band of rows is looked at a time. The masks are those of
 * `computeMasks`, bit for bit.
 *
 * Memory grows with the width of the image and the number of labels, not with
 * its height: one band with its halo, and the rows of the tallest label.
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
import { paintByBand } from "./band_paint.ts";
import { type BandJob, type BandOptions, cutRows } from "./band_plan.ts";
import { explainEmpty, type Masks, putSettings } from "./settings.ts";
import type {
  CheckTask,
  SinkStore,
  SlabImage,
  TrackTask,
} from "./slab_plan.ts";
import { slabTasks } from "./slab_tasks.ts";
import { checkSlabs, trackSlabs } from "./slabs.ts";
import type { Store } from "./store.ts";
import { takeTurns } from "./turns.ts";

/** An image in stores. */
export interface StoredFlows {
  /** 3×H×W f32: dY, dX at unit scale, cellprob. */
  readonly output: Store<Float32Array<ArrayBuffer>>;
  readonly size: Size2D;
  /** H×W u32, out. */
  readonly masks: Store<Uint32Array<ArrayBuffer>>;
  /** Makes a store of H×W values that is not needed afterwards. */
  readonly createScratch: () => Store<Uint32Array<ArrayBuffer>>;
}

/** What is known of the masks in the store. */
export interface BandMasks
  extends Omit<Masks, "masks" | "confidence" | "settled"> {
  /** K×8 i32 of the kernel `findBoxes`. */
  readonly boxes: Int32Array<ArrayBuffer>;
  /** Labels before those at edges were dropped. */
  readonly countBefore: number;
}

/** Masks of stored flows; part of the core. */
export function bandMasks(arena: Arena) {
  return {
    /**
     * Compute masks band by band from stored flows.
     *
     * @param stored   flows in, masks out
     * @param options  parameters of `computeMasks`; rows of a band
     * @returns        their number, why labels were dropped, boxes
     * @throws {ArgumentError | CoreMemoryError} as `computeMasks`
     *
     * Source: as `computeMasks`.
     * Differs: nothing with `parity`; without it, a hole within two labels of
     * which one is in pieces may be filled by the other.
     */
    async computeMasksByBand(
      { output, size, masks, createScratch }: StoredFlows,
      options: BandOptions = {},
    ): Promise<BandMasks> {
      const image = cutStored(output, size, options);
      const { rowPixels, slabRows } = image;
      const job: BandJob = { arena, image, masks, options };
      arena.scope(() => putSettings(arena, options, 1));
      await checkValues(arena, output, image);
      const sinks = storeSinks(createScratch(), slabRows * rowPixels);
      const { trackSlab, checkSlab } = slabTasks(arena);
      const runner = {
        track: async (task: TrackTask) => {
          await takeTurns();
          return trackSlab(task);
        },
        check: async (task: CheckTask) => {
          await takeTurns();
          return checkSlab(task);
        },
        concurrency: 1,
      };
      await trackSlabs(runner, { image, sinks }, options);
      const { seeds, foreground } = await paintByBand(
        job,
        sinks,
        createScratch,
      );

      const largest = Math.fround(options.maxSizeFraction ?? 0.4) *
        image.rows * rowPixels;
      let painted = 0;
      let count = await renumberByBand(job, seeds, ({ areas, keep }) => {
        for (let k = 1; k <= seeds; k++) {
          if (areas[k] > 0) painted++;
          if (areas[k] > 0 && !(areas[k] > largest)) keep(k);
        }
      });
      const tooLarge = painted - count;
      const boxes = await findBoxesByBand(job, count);
      const isChecked = Math.fround(options.flowThreshold ?? 0.4) > 0;
      const errors = count > 0 && isChecked
        ? await checkSlabs(runner, image, {
          boxes,
          count,
          cutMasks: (from, to) =>
            masks.read(from * rowPixels, (to - from) * rowPixels),
          diffusionSteps: arena.scope((kernels) =>
            checkResult(
              kernels.maxDiffusionSteps(arena.put(boxes), count, 1),
            )
          ),
        }, options)
        : undefined;
      const cleaned = await cleanByBand(job, count, errors);
      count = cleaned.count;
      const dropped = { ...cleaned.dropped, tooLarge };
      const facts = { foreground, seeds, dropped };
      const countBefore = count;
      let found = await findBoxesByBand(job, count);
      if (options.excludeOnEdges && count > 0) {
        count = await dropEdgesByBand(job, count, found);
        found = await findBoxesByBand(job, count);
      }
      return {
        count,
        countBefore,
        boxes: found,
        ...facts,
        ...(countBefore === 0
          ? { emptyReason: explainEmpty(facts, options) }
          : count === 0
          ? { emptyReason: `All ${countBefore} cells touch an edge` }
          : {}),
      };
    },
  };
}

function cutStored(
  output: StoredFlows["output"],
  size: Size2D,
  options: BandOptions,
): SlabImage {
  const image = cutRows(size, options.slabRows);
  const { rows, rowPixels } = image;
  const pixels = rows * rowPixels;
  return {
    cutFlows(from, to) {
      const length = (to - from) * rowPixels;
      const out = new Float32Array(2 * length);
      for (const c of [0, 1]) {
        output.readInto(
          c * pixels + from * rowPixels,
          out.subarray(c * length, (c + 1) * length),
        );
      }
      return out;
    },
    cutCellprob: (from, to) =>
      output.read(2 * pixels + from * rowPixels, (to - from) * rowPixels),
    ...image,
  };
}

/** Values are checked before anything runs, a band at a time. */
async function checkValues(
  arena: Arena,
  output: StoredFlows["output"],
  { rows, rowPixels, slabRows }: SlabImage,
): Promise<void> {
  const pixels = rows * rowPixels;
  const chunk = slabRows * rowPixels;
  const buffer = new Float32Array(Math.min(chunk, 3 * pixels));
  for (let at = 0; at < 3 * pixels;) {
    await takeTurns();
    const isFlow = at < 2 * pixels;
    const name = isFlow ? "flows" : "cellprob";
    const end = Math.min(at + chunk, (isFlow ? 2 : 3) * pixels);
    const part = buffer.subarray(0, end - at);
    output.readInto(at, part);
    const bad = arena.scope((kernels) =>
      isFlow
        ? kernels.findNonFinite(arena.put(part), part.length)
        : kernels.findNaN(arena.put(part), part.length)
    );
    if (bad >= 0) {
      throw new ArgumentError(
        name,
        `value ${part[bad]} at index ${
          at + bad - (isFlow ? 0 : 2 * pixels)
        } is not finite; the network's output is broken there`,
      );
    }
    at = end;
  }
}

/** The sinks of a slab are where its pixels would be: they are no more. */
function storeSinks(
  store: Store<Uint32Array<ArrayBuffer>>,
  slabPixels: number,
): SinkStore {
  const lengths: number[] = [];
  return {
    put(slab, sinks) {
      lengths[slab] = sinks.length;
      store.write(slab * slabPixels, sinks);
    },
    get: (slab) => store.read(slab * slabPixels, lengths[slab]),
    set: (slab, point, sink) =>
      store.write(slab * slabPixels + point, Uint32Array.of(sink)),
  };
}
