/**
 * The diameter of an image's cells, by looking at it at a few scales.
 *
 *   whole image, small → a window, twice as large → … → the look with the
 *     least doubt → its diameter, or the median of the cells in it
 *
 * For networks whose style is a diameter and how much it is to be doubted. A
 * look costs as much as a small tile; there are at most four.
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import { type Core, planTiles } from "../../wasm/mod.ts";
import { blendOutputs } from "./blend_outputs.ts";
import type { Encoder } from "./encoder.ts";
import { resizedRows, type RowSource } from "./rows.ts";

/** Edge of what a look sees, at most; network pixels. */
const EDGE = 192;
/** Looks, at most. */
const LOOKS = 4;
/** From a look to the next. */
const STEP = 2;
/** Images are never looked at larger than this. */
const MAX_SCALE = 2.2;
/** Diameters that are looked for, pixels of the image. */
const RANGE = [6, 160] as const;
/** Fewer whole cells do not tell a median. */
const LEAST_CELLS = 3;
/** Cells and style disagree by more than this: the style is taken. */
const AGREE = 1.6;

/** What one look told. */
export interface Look {
  /** Network pixels a pixel. */
  readonly scale: number;
  /** By the style, pixels of the image. */
  readonly diameter: number;
  /** Expected error, log2, and distance from the network's own scale. */
  readonly doubt: number;
  /** Median of the whole cells seen, pixels of the image; `null`: too few. */
  readonly median: number | null;
}

/** A diameter, pixels, and how it came about. */
export interface SteppedEstimate {
  readonly diameter: number;
  readonly looks: readonly Look[];
}

/**
 * Estimate the diameter of the cells of an image.
 *
 * @param source  the image, normalized, channels in place
 * @throws {ModelError} if the network gives no style of two numbers
 *
 * Source: cellpose 3.1 `SizeModel.eval` (style, then the cells' median).
 * Differs: windows at several scales instead of the whole image at one.
 */
export async function estimateBySteps(
  source: RowSource,
  { core, encoder, signal }: {
    readonly core: Core;
    readonly encoder: Encoder;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<SteppedEstimate> {
  const { height, width } = source.size;
  const whole = Math.min(1, EDGE / Math.max(height, width));
  let center: readonly [number, number] = [height / 2, width / 2];
  const looks: Look[] = [];
  for (
    let scale = whole;
    looks.length < LOOKS && scale <= MAX_SCALE;
    scale *= STEP
  ) {
    signal?.throwIfAborted();
    const seen = await lookAt(source, { core, encoder, scale, center });
    looks.push(seen.look);
    center = seen.middle ?? center;
  }
  const best = looks.reduce((a, b) => b.doubt < a.doubt ? b : a);
  const { diameter, median } = best;
  const isAgreed = median !== null && median < AGREE * diameter &&
    diameter < AGREE * median;
  // runtimes differ in last bits; a tenth of a pixel hides them
  const rounded = Math.round(10 * (isAgreed ? median : diameter)) / 10;
  return { diameter: rounded, looks };
}

async function lookAt(
  source: RowSource,
  { core, encoder, scale, center }: {
    core: Core;
    encoder: Encoder;
    scale: number;
    center: readonly [number, number];
  },
): Promise<{ look: Look; middle: readonly [number, number] | undefined }> {
  const { model } = encoder;
  const target = {
    height: Math.max(1, Math.round(source.size.height * scale)),
    width: Math.max(1, Math.round(source.size.width * scale)),
  };
  const scaled = resizedRows(core, source, target);
  const multiple = model.tileMultiple ?? 1;
  const window = {
    y: placeWindow(center[0] * scale, target.height, multiple),
    x: placeWindow(center[1] * scale, target.width, multiple),
  };
  const size = { height: window.y.padded, width: window.x.padded };
  const { outputs, styles } = await encoder.encode({
    data: await cutWindow(scaled, window, size),
    count: 1,
    channels: scaled.channels,
    ...size,
  });
  if (styles?.length !== 2) {
    throw new ModelError(
      model.name,
      "gives no diameter; give the diameter of the cells",
    );
  }
  const clamp = (d: number) => Math.min(Math.max(d, RANGE[0]), RANGE[1]);
  const found = await measureCells(core, { outputs, size, model });
  return {
    look: {
      scale,
      diameter: clamp(styles[0] / scale),
      doubt: styles[1],
      median: found.median === null ? null : clamp(found.median / scale),
    },
    middle: found.middle === undefined ? undefined : [
      (window.y.start + found.middle[0]) / scale,
      (window.x.start + found.middle[1]) / scale,
    ],
  };
}

/** An axis of the window: where it starts, what it covers, with zeros. */
interface Span {
  readonly start: number;
  readonly length: number;
  readonly padded: number;
}

function placeWindow(middle: number, edge: number, multiple: number): Span {
  const length = Math.min(edge, EDGE);
  const start = Math.round(middle - length / 2);
  return {
    start: Math.min(Math.max(start, 0), edge - length),
    length,
    padded: Math.ceil(length / multiple) * multiple,
  };
}

async function cutWindow(
  { channels, size: { width }, rows }: RowSource,
  { y, x }: { y: Span; x: Span },
  size: Size2D,
): Promise<Float32Array> {
  const band = await rows(y.start, y.length);
  const out = new Float32Array(channels * size.height * size.width);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < y.length; row++) {
      const from = (c * y.length + row) * width + x.start;
      out.set(
        band.subarray(from, from + x.length),
        (c * size.height + row) * size.width,
      );
    }
  }
  return out;
}

/** Median diameter of the whole cells, and where cells are. */
async function measureCells(
  core: Core,
  { outputs, size, model }: {
    outputs: Float32Array;
    size: Size2D;
    model: Encoder["model"];
  },
): Promise<
  { median: number | null; middle: readonly [number, number] | undefined }
> {
  const plan = planTiles(size, { tileSize: EDGE + EDGE, pad: false });
  async function* tiles() {
    yield { tile: 0, output: await outputs };
  }
  const { flows, cellprob } = await blendOutputs(core, plan, {
    tiles: tiles(),
    channels: model.outputs,
  });
  const options = { parity: false, convention: "plain" } as const;
  const { masks, count } = core.computeMasks(flows, cellprob, size, options);
  if (count === 0) return { median: null, middle: undefined };
  const { centroid } = core.measureRegions(masks, size);
  const inner = core.removeEdgeMasks(masks, size);
  const { diameter, labels } = core.estimateDiameter(inner.masks, size);
  return {
    median: labels.length < LEAST_CELLS ? null : diameter,
    middle: pickMiddle(centroid),
  };
}

/** The cell that is nearest to the mean of all: where cells are. */
function pickMiddle(centroids: Float64Array): readonly [number, number] {
  const count = centroids.length / 2;
  const mean = [0, 0];
  for (const [i, value] of centroids.entries()) mean[i % 2] += value / count;
  let best = 0;
  let least = Infinity;
  for (let k = 0; k < count; k++) {
    const dy = centroids[2 * k] - mean[0];
    const dx = centroids[2 * k + 1] - mean[1];
    const distance = dy * dy + dx * dx;
    if (distance < least) [best, least] = [k, distance];
  }
  return [centroids[2 * best], centroids[2 * best + 1]];
}
