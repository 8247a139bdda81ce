/**
 * The diameter of an image's cells, by looking at it at a few scales.
 *
 *   whole image, small → the window with most detail, twice as large → …
 *     → the diameter that makes all looks likely
 *
 * For networks whose style is a diameter. A look costs as much as a small
 * tile; there are at most five, three for an image of 512².
 *
 * @module
 */
import { ModelError } from "../errors.ts";
import type { Size2D } from "../ndarray.ts";
import { type Core, planTiles } from "../../wasm/mod.ts";
import { blendOutputs, type NetworkOutput } from "./blend_outputs.ts";
import type { Encoder } from "./encoder.ts";
import { assumeTable, type Look, readTable, weighLooks } from "./look_table.ts";
import { resizedRows } from "./resized_rows.ts";
import type { RowSource } from "./rows.ts";

/** Edge of what a look sees, at most; network pixels. */
const EDGE = 192;
/** Looks, at most. */
const LOOKS = 5;
/** From a look to the next, at least. */
const LEAST_STEP = 2;
/** Images are never looked at larger than this. */
const MAX_SCALE = 2.2;
/** Diameters that are looked for, pixels of the image. */
const RANGE = [6, 160] as const;
/** Fewer whole cells do not tell a median. */
const LEAST_CELLS = 3;
/** Edge of the blocks that detail is summed in, network pixels. */
const BLOCK = 8;

/** A diameter, pixels, and how it came about. */
export interface SteppedEstimate {
  readonly diameter: number;
  readonly looks: readonly Look[];
}

/** What looks are taken with. */
export interface LookDeps {
  readonly core: Core;
  /** Of a network that tells diameters. */
  readonly encoder: Encoder;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Estimate the diameter of the cells of an image.
 *
 * @param source  the image, normalized, channels in place
 * @throws {ModelError} if the network gives no style of one number
 *
 * Source: cellpose 3.1 `SizeModel.eval` (style, then the cells' median).
 * Differs: windows at several scales instead of the whole image at one, all
 * of them weighed.
 */
export async function estimateBySteps(
  source: RowSource,
  deps: LookDeps,
): Promise<SteppedEstimate> {
  const { model } = deps.encoder;
  const looks = await takeLooks(source, deps);
  const table = model.looks === undefined
    ? assumeTable(model.diameter)
    : readTable(model.looks);
  // runtimes differ in last bits; a tenth of a pixel hides them
  const diameter = Math.round(10 * weighLooks(looks, table, RANGE)) / 10;
  return { diameter, looks };
}

/**
 * Look at an image: whole, then at windows.
 *
 * @param source  the image, normalized, channels in place
 * @throws {ModelError} if the network gives no style of one number
 */
export async function takeLooks(
  source: RowSource,
  { signal, ...deps }: LookDeps,
): Promise<Look[]> {
  const { height, width } = source.size;
  const whole = Math.min(1, EDGE / Math.max(height, width));
  // the last look is near the image's own scale, however large it is
  const step = Math.max(LEAST_STEP, (MAX_SCALE / whole) ** (1 / (LOOKS - 1)));
  let center: readonly [number, number] = [height / 2, width / 2];
  const looks: Look[] = [];
  for (
    let scale = whole;
    looks.length < LOOKS && scale <= MAX_SCALE;
    scale *= step
  ) {
    signal?.throwIfAborted();
    const seen = await lookAt(source, { ...deps, scale, step, center });
    looks.push(seen.look);
    center = seen.busiest;
  }
  return looks;
}

async function lookAt(
  source: RowSource,
  { core, encoder, scale, step, center }: {
    core: Core;
    encoder: Encoder;
    scale: number;
    step: number;
    center: readonly [number, number];
  },
): Promise<{ look: Look; busiest: readonly [number, number] }> {
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
  const data = await cutWindow(scaled, window, size);
  const { outputs, styles } = await encoder.encode({
    data,
    count: 1,
    channels: scaled.channels,
    ...size,
  });
  if (styles?.length !== 1) {
    throw new ModelError(
      model.name,
      "gives no diameter; give the diameter of the cells",
    );
  }
  const { flows, cellprob } = await readOutputs(core, { outputs, size, model });
  const detail = core.measureDetail(data, cellprob, {
    size,
    rows: window.y.length,
    columns: window.x.length,
    block: BLOCK,
  });
  const middle = findBusiest(detail, {
    height: Math.floor(window.y.length / BLOCK),
    width: Math.floor(window.x.length / BLOCK),
  }, Math.round(EDGE / step / BLOCK));
  return {
    look: {
      scale,
      style: styles[0],
      cells: measureCells(core, { flows, cellprob, size }),
    },
    busiest: [
      (window.y.start + middle[0]) / scale,
      (window.x.start + middle[1]) / scale,
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

/** The network's planes, as the pipeline blends them. */
function readOutputs(
  core: Core,
  { outputs, size, model }: {
    outputs: Float32Array;
    size: Size2D;
    model: Encoder["model"];
  },
): Promise<NetworkOutput> {
  const plan = planTiles(size, { tileSize: EDGE + EDGE, pad: false });
  async function* tiles() {
    yield { tile: 0, output: await outputs };
  }
  return blendOutputs(core, plan, { tiles: tiles(), channels: model.outputs });
}

/** Median diameter of the whole cells. */
function measureCells(
  core: Core,
  { flows, cellprob, size }: NetworkOutput,
): number | null {
  const options = { parity: false, convention: "plain" } as const;
  const { masks, count } = core.computeMasks(flows, cellprob, size, options);
  if (count === 0) return null;
  const inner = core.removeEdgeMasks(masks, size);
  const { diameter, labels } = core.estimateDiameter(inner.masks, size);
  return labels.length < LEAST_CELLS ? null : diameter;
}

/**
 * Middle of what the next look should see: as many blocks as it covers, where
 * they hold most.
 *
 * @param edge  blocks
 * @returns network pixels of this window
 */
function findBusiest(
  detail: Float32Array,
  { height, width }: Size2D,
  edge: number,
): readonly [number, number] {
  const [rows, columns] = [Math.min(edge, height), Math.min(edge, width)];
  let most = -1;
  let best = [0, 0];
  for (let top = 0; top + rows <= height; top++) {
    for (let left = 0; left + columns <= width; left++) {
      let sum = 0;
      for (let y = top; y < top + rows; y++) {
        for (let x = left; x < left + columns; x++) {
          sum += detail[y * width + x];
        }
      }
      if (sum > most) [most, best] = [sum, [top, left]];
    }
  }
  return [(best[0] + rows / 2) * BLOCK, (best[1] + columns / 2) * BLOCK];
}
