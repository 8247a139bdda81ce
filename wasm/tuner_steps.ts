/**
 * The steps of a tuner, each from the results of those before it: the kernels
 * that `computeMasks` calls inside the module, in its order.
 *
 * Long because kernels take many arguments, one a line.
 *
 * @module
 */
import { countPixels, type Size } from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkFlows } from "./check.ts";
import { edges } from "./flows.ts";
import {
  conventionOf,
  explainEmpty,
  isPlain,
  type Masks,
  type MasksOptions,
  putSettings,
  readFacts,
} from "./settings.ts";
import { tellTrust } from "./trust.ts";

/** What a network gave. */
export interface Output {
  readonly flows: Float32Array;
  readonly cellprob: Float32Array;
  readonly size: Size;
}

/** End points, in the kernels' numbers. */
export interface Tracked {
  /** P×axes i32 of `startPoints`; empty where steps are not interpolated. */
  readonly points: Int32Array;
  /** P u32 */
  readonly sinks: Uint32Array;
  /** P u8: whether a path came to rest. */
  readonly settled: Uint8Array;
}

/** Labels before they are checked. */
export interface Clustered {
  readonly masks: Uint32Array;
  readonly count: number;
  readonly seeds: number;
  readonly tooLarge: number;
}

/** Where the points of the foreground end. */
export function trackAll(
  arena: Arena,
  { flows, cellprob, size }: Output,
  options: MasksOptions,
): Tracked {
  const { d, h, w } = edges(size);
  const { cellprobThreshold: threshold = 0, niter = 200 } = options;
  const pixels = countPixels(size);
  return arena.scope((kernels) => {
    const cellprobAt = arena.put(cellprob);
    const flowsAt = checkFlows(arena, flows, size);
    const p = kernels.countForeground(cellprobAt, pixels, threshold);
    if (options.convention === "nearest") {
      const sinks = arena.reserve(p * 4);
      kernels.followNearest(
        sinks,
        flowsAt,
        cellprobAt,
        h,
        w,
        niter,
        threshold,
      );
      return {
        points: new Int32Array(0),
        sinks: arena.viewU32(sinks, p).slice(),
        settled: new Uint8Array(0),
      };
    }
    const convention = conventionOf(isPlain(options), d);
    const axes = d === 1 ? 2 : 3;
    const points = arena.reserve(p * axes * 4);
    const settled = arena.reserve(p);
    arena.viewU8(settled, p).fill(0);
    const packed = arena.reserve(kernels.packedBytes(d, h, w) >>> 0);
    const window = arena.reserve(64);
    const whole = d === 1 ? h : d;
    kernels.startPoints(
      points,
      cellprobAt,
      axes,
      d,
      h,
      w,
      0,
      whole,
      convention,
      threshold,
    );
    kernels.packFlows(
      packed,
      flowsAt,
      cellprobAt,
      d,
      h,
      w,
      d,
      h,
      w,
      convention,
      threshold,
    );
    kernels.wholeWindow(window, d, h, w, convention);
    checkResult(
      kernels.trackPoints(
        points,
        0,
        settled,
        packed,
        window,
        p,
        d,
        h,
        w,
        niter,
        options.earlyStop === false ? 0 : 1,
        convention,
      ),
    );
    const ends = arena.viewI32(points, p * axes).slice();
    kernels.pointsToPixels(points, points, p, d, h, w, convention);
    return {
      points: ends,
      sinks: arena.viewU32(points, p).slice(),
      settled: arena.viewU8(settled, p).slice(),
    };
  });
}

