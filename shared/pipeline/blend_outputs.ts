/**
 * Network outputs to flows and cell probabilities of the whole image.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import { type Core, rowsForResize, type TilePlan } from "../../wasm/mod.ts";
import type { EncodedTile } from "./encode_tiles.ts";

/** Networks are trained on flows of this length. */
const FLOW_SCALE = 5;

/** Rows that are scaled back at a time. */
const RESIZE_ROWS = 256;

/** Flows and cell probabilities of an image. */
export interface NetworkOutput {
  /** 2×H×W f32 (dY, dX), unit scale */
  readonly flows: Float32Array;
  /** H×W f32, logit */
  readonly cellprob: Float32Array;
  readonly size: Size2D;
}

/**
 * Blend tiles as they come; flows are divided by 5 here, and nowhere else.
 *
 * @param core      the core
 * @param plan      the tiles' plan
 * @param tiles     outputs in the plan's order, K×h×w f32
 * @param channels  K ≥ 3; planes before the last three are left out
 * @param onTile    called after each tile
 *
 * Source: cellpose 4.2.1.1 `average_tiles`, `run_net`. Differs: nothing.
 */
export async function blendOutputs(
  core: Core,
  plan: TilePlan,
  { tiles, channels, onTile }: {
    readonly tiles: AsyncIterable<EncodedTile>;
    readonly channels: number;
    readonly onTile?: (tile: EncodedTile, milliseconds: number) => void;
  },
): Promise<NetworkOutput> {
  const { size } = plan;
  const pixels = size.height * size.width;
  const flows = new Float32Array(2 * pixels);
  const cellprob = new Float32Array(pixels);
  const blender = core.createBlender(plan, { channels, flowScale: FLOW_SCALE });
  for await (const encoded of tiles) {
    const start = performance.now();
    for (const band of blender.add(encoded.tile, encoded.output)) {
      const length = band.height * size.width;
      const plane = (k: number) =>
        band.data.subarray(k * length, (k + 1) * length);
      const at = band.top * size.width;
      flows.set(plane(channels - 3), at);
      flows.set(plane(channels - 2), pixels + at);
      cellprob.set(plane(channels - 1), at);
    }
    onTile?.(encoded, performance.now() - start);
  }
  return { flows, cellprob, size };
}

/**
 * Scale the outputs back to the image's size.
 *
 * @param core    the core
 * @param output  at the network's size
 * @param target  the image's size
 *
 * Source: cellpose 4.2.1.1 `_run_net` (`resample`). Differs: nothing.
 */
export function resizeOutput(
  core: Core,
  output: NetworkOutput,
  target: Size2D,
): NetworkOutput {
  const { flows, cellprob, size } = output;
  if (size.height === target.height && size.width === target.width) {
    return output;
  }
  const from = size.height * size.width;
  const to = target.height * target.width;
  const resized = new Float32Array(3 * to);
  const planes = [flows.subarray(0, from), flows.subarray(from), cellprob];
  for (const [k, plane] of planes.entries()) {
    for (let first = 0; first < target.height; first += RESIZE_ROWS) {
      const count = Math.min(RESIZE_ROWS, target.height - first);
      const { top, height } = rowsForResize(size.height, target.height, {
        first,
        count,
      });
      const band = plane.subarray(
        top * size.width,
        (top + height) * size.width,
      );
      resized.set(
        core.resizeRows(band, size, target, { top, first, count }),
        k * to + first * target.width,
      );
    }
  }
  return {
    flows: resized.subarray(0, 2 * to),
    cellprob: resized.subarray(2 * to),
    size: target,
  };
}
