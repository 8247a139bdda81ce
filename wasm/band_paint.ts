/**
 * From the sinks of all points to labels, band by band.
 *
 * @module
 */
import { checkResult } from "./arena.ts";
import type { BandJob } from "./band_plan.ts";
import type { SinkStore } from "./slab_plan.ts";
import { putStored, type Store } from "./store.ts";
import { takeTurns } from "./turns.ts";

/** Rows in which a seed is looked for, and over which it grows. */
const PEAK_RADIUS = 2;
const GROW_RADIUS = 5;

/** A band of rows, and those it has to see. */
interface Band {
  /** Its own rows, end exclusive. */
  readonly begin: number;
  readonly end: number;
  /** With the halo. */
  readonly from: number;
  readonly to: number;
}

/**
 * Find the seeds, grow them, give each foreground pixel the label of its sink.
 *
 * Masks are 1 + the seed's place among all; many seeds win no pixel.
 *
 * @returns seeds, and foreground pixels
 */
export async function paintByBand(
  job: BandJob,
  sinks: SinkStore,
  createScratch: () => Store<Uint32Array<ArrayBuffer>>,
): Promise<{ seeds: number; foreground: number }> {
  const { image: { rows, slabRows } } = job;
  // rows in which the points of each slab end
  let foreground = 0;
  const ranges: Found["ranges"][number][] = [];
  for (let k = 0; k < Math.ceil(rows / slabRows); k++) {
    await takeTurns();
    const ended = sinks.get(k);
    foreground += ended.length;
    ranges.push(findRows(job, ended));
  }
  const labels = createScratch();
  const found: Found = { ...job, sinks, ranges, labels };
  const seeds = await findSeeds(found);
  await paintSeeds(found, seeds);
  for (let k = 0; k < ranges.length; k++) {
    await takeTurns();
    paintSlab(found, k);
  }
  return { seeds: seeds.length, foreground };
}

interface Found extends BandJob {
  readonly sinks: SinkStore;
  readonly ranges: readonly { first: number; last: number }[];
  readonly labels: Store<Uint32Array<ArrayBuffer>>;
}

/** First and last row in which points end. */
function findRows(
  { arena, image: { rowPixels } }: BandJob,
  ended: Uint32Array<ArrayBuffer>,
): Found["ranges"][number] {
  if (ended.length === 0) return { first: 0, last: -1 };
  return arena.scope((kernels) => {
    const range = arena.reserve(8);
    kernels.sinkRange(range, arena.put(ended), ended.length);
    const [first, last] = arena.viewU32(range, 2);
    const row = (pixel: number) => Math.floor(pixel / rowPixels);
    return { first: row(first), last: row(last) };
  });
}

function* bands({ image: { rows, slabRows } }: BandJob, halo: number) {
  for (let begin = 0; begin < rows; begin += slabRows) {
    const end = Math.min(begin + slabRows, rows);
    const from = Math.max(0, begin - halo);
    yield { begin, end, from, to: Math.min(rows, end + halo) } satisfies Band;
  }
}

/** Count the points that end in each pixel of a band; in the arena's scope. */
function countBand(found: Found, { from, to }: Band): number {
  const { arena, image: { rowPixels }, sinks, ranges } = found;
  const pixels = (to - from) * rowPixels;
  const counts = arena.reserve(pixels * 4);
  arena.viewU32(counts, pixels).fill(0);
  for (const [k, { first, last }] of ranges.entries()) {
    if (last < from || first >= to) continue;
    const ended = sinks.get(k);
    arena.scope((kernels) => {
      const at = arena.put(ended);
      const begin = from * rowPixels;
      kernels.countSinksIn(counts, at, ended.length, begin, pixels);
    });
  }
  return counts;
}

/** Seeds of the whole image, ascending: count << 32 | pixel. */
async function findSeeds(found: Found): Promise<BigUint64Array> {
  const { arena, image: { rowPixels } } = found;
  const keys: bigint[] = [];
  for (const band of bands(found, PEAK_RADIUS)) {
    await takeTurns();
    const { begin, end, from, to } = band;
    arena.scope((kernels) => {
      const counts = countBand(found, band);
      const height = to - from;
      const n = kernels.findSeeds(0, counts, 1, height, rowPixels);
      const list = arena.reserve(n * 8);
      kernels.findSeeds(list, counts, 1, height, rowPixels);
      const pairs = arena.viewU32(list, 2 * n);
      for (let i = 0; i < n; i++) {
        const pixel = from * rowPixels + pairs[2 * i];
        // those of the halo are another band's
        if (pixel < begin * rowPixels || pixel >= end * rowPixels) continue;
        keys.push(BigInt(pairs[2 * i + 1]) << 32n | BigInt(pixel));
      }
    });
  }
  return BigUint64Array.from(keys).sort();
}

/** Grow the seeds; their order decides where they meet. */
async function paintSeeds(
  found: Found,
  seeds: BigUint64Array,
): Promise<void> {
  const { arena, image: { rowPixels }, labels } = found;
  const pixels = Float64Array.from(
    seeds,
    (key) => Number(key & 0xffff_ffffn),
  );
  for (const band of bands(found, 2 * GROW_RADIUS)) {
    await takeTurns();
    const { begin, end, from, to } = band;
    // seeds that may reach the band's own rows
    const first = (begin - GROW_RADIUS) * rowPixels;
    const last = (end + GROW_RADIUS) * rowPixels;
    const near: number[] = [];
    for (const [k, pixel] of pixels.entries()) {
      if (pixel >= first && pixel < last) near.push(k);
    }
    const local = BigUint64Array.from(
      near,
      (k) => BigInt(pixels[k] - from * rowPixels),
    );
    arena.scope((kernels) => {
      const counts = countBand(found, band);
      const height = to - from;
      const out = arena.reserve(height * rowPixels * 4);
      const list = arena.put(new Uint8Array(local.buffer));
      const { length } = near;
      checkResult(
        kernels.paintSeeds(out, counts, list, 1, height, rowPixels, length),
      );
      const own = out + (begin - from) * rowPixels * 4;
      const n = (end - begin) * rowPixels;
      const table = arena.put(Uint32Array.from([0, ...near.map((k) => k + 1)]));
      kernels.applyTable(own, n, table);
      labels.write(begin * rowPixels, arena.viewU32(own, n));
    });
  }
}

/** Label the foreground of a slab. */
function paintSlab(found: Found, k: number): void {
  const { arena, image, sinks, ranges, labels, masks, options } = found;
  const { rows, rowPixels, slabRows } = image;
  const begin = k * slabRows;
  const end = Math.min(begin + slabRows, rows);
  const n = (end - begin) * rowPixels;
  const ended = sinks.get(k);
  const { first, last } = ranges[k];
  arena.scope((kernels) => {
    const values = arena.reserve(ended.length * 4);
    arena.viewU32(values, ended.length).fill(0);
    arena.scope(() => {
      const at = arena.put(ended);
      for (let from = first; from <= last; from += slabRows) {
        const to = Math.min(from + slabRows, last + 1);
        const length = (to - from) * rowPixels;
        arena.scope(() => {
          const place = { at: from * rowPixels, length };
          const part = putStored(arena, labels, place);
          kernels.labelSinksIn(
            values,
            at,
            part,
            ended.length,
            from * rowPixels,
            length,
          );
        });
      }
    });
    const cellprob = arena.put(image.cutCellprob(begin, end));
    const out = arena.reserve(n * 4);
    const threshold = options.cellprobThreshold ?? 0;
    kernels.paintForeground(out, values, cellprob, n, threshold);
    masks.write(begin * rowPixels, arena.viewU32(out, n));
  });
}
