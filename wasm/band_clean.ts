/**
 * Drop, renumber and fill the labels of a stored image, band by band.
 *
 * @module
 */
import { checkResult, type Kernels } from "./arena.ts";
import type { LabelJob } from "./band_plan.ts";
import type { Masks } from "./settings.ts";
import { putStored } from "./store.ts";
import { takeTurns } from "./turns.ts";

/** Entry of a label that gets the next number: the kernels' `NEXT`. */
const NEXT = 0xffff_ffff;

/** What decides over labels. */
export interface Choice {
  /** K+1 u32: pixels of each label, of the background first. */
  readonly areas: Uint32Array;
  /** Keep a label; the others are erased. */
  readonly keep: (label: number) => void;
}

/**
 * Erase labels, and number the others in raster order.
 *
 * @param count  highest label
 * @returns      labels left
 */
export async function renumberByBand(
  job: LabelJob,
  count: number,
  choose: (choice: Choice) => void,
): Promise<number> {
  const { arena, masks } = job;
  const areas = new Uint32Array(count + 1);
  for await (const band of bands(job)) {
    arena.scope((kernels) => {
      const counts = arena.put(areas);
      const rows = putStored(arena, masks, band);
      kernels.addLabels(counts, rows, band.length);
      areas.set(arena.viewU32(counts, count + 1));
    });
  }
  const entries = new Uint32Array(count + 1);
  choose({ areas, keep: (label) => void (entries[label] = NEXT) });
  let left = 0;
  for await (const band of bands(job)) {
    arena.scope((kernels) => {
      const table = arena.put(entries);
      const rows = putStored(arena, masks, band);
      left = kernels.continueTable(rows, band.length, table, left);
      entries.set(arena.viewU32(table, count + 1));
      masks.write(band.at, arena.viewU32(rows, band.length));
    });
  }
  return left;
}

/** Boxes of all labels, K×8 i32 as the kernel `findBoxes` gives. */
export async function findBoxesByBand(
  job: LabelJob,
  count: number,
): Promise<Int32Array<ArrayBuffer>> {
  const { arena, masks, image: { rowPixels } } = job;
  const boxes = new Int32Array(count * 8);
  const change = (work: (kernels: Kernels, boxes: number) => void) =>
    arena.scope((kernels) => {
      const at = arena.put(boxes);
      work(kernels, at);
      boxes.set(arena.viewI32(at, boxes.length));
    });
  change((kernels, all) => kernels.startBoxes(all, count));
  for await (const band of bands(job)) {
    change((kernels, all) => {
      const rows = putStored(arena, masks, band);
      const height = band.length / rowPixels;
      const top = band.at / rowPixels;
      kernels.growBoxes(all, rows, 1, height, rowPixels, top);
    });
  }
  change((kernels, all) => kernels.finishBoxes(all, count));
  return boxes;
}

/**
 * Drop labels that touch an edge of the image.
 *
 * @returns  labels left
 */
export async function dropEdgesByBand(
  job: LabelJob,
  count: number,
  boxes: Int32Array,
): Promise<number> {
  const { rows, rowPixels } = job.image;
  return await renumberByBand(job, count, ({ keep }) => {
    for (let k = 1; k <= count; k++) {
      const [y0, y1, x0, x1] = boxes.subarray(8 * k - 6, 8 * k - 2);
      if (y0 > 0 && x0 > 0 && y1 < rows && x1 < rowPixels) keep(k);
    }
  });
}

/**
 * Drop labels of bad flows, fill holes, drop small labels: as the kernel
 * `cleanMasks`, step by step.
 *
 * @param errors  K f64; none: no check
 */
