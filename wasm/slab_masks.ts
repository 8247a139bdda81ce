/**
 * Masks of an image that is too large for one call, or that several workers
 * share: the same masks, bit for bit, as one call gives.
 *
 * Tracking and the flow check run slab by slab. Sinks are counted, and masks
 * are cleaned, in one instance with at most 8 bytes a pixel, so an image of
 * 16384×16384 stays within WASM's 4 GiB.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  countPixels,
  isVolume,
  type Size,
} from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkEdges, checkFloats } from "./check.ts";
import { edges } from "./flows.ts";
import {
  explainEmpty,
  type Masks,
  type MasksOptions,
  putSettings,
  readFacts,
} from "./settings.ts";
import { checkSlabs, trackSlabs } from "./slabs.ts";
import type {
  Painted,
  SinkStore,
  SlabImage,
  SlabOptions,
  SlabRunner,
} from "./slab_plan.ts";

/** Pixels of a slab by default: about 0.5 GB while it is tracked. */
const SLAB_PIXELS = 2 ** 24;

/**
 * Compute masks slab by slab; the contract is that of `computeMasks`.
 *
 * @param arena     instance that counts sinks and cleans
 * @param runner    where slabs are tracked and checked
 * @param flows     2×H×W or 3×D×H×W f32, unit scale
 * @param cellprob  H×W or D×H×W f32, logit
 * @param size      size of the image or volume
 * @param options   parameters of `computeMasks`, and the rows of a slab
 * @throws {ArgumentError | ShapeError | CoreMemoryError} as `computeMasks`
 */
export async function computeMasksBySlab(
  arena: Arena,
  runner: SlabRunner,
  { flows, cellprob, size, options = {} }: {
    flows: Float32Array;
    cellprob: Float32Array;
    size: Size;
    options?: SlabOptions;
  },
): Promise<Masks> {
  const image = cutImage(flows, cellprob, size, options);
  const sinks: Uint32Array<ArrayBuffer>[] = [];
  // wrong parameters are found before anything runs
  arena.scope(() => putSettings(arena, options, edges(size).d));
  checkValues(arena, image, flows.length - image.flows.length);
  await trackSlabs(runner, { image, sinks: keepSinks(sinks) }, options);
  const painted = paintMasks(arena, image, sinks, options);
  const errors = painted.count > 0 && painted.isChecked
    ? await checkSlabs(runner, image, painted, options)
    : undefined;
  return cleanMasks(arena, image, painted, errors, options);
}

/** An image in memory. */
interface WholeImage extends SlabImage {
  readonly flows: Float32Array;
  readonly cellprob: Float32Array;
}

/** The sinks of all slabs in memory. */
function keepSinks(sinks: Uint32Array<ArrayBuffer>[]): SinkStore {
  return {
    put: (slab, ended) => void (sinks[slab] = ended),
    get: (slab) => sinks[slab],
    set: (slab, point, sink) => void (sinks[slab][point] = sink),
  };
}

function cutImage(
  flows: Float32Array,
  cellprob: Float32Array,
  size: Size,
  options: SlabOptions,
): WholeImage {
  const pixels = countPixels(size);
  checkEdges(size);
  checkFloats("flows", flows);
  checkFloats("cellprob", cellprob);
  for (const name of ["confidence", "settled"] as const) {
    if ((options as MasksOptions)[name]) {
      throw new ArgumentError(
        name,
        "is not measured slab by slab; call computeMasks",
      );
    }
  }
  checkLength("flows", flows, pixels * (isVolume(size) ? 3 : 2));
  checkLength("cellprob", cellprob, pixels);
  const { d, h } = edges(size);
  const rows = d === 1 ? h : d;
  const rowPixels = pixels / rows;
  const slabRows = options.slabRows ??
    Math.max(1, Math.ceil(SLAB_PIXELS / rowPixels));
  if (!Number.isInteger(slabRows) || slabRows < 1) {
    throw new ArgumentError(
      "slabRows",
      `must be a positive integer, is ${slabRows}`,
    );
  }
  // a volume of one plane is tracked as an image, without dZ
  const isFlat = isVolume(size) && d === 1;
  const used = isFlat ? flows.subarray(pixels) : flows;
  return {
    flows: used,
    cellprob,
    cutFlows(from, to) {
      const length = (to - from) * rowPixels;
      const planes = used.length / pixels;
      const out = new Float32Array(planes * length);
      for (let c = 0; c < planes; c++) {
        const at = c * pixels + from * rowPixels;
        out.set(used.subarray(at, at + length), c * length);
      }
      return out;
    },
    cutCellprob: (from, to) =>
      new Float32Array(cellprob.subarray(from * rowPixels, to * rowPixels)),
    size: d === 1 ? { height: size.height, width: size.width } : size,
    rows,
    rowPixels,
    slabRows,
  };
}

