/**
 * Cut an image into slabs, and run their tasks until all points have ended and
 * all labels are measured.
 *
 * @module
 */
import { isVolume, type Size } from "../shared/ndarray.ts";
import {
  checkKind,
  checkNiter,
  isPlain,
  type MasksOptions,
} from "./settings.ts";
import type {
  CheckTask,
  Painted,
  SinkStore,
  SlabImage,
  SlabRunner,
  TrackTask,
  Travellers,
} from "./slab_plan.ts";

/** Rows (planes) that a point may move before its slab hands it on. */
const HALO = { image: 64, volume: 16 };

/**
 * Track all points; those that leave a slab go on in the one they came to.
 *
 * @param sinks  out, for each slab: the pixel in which each of its points ended
 */
export async function trackSlabs(
  runner: SlabRunner,
  { image, sinks }: {
    readonly image: SlabImage;
    readonly sinks: SinkStore;
  },
  options: MasksOptions,
): Promise<void> {
  const slabs = Math.ceil(image.rows / image.slabRows);
  let halo = isVolume(image.size) ? HALO.volume : HALO.image;
  // whose points wait to enter each slab: slab and number of each
  let waiting: Waiting[] = Array.from({ length: slabs }, emptyQueue);

  const track = async (k: number, travellers?: Travellers) => {
    for (;;) {
      const task = trackTask(image, k, halo, options, travellers);
      const result = await runner.track(task);
      if (result.neededHalo === undefined) return result;
      halo = Math.max(halo, result.neededHalo);
    }
  };

  await runAll(runner, slabs, async (k) => {
    const { sinks: ended, away } = await track(k);
    sinks.put(k, ended);
    for (let i = 0; i < away.ids.length; i++) {
      enqueue(waiting, image, away, i, { slab: k, point: away.ids[i] });
    }
  });
  while (waiting.some(({ owners }) => owners.length > 0)) {
    const arrived = waiting;
    waiting = Array.from({ length: slabs }, emptyQueue);
    await runAll(runner, slabs, async (k) => {
      const { owners, positions, steps } = arrived[k];
      if (owners.length === 0) return;
      const { sinks: ended, away } = await track(k, {
        ids: new Uint32Array(owners.length),
        positions: Int32Array.from(positions),
        steps: Int32Array.from(steps),
        rows: new Int32Array(0),
      });
      for (const [i, { slab, point }] of owners.entries()) {
        sinks.set(slab, point, ended[i]);
      }
      for (let i = 0; i < away.ids.length; i++) {
        enqueue(waiting, image, away, i, owners[away.ids[i]]);
      }
    });
  }
}

/**
 * Measure the flow errors of all labels; a label belongs to the slab in which
 * its box starts.
 *
 * @returns one error a label, f64
 */
export async function checkSlabs(
  runner: SlabRunner,
  image: SlabImage,
  painted: Pick<Painted, "boxes" | "count" | "cutMasks" | "diffusionSteps">,
  options: MasksOptions,
): Promise<Float64Array<ArrayBuffer>> {
  const { boxes, count } = painted;
  const parity = checkKind(options);
  const axis = isVolume(image.size) ? 0 : 2;
  const starts = (k: number) => boxes[8 * k + axis];
  const ends = (k: number) => boxes[8 * k + axis + 1];
  const owned: number[][] = [];
  for (let k = 0; k < count; k++) {
    (owned[Math.floor(starts(k) / image.slabRows)] ??= []).push(k);
  }
  const errors = new Float64Array(count);
  const slabs = Math.ceil(image.rows / image.slabRows);
  await runAll(runner, slabs, async (s) => {
    const own = owned[s] ?? [];
    if (own.length === 0) return;
    const begin = own.reduce(
      (first, k) => Math.min(first, starts(k)),
      Infinity,
    );
    const end = own.reduce((last, k) => Math.max(last, ends(k)), 0);
    const near: number[] = [];
    if (parity === 1) {
      const isOwn = new Set(own);
      for (let k = 0; k < count; k++) {
        const touches = starts(k) <= end && ends(k) >= begin;
        if (touches && !isOwn.has(k)) near.push(k);
      }
    }
    const labels = [...own, ...near];
    const first = labels.reduce((z, k) => Math.min(z, starts(k)), begin);
    const to = labels.reduce((last, k) => Math.max(last, ends(k)), end);
    // one plane alone would be taken for an image
    const from = axis === 0 && to - first === 1
      ? Math.max(0, first - 1)
      : first;
    const until = axis === 0 && to - from === 1 ? to + 1 : to;
    const local = new Int32Array(labels.length * 8);
    for (const [i, k] of labels.entries()) {
      local.set(boxes.subarray(8 * k, 8 * k + 8), 8 * i);
      local[8 * i + axis] -= from;
      local[8 * i + axis + 1] -= from;
    }
    const task: CheckTask = {
      kind: "check",
      size: withRows(image.size, until - from),
      flows: image.cutFlows(from, until),
      masks: painted.cutMasks(from, until),
      boxes: local,
      ids: Uint32Array.from(labels, (k) => k + 1),
      owned: own.length,
      diffusionSteps: parity === 1 ? painted.diffusionSteps : 0,
      parity,
    };
    const measured = await runner.check(task);
    for (const [i, k] of own.entries()) errors[k] = measured[i];
  });
  return errors;
}

/** Points that wait to enter a slab. */
interface Waiting {
  readonly owners: { readonly slab: number; readonly point: number }[];
  readonly positions: number[];
  readonly steps: number[];
}

function emptyQueue(): Waiting {
  return { owners: [], positions: [], steps: [] };
}

function enqueue(
  waiting: readonly Waiting[],
  image: SlabImage,
  away: Travellers,
  i: number,
  owner: Waiting["owners"][number],
): void {
  const queue = waiting[Math.floor(away.rows[i] / image.slabRows)];
  const axes = isVolume(image.size) ? 3 : 2;
  queue.owners.push(owner);
  queue.positions.push(...away.positions.subarray(axes * i, axes * (i + 1)));
  queue.steps.push(away.steps[i]);
}

function trackTask(
  image: SlabImage,
  k: number,
  halo: number,
  options: MasksOptions,
  travellers?: Travellers,
): TrackTask {
  const begin = k * image.slabRows;
  const end = Math.min(begin + image.slabRows, image.rows);
  const from = Math.max(0, begin - halo);
  const to = Math.min(image.rows, end + halo);
  return {
    kind: "track",
    size: withRows(image.size, to - from),
    flows: image.cutFlows(from, to),
    cellprob: image.cutCellprob(from, to),
    whole: image.size,
    from,
    own: [begin - from, end - from],
    ...(travellers === undefined ? {} : { travellers }),
    niter: checkNiter(options.niter ?? 200),
    isPlain: isPlain(options),
    isEarly: options.earlyStop !== false,
    threshold: options.cellprobThreshold ?? 0,
  };
}

function withRows(size: Size, rows: number): Size {
  return isVolume(size)
    ? { depth: rows, height: size.height, width: size.width }
    : { height: rows, width: size.width };
}

/** Run one job a slab, at most `concurrency` at a time. */
async function runAll(
  runner: SlabRunner,
  slabs: number,
  job: (slab: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    try {
      while (next < slabs) await job(next++);
    } catch (err) {
      // the others stop after the job they are at
      next = slabs;
      throw err;
    }
  };
  await Promise.all(Array.from({ length: runner.concurrency }, lane));
}