/** Sinks to labels, those that are too large dropped. */
export function clusterSinks(
  arena: Arena,
  { cellprob, size }: Output,
  { tracked, options }: { tracked: Tracked; options: MasksOptions },
): Clustered {
  const { d, h, w } = edges(size);
  const pixels = countPixels(size);
  const { sinks } = tracked;
  if (sinks.length === 0) {
    const masks = new Uint32Array(pixels);
    return { masks, count: 0, seeds: 0, tooLarge: 0 };
  }
  return arena.scope((kernels) => {
    const out = arena.reserve(pixels * 4);
    const settings = putSettings(arena, options, d);
    arena.viewI32(settings + 24, 5).fill(0);
    const at = arena.put(sinks);
    const counts = arena.reserve(pixels * 4);
    arena.viewU32(counts, pixels).fill(0);
    kernels.countSinks(counts, at, sinks.length);
    const seeds = kernels.findSeeds(0, counts, d, h, w);
    const list = arena.reserve(seeds * 8);
    kernels.findSeeds(list, counts, d, h, w);
    checkResult(kernels.paintSeeds(out, counts, list, d, h, w, seeds));
    kernels.labelSinks(at, out, sinks.length);
    kernels.paintForeground(
      out,
      at,
      arena.put(cellprob),
      pixels,
      options.cellprobThreshold ?? 0,
    );
    const count = checkResult(kernels.dropLarge(out, pixels, seeds, settings));
    return {
      masks: arena.viewU32(out, pixels).slice(),
      count,
      seeds,
      tooLarge: readFacts(arena, settings).dropped.tooLarge,
    };
  });
}

/** Flow error of each label. */
export function measureErrors(
  arena: Arena,
  { flows, size }: Output,
  { clustered, parity }: { clustered: Clustered; parity: number },
): Float64Array<ArrayBuffer> {
  const { d, h, w } = edges(size);
  const { masks, count } = clustered;
  return arena.scope((kernels) => {
    const labels = arena.put(masks);
    const flowsAt = checkFlows(arena, flows, size);
    const errors = arena.reserve(count * 8);
    checkResult(
      kernels.flowErrors(errors, flowsAt, labels, d, h, w, count, 0, parity),
    );
    return arena.viewF64(errors, count).slice();
  });
}

/** Labels to masks: bad flows, holes and small labels. */
export function cleanLabels(
  arena: Arena,
  { flows, cellprob, size }: Output,
  { tracked, clustered, errors, options }: {
    tracked: Tracked;
    clustered: Clustered;
    errors: Float64Array<ArrayBuffer> | undefined;
    options: MasksOptions;
  },
): Masks {
  const { d, h, w } = edges(size);
  const pixels = countPixels(size);
  return arena.scope((kernels) => {
    const settings = putSettings(arena, options, d);
    arena.viewI32(settings + 24, 5).fill(0);
    const out = arena.put(clustered.masks);
    let { count } = clustered;
    if (count > 0) {
      const errorsAt = errors === undefined ? 0 : arena.put(errors);
      count = checkResult(
        kernels.cleanMasks(out, errorsAt, d, h, w, count, settings),
      );
    }
    const { dropped } = readFacts(arena, settings);
    const facts = {
      foreground: tracked.sinks.length,
      seeds: clustered.seeds,
      dropped: { ...dropped, tooLarge: clustered.tooLarge },
    };
    const reason = count === 0 ? explainEmpty(facts, options) : undefined;
    const masks = arena.viewU32(out, pixels).slice();
    const found = {
      masks,
      count,
      ...facts,
      ...(reason === undefined ? {} : { emptyReason: reason }),
    };
    if (!options.confidence && !options.settled) return found;
    const threshold = options.cellprobThreshold ?? 0;
    const cellprobAt = arena.put(cellprob);
    const settled = arena.reserve(pixels);
    kernels.scatterFlags(
      settled,
      arena.put(tracked.settled),
      cellprobAt,
      pixels,
      threshold,
    );
    return {
      ...found,
      ...tellTrust(arena, options, {
        masks: out,
        flows: options.confidence ? checkFlows(arena, flows, size) : 0,
        cellprob: cellprobAt,
        settled,
        size,
        count,
      }),
    };
  });
}