/** Values are checked before anything runs, a slab at a time. */
function checkValues(arena: Arena, image: WholeImage, skipped: number): void {
  const chunk = image.rowPixels * image.slabRows;
  for (const name of ["flows", "cellprob"] as const) {
    const array = image[name];
    for (let at = 0; at < array.length; at += chunk) {
      const part = array.subarray(at, Math.min(at + chunk, array.length));
      const bad = arena.scope((kernels) => {
        const put = arena.put(part);
        return name === "flows"
          ? kernels.findNonFinite(put, part.length)
          : kernels.findNaN(put, part.length);
      });
      if (bad >= 0) {
        throw new ArgumentError(
          name,
          `value ${part[bad]} at index ${
            at + bad + (name === "flows" ? skipped : 0)
          } is not finite; the network's output is broken there`,
        );
      }
    }
  }
}

/** Masks in memory. */
interface PaintedWhole extends Painted {
  readonly masks: Uint32Array<ArrayBuffer>;
}

/** Count the sinks of all slabs, grow the seeds, paint the masks. */
function paintMasks(
  arena: Arena,
  image: WholeImage,
  sinks: readonly Uint32Array<ArrayBuffer>[],
  options: MasksOptions,
): PaintedWhole {
  const { d, h, w } = edges(image.size);
  const n = d * h * w;
  const masks = new Uint32Array(n);
  const threshold = options.cellprobThreshold ?? 0;
  const seeds = arena.scope((kernels) => {
    const labels = arena.reserve(n * 4);
    const count = arena.scope(() => {
      const counts = arena.reserve(n * 4);
      arena.viewU32(counts, n).fill(0);
      for (const part of sinks) {
        arena.scope(() => {
          kernels.countSinks(counts, arena.put(part), part.length);
        });
      }
      const seeds = kernels.findSeeds(0, counts, d, h, w);
      const list = arena.reserve(seeds * 8);
      kernels.findSeeds(list, counts, d, h, w);
      checkResult(kernels.paintSeeds(labels, counts, list, d, h, w, seeds));
      return seeds;
    });
    const chunk = image.slabRows * image.rowPixels;
    for (const [k, part] of sinks.entries()) {
      arena.scope(() => {
        const begin = k * chunk;
        const end = Math.min(begin + chunk, n);
        const at = arena.put(part);
        kernels.labelSinks(at, labels, part.length);
        const cellprob = arena.put(image.cellprob.subarray(begin, end));
        const out = arena.reserve((end - begin) * 4);
        kernels.paintForeground(out, at, cellprob, end - begin, threshold);
        masks.set(arena.viewU32(out, end - begin), begin);
      });
    }
    return count;
  });
  const foreground = sinks.reduce((sum, part) => sum + part.length, 0);

  return arena.scope((kernels) => {
    const settings = putSettings(arena, options, d);
    arena.viewI32(settings + 24, 5).fill(0);
    const at = arena.put(masks);
    const count = checkResult(kernels.dropLarge(at, n, seeds, settings));
    masks.set(arena.viewU32(at, n));
    const boxes = arena.reserve(count * 32);
    kernels.findBoxes(boxes, at, d, h, w, count);
    return {
      masks,
      cutMasks: (from, to) =>
        masks.slice(from * image.rowPixels, to * image.rowPixels),
      count,
      boxes: arena.viewI32(boxes, count * 8).slice(),
      diffusionSteps: kernels.maxDiffusionSteps(boxes, count, d),
      isChecked: new Float32Array(arena.viewF32(settings + 8, 1))[0] > 0,
      facts: { ...readFacts(arena, settings), foreground, seeds },
    };
  });
}

function cleanMasks(
  arena: Arena,
  image: SlabImage,
  painted: PaintedWhole,
  errors: Float64Array<ArrayBuffer> | undefined,
  options: MasksOptions,
): Masks {
  const { d, h, w } = edges(image.size);
  const { masks } = painted;
  return arena.scope((kernels) => {
    const settings = putSettings(arena, options, d);
    arena.viewI32(settings + 24, 5).fill(0);
    let count = painted.count;
    if (count > 0) {
      const at = arena.put(masks);
      const errorsAt = errors === undefined ? 0 : arena.put(errors);
      count = checkResult(
        kernels.cleanMasks(at, errorsAt, d, h, w, count, settings),
      );
      masks.set(arena.viewU32(at, masks.length));
    }
    const { dropped } = readFacts(arena, settings);
    const facts = {
      ...painted.facts,
      dropped: { ...dropped, tooLarge: painted.facts.dropped.tooLarge },
    };
    const emptyReason = count === 0 ? explainEmpty(facts, options) : undefined;
    return {
      masks,
      count,
      ...facts,
      ...(emptyReason === undefined ? {} : { emptyReason }),
    };
  });
}