export async function cleanByBand(
  job: LabelJob,
  count: number,
  errors: Float64Array | undefined,
): Promise<{ count: number; dropped: Omit<Masks["dropped"], "tooLarge"> }> {
  const { options } = job;
  const parity = options.parity ?? false;
  let left = count;
  if (errors !== undefined) {
    const threshold = Math.fround(options.flowThreshold ?? 0.4);
    left = await renumberByBand(job, count, ({ keep }) => {
      for (let k = 0; k < count; k++) if (!(errors[k] > threshold)) keep(k + 1);
    });
  }
  const badFlow = count - left;
  const before = left;
  const minSize = options.minSize ?? 15;
  left = await removeSmall(job, left);
  if (left > 0 && options.fillHoles !== false) {
    await fillByBand(job, left);
    left = await removeSmall(job, left);
    // filling may have erased labels
    if (parity && minSize <= 0) {
      left = await renumberByBand(job, left, ({ areas, keep }) => {
        for (let k = 1; k < areas.length; k++) if (areas[k] > 0) keep(k);
      });
    }
  }
  return { count: left, dropped: { badFlow, tooSmall: before - left } };
}

/** As the kernel `removeSmall`. */
async function removeSmall(job: LabelJob, count: number): Promise<number> {
  const { minSize = 15, parity = false } = job.options;
  if (minSize <= 0 || count === 0) return count;
  return await renumberByBand(job, count, ({ areas, keep }) => {
    // as if it were the background, where there is none
    let isExempt = parity && areas[0] === 0;
    for (let k = 1; k <= count; k++) {
      if (areas[k] === 0) continue;
      if (isExempt || areas[k] >= minSize) keep(k);
      isExempt = false;
    }
  });
}

/**
 * Fill holes: the labels that start in a band are filled together.
 *
 * Labels are in raster order, so that bands in order are labels in order, and
 * who encloses another starts above it.
 */
async function fillByBand(job: LabelJob, count: number): Promise<void> {
  const { image: { rows, slabRows }, options } = job;
  const boxes = await findBoxesByBand(job, count);
  const slabs = Math.ceil(rows / slabRows);
  const owned: number[][] = Array.from({ length: slabs }, () => []);
  for (let k = 1; k <= count; k++) {
    if (boxes[8 * k - 2] > 0) {
      owned[Math.floor(boxes[8 * k - 6] / slabRows)].push(k);
    }
  }
  // innermost labels first, where they keep what is theirs
  if (!options.parity) owned.reverse();
  for (const labels of owned) {
    if (labels.length === 0) continue;
    await takeTurns();
    fillLabels(job, { labels, boxes, count });
  }
}

function fillLabels(
  { arena, masks, image: { rowPixels }, options }: LabelJob,
  { labels, boxes, count }: {
    readonly labels: readonly number[];
    readonly boxes: Int32Array;
    readonly count: number;
  },
): void {
  const parity = options.parity ? 1 : 0;
  const [from, to] = rowsOf(boxes, labels);
  const height = to - from;
  const length = height * rowPixels;
  const entries = new Uint32Array(count + 1);
  for (const [i, k] of labels.entries()) entries[k] = i + 1;
  const place = { at: from * rowPixels, length };
  arena.scope((kernels) => {
    const all = putStored(arena, masks, place);
    const own = putStored(arena, masks, place);
    kernels.applyTable(own, length, arena.put(entries));
    checkResult(
      kernels.fillHoles(own, 1, height, rowPixels, labels.length, parity),
    );
    const table = arena.put(Uint32Array.from([0, ...labels]));
    kernels.overlayLabels(all, own, table, length, 1 - parity);
    masks.write(place.at, arena.viewU32(all, length));
  });
}

/** First row of some labels, and the row after the last. */
export function rowsOf(
  boxes: Int32Array,
  labels: Iterable<number>,
): [from: number, to: number] {
  let [from, to] = [Infinity, 0];
  for (const k of labels) {
    from = Math.min(from, boxes[8 * k - 6]);
    to = Math.max(to, boxes[8 * k - 5]);
  }
  return [from, to];
}

async function* bands({ image: { rows, rowPixels, slabRows } }: LabelJob) {
  for (let begin = 0; begin < rows; begin += slabRows) {
    const end = Math.min(begin + slabRows, rows);
    await takeTurns();
    yield { at: begin * rowPixels, length: (end - begin) * rowPixels };
  }
}
