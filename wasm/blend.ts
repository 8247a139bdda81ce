/**
 * Blending of tile outputs into one image, one tile at a time.
 *
 * A blender holds one row of tiles (channels × tile height × image width);
 * rows that no later tile can touch leave it as finished bands.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import { checkLength } from "../shared/ndarray.ts";
import type { Arena } from "./arena.ts";
import type { TilePlan } from "./tile_plan.ts";
import { flipBits, readFlowChannel, readTile, taperAxes } from "./tiles.ts";

/** Settings of `createBlender`. */
export interface BlendOptions {
  /** Channels of the network's output; 3: dY, dX, cellprob */
  readonly channels?: number;
  /**
   * Channel of dY, dX follows: signs of flipped tiles are undone there. The
   * third from the end, as networks with classes put these first; `null`: no
   * flows, the default below 3 channels
   */
  readonly flowChannel?: number | null;
  /** Flows are divided by this at the end; 1 (Cellpose's networks: 5) */
  readonly flowScale?: number;
}

/** Finished rows of the image, without padding. */
export interface Band {
  /** First row in the image */
  readonly top: number;
  readonly height: number;
  /** C×height×W f32 */
  readonly data: Float32Array;
}

/** Adds up tiles; `add` returns what has been finished by each. */
export interface Blender {
  /**
   * Add the network's output for one tile, flipped as the tile was.
   *
   * Tiles are added up in the plan's order, whatever order they come in:
   * those that come too early are kept, so the sum does not depend on it.
   *
   * @param tile    number of the tile in the plan
   * @param output  C×tileHeight×tileWidth f32; copied where kept
   * @returns       finished bands from top to bottom, mostly none
   * @throws {ArgumentError | ShapeError} if the tile is unknown or was added
   */
  add(tile: number, output: Float32Array): Band[];
  /** Number of tiles still to be added. */
  missing(): number;
}

