/**
 * Drop, renumber and fill the labels of a stored image, band by band.
 *
 * @module
 */
import { checkResult } from "./arena.ts";
import type { BandJob } from "./band_plan.ts";
import type { Masks } from "./settings.ts";

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
export function renumberByBand(
  job: BandJob,
  count: number,
  choose: (choice: Choice) => void,
): number {
  const { arena, masks } = job;
  const areas = arena.scope((kernels) => {
    const counts = arena.reserve((count + 1) * 4);
    arena.viewU32(counts, count + 1).fill(0);
    for (const { at, length } of bands(job)) {
      const rows = masks.read(at, length);
      arena.scope(() => kernels.addLabels(counts, arena.put(rows), length));
    }
    return arena.viewU32(counts, count + 1).slice();
  });
  const entries = new Uint32Array(count + 1);
  choose({ areas, keep: (label) => void (entries[label] = NEXT) });
  return arena.scope((kernels) => {
    const table = arena.put(entries);
    let left = 0;
    for (const { at, length } of bands(job)) {
      const rows = masks.read(at, length);
      arena.scope(() => {
        const put = arena.put(rows);
        left = kernels.continueTable(put, length, table, left);
        masks.write(at, arena.viewU32(put, length).slice());
      });
    }
    return left;
  });
}

/** Boxes of all labels, K×8 i32 as the kernel `findBoxes` gives. */
export function findBoxesByBand(
  job: BandJob,
  count: number,
): Int32Array<ArrayBuffer> {
  const { arena, masks, image: { rowPixels } } = job;
  return arena.scope((kernels) => {
    const boxes = arena.reserve(count * 32);
    kernels.startBoxes(boxes, count);
    for (const { at, length } of bands(job)) {
      const rows = masks.read(at, length);
      arena.scope(() => {
        const height = length / rowPixels;
        const top = at / rowPixels;
        kernels.growBoxes(boxes, arena.put(rows), 1, height, rowPixels, top);
      });
    }
    kernels.finishBoxes(boxes, count);
    return arena.viewI32(boxes, count * 8).slice();
  });
}

/**
 * Drop labels of bad flows, fill holes, drop small labels: as the kernel
 * `cleanMasks`, step by step.
 *
 * @param errors  K f64; none: no check
 */
export function cleanByBand(
  job: BandJob,
  count: number,
  errors: Float64Array | undefined,
): { count: number; dropped: Omit<Masks["dropped"], "tooLarge"> } {
  const { options } = job;
  const parity = options.parity ?? false;
  let left = count;
  if (errors !== undefined) {
    const threshold = Math.fround(options.flowThreshold ?? 0.4);
    left = renumberByBand(job, count, ({ keep }) => {
      for (let k = 0; k < count; k++) if (!(errors[k] > threshold)) keep(k + 1);
    });
  }
  const badFlow = count - left;
  const before = left;
  const minSize = options.minSize ?? 15;
  left = removeSmall(job, left);
  if (left > 0 && options.fillHoles !== false) {
    fillByBand(job, left);
    left = removeSmall(job, left);
    // filling may have erased labels
    if (parity && minSize <= 0) {
      left = renumberByBand(job, left, ({ areas, keep }) => {
        for (let k = 1; k < areas.length; k++) if (areas[k] > 0) keep(k);
      });
    }
  }
  return { count: left, dropped: { badFlow, tooSmall: before - left } };
}

/** As the kernel `removeSmall`. */
function removeSmall(job: BandJob, count: number): number {
  const { minSize = 15, parity = false } = job.options;
  if (minSize <= 0 || count === 0) return count;
  return renumberByBand(job, count, ({ areas, keep }) => {
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
function fillByBand(job: BandJob, count: number): void {
  const { image: { rows, slabRows }, options } = job;
  const boxes = findBoxesByBand(job, count);
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
    if (labels.length > 0) fillLabels(job, { labels, boxes, count });
  }
}

function fillLabels(
  { arena, masks, image: { rowPixels }, options }: BandJob,
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
  const rows = masks.read(from * rowPixels, length);
  arena.scope((kernels) => {
    const all = arena.put(rows);
    const own = arena.put(rows);
    kernels.applyTable(own, length, arena.put(entries));
    checkResult(
      kernels.fillHoles(own, 1, height, rowPixels, labels.length, parity),
    );
    const table = arena.put(Uint32Array.from([0, ...labels]));
    kernels.overlayLabels(all, own, table, length, 1 - parity);
    masks.write(from * rowPixels, arena.viewU32(all, length).slice());
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

function* bands({ image: { rows, rowPixels, slabRows } }: BandJob) {
  for (let begin = 0; begin < rows; begin += slabRows) {
    const end = Math.min(begin + slabRows, rows);
    yield { at: begin * rowPixels, length: (end - begin) * rowPixels };
  }
}