/** Blending; part of the core. */
export function blending(arena: Arena) {
  /**
   * Start to blend the outputs of a plan's tiles.
   *
   * Taper-weighted mean: Σ output·weight ÷ Σ weight.
   *
   * @param plan     `planTiles`
   * @param options  channels, flows and their scale
   * @throws {ArgumentError} naming the option
   *
   * Source: cellpose 4.2.1 `average_tiles`, `unaugment_tiles`, `run_net`.
   * Differs: nothing beyond rounding; any number of channels.
   */
  function createBlender(plan: TilePlan, options: BlendOptions = {}): Blender {
    const { channels, flowChannel, flowScale } = readOptions(options);
    const { tileHeight, tileWidth, paddedWidth, rows, columns } = plan;
    const tileLength = channels * tileHeight * tileWidth;
    const { taperY, taperX, weightY, weightX } = sumWeights(arena, plan);
    // sums of the current row of tiles, C×tileHeight×paddedWidth
    const sums = new Float32Array(channels * tileHeight * paddedWidth);
    const early = new Map<number, Float32Array>();
    let next = 0;

    function add(tile: number, output: Float32Array): Band[] {
      readTile(plan, tile);
      checkLength("output", output, tileLength);
      if (tile < next || early.has(tile)) {
        throw new ArgumentError("tile", `${tile} was added before`);
      }
      if (tile > next) {
        early.set(tile, output.slice());
        return [];
      }
      const bands: Band[] = [];
      let current: Float32Array | undefined = output;
      while (current !== undefined) {
        addNext(current);
        early.delete(next);
        next++;
        if (next % columns.length === 0) bands.push(...finishRow());
        current = early.get(next);
      }
      return bands;
    }

    function addNext(output: Float32Array): void {
      const left = columns[next % columns.length];
      arena.scope((kernels) => {
        const at = arena.put(output);
        const y = arena.put(taperY);
        const x = arena.put(taperX);
        const windowAt = arena.reserve(tileLength * 4);
        const window = arena.viewF32(windowAt, tileLength);
        if (tileWidth === paddedWidth) window.set(sums);
        else {
          for (let row = 0; row < channels * tileHeight; row++) {
            const from = row * paddedWidth + left;
            window.set(sums.subarray(from, from + tileWidth), row * tileWidth);
          }
        }
        kernels.addTile(
          windowAt,
          at,
          y,
          x,
          channels,
          tileHeight,
          tileWidth,
          tileHeight * tileWidth,
          tileWidth,
          flipBits(plan.tiles[next]),
          flowChannel,
        );
        if (tileWidth === paddedWidth) {
          sums.set(window);
          return;
        }
        for (let row = 0; row < channels * tileHeight; row++) {
          const from = row * tileWidth;
          const line = window.subarray(from, from + tileWidth);
          sums.set(line, row * paddedWidth + left);
        }
      });
    }

    /** Take out the rows above the next row of tiles. */
    function finishRow(): Band[] {
      const row = next / columns.length - 1;
      const top = rows[row];
      const end = row + 1 < rows.length ? rows[row + 1] : top + tileHeight;
      const band = finishBand(top, end);
      const done = (end - top) * paddedWidth;
      for (let channel = 0; channel < channels; channel++) {
        const plane = sums.subarray(
          channel * tileHeight * paddedWidth,
          (channel + 1) * tileHeight * paddedWidth,
        );
        plane.copyWithin(0, done);
        plane.fill(0, plane.length - done);
      }
      return band;
    }

    /** Divide rows top..end of the padded image; padding is left out. */
    function finishBand(top: number, end: number): Band[] {
      const first = Math.max(top, plan.padTop);
      const last = Math.min(end, plan.padTop + plan.size.height);
      const height = last - first;
      if (height <= 0) return [];
      const { width } = plan.size;
      const data = arena.scope((kernels) => {
        const length = height * paddedWidth;
        const at = arena.reserve(channels * length * 4);
        const y = arena.put(weightY.subarray(first, last));
        const x = arena.put(weightX);
        const out = arena.reserve(channels * height * width * 4);
        const rows = arena.viewF32(at, channels * length);
        for (let channel = 0; channel < channels; channel++) {
          const from = (channel * tileHeight + first - top) * paddedWidth;
          rows.set(sums.subarray(from, from + length), channel * length);
        }
        kernels.finishRows(
          out,
          at,
          y,
          x,
          channels,
          height,
          width,
          plan.padLeft,
          paddedWidth,
          flowChannel,
          flowScale,
        );
        return arena.viewF32(out, channels * height * width).slice();
      });
      return [{ top: first - plan.padTop, height, data }];
    }

    return { add, missing: () => plan.tiles.length - next - early.size };
  }

  /**
   * Blend the outputs of all tiles at once.
   *
   * @param outputs  one C×tileHeight×tileWidth f32 a tile, in the plan's order
   * @param plan     `planTiles`
   * @param options  channels, flows and their scale
   * @returns        C×H×W f32
   * @throws {ArgumentError | ShapeError} if an output is missing or too many
   *
   * Source: cellpose 4.2.1 `average_tiles`. Differs: nothing beyond rounding.
   */
  function blendTiles(
    outputs: Iterable<Float32Array>,
    plan: TilePlan,
    options: BlendOptions = {},
  ): Float32Array {
    const { channels } = readOptions(options);
    const { height, width } = plan.size;
    const blended = new Float32Array(channels * height * width);
    const blender = createBlender(plan, options);
    let tile = 0;
    for (const output of outputs) {
      for (const band of blender.add(tile, output)) {
        const length = band.height * width;
        for (let channel = 0; channel < channels; channel++) {
          blended.set(
            band.data.subarray(channel * length, (channel + 1) * length),
            (channel * height + band.top) * width,
          );
        }
      }
      tile++;
    }
    if (blender.missing() > 0) {
      throw new ArgumentError(
        "outputs",
        `has ${tile} tiles, the plan ${plan.tiles.length}`,
      );
    }
    return blended;
  }

  return { createBlender, blendTiles };
}

function readOptions(options: BlendOptions) {
  const { channels = 3, flowScale = 1 } = options;
  if (!Number.isInteger(channels) || channels < 1) {
    throw new ArgumentError(
      "channels",
      `must be a positive integer, is ${channels}`,
    );
  }
  if (!(flowScale > 0 && Number.isFinite(flowScale))) {
    throw new ArgumentError("flowScale", `must be above 0, is ${flowScale}`);
  }
  const { flowChannel = channels >= 3 ? channels - 3 : null } = options;
  return {
    channels,
    flowScale,
    flowChannel: readFlowChannel(flowChannel ?? undefined, channels),
  };
}

/** Weights of a tile, and their sums over all tiles, along both axes. */
function sumWeights(arena: Arena, plan: TilePlan) {
  const { tileHeight, tileWidth, paddedHeight, paddedWidth } = plan;
  const { taperY, taperX } = taperAxes(arena, {
    height: tileHeight,
    width: tileWidth,
  });
  const sum = (starts: Int32Array, taper: Float64Array, length: number) =>
    arena.scope((kernels) => {
      const at = arena.put(starts);
      const weights = arena.put(taper);
      const out = arena.reserve(length * 8);
      kernels.sumTapers(
        out,
        at,
        weights,
        starts.length,
        taper.length,
        length,
      );
      return arena.viewF64(out, length).slice();
    });
  return {
    taperY,
    taperX,
    weightY: sum(plan.rows, taperY, paddedHeight),
    weightX: sum(plan.columns, taperX, paddedWidth),
  };
}
