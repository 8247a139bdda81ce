/**
 * Network outputs to flows and cell probabilities of the whole image.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import {
  type Core,
  createPace,
  rowsForResize,
  type Store,
  type TilePlan,
} from "../../wasm/mod.ts";
import { arrayStore } from "./array_store.ts";
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

/** The same in a store. */
export interface StoredOutput {
  /** 3×H×W f32: dY, dX, cellprob. */
  readonly store: Store<Float32Array<ArrayBuffer>>;
  readonly size: Size2D;
}

/** An output in memory, and the store that fills it. */
export function createOutput(size: Size2D): StoredOutput & NetworkOutput {
  const pixels = size.height * size.width;
  const all = new Float32Array(3 * pixels);
  return {
    store: arrayStore(all),
    size,
    flows: all.subarray(0, 2 * pixels),
    cellprob: all.subarray(2 * pixels),
  };
}

/**
 * Blend tiles as they come, in memory; see `blendInto`.
 *
 * @returns  flows at unit scale and cell probabilities
 */
export async function blendOutputs(
  core: Core,
  plan: TilePlan,
  options: Omit<Parameters<typeof blendInto>[2], "store">,
): Promise<NetworkOutput> {
  const { store, ...output } = createOutput(plan.size);
  await blendInto(core, plan, { ...options, store });
  return output;
}

/**
 * Blend tiles as they come; flows are divided by 5 here, and nowhere else.
 *
 * @param core  the core
 * @param plan  the tiles' plan
 * @param job   outputs in the plan's order, K×h×w f32, K ≥ 3: planes before
 *              the last three are left out; where they go; what to call after
 *              each tile
 *
 * Source: cellpose 4.2.1.1 `average_tiles`, `run_net`. Differs: nothing.
 */
export async function blendInto(
  core: Core,
  plan: TilePlan,
  { tiles, channels, store, onTile }: {
    readonly tiles: AsyncIterable<EncodedTile>;
    readonly channels: number;
    readonly store: StoredOutput["store"];
    readonly onTile?: (tile: EncodedTile, milliseconds: number) => void;
  },
): Promise<void> {
  const { size } = plan;
  const pixels = size.height * size.width;
  const blender = core.createBlender(plan, { channels, flowScale: FLOW_SCALE });
  for await (const encoded of tiles) {
    const start = performance.now();
    for (const band of blender.add(encoded.tile, encoded.output)) {
      const length = band.height * size.width;
      for (let c = 0; c < 3; c++) {
        const k = channels - 3 + c;
        const rows = band.data.subarray(k * length, (k + 1) * length);
        store.write(c * pixels + band.top * size.width, rows);
      }
    }
    onTile?.(encoded, performance.now() - start);
  }
}

/**
 * Scale the outputs back to the image's size.
 *
 * @param core  the core
 * @param from  at the network's size
 * @param to    at the image's size, out
 *
 * Source: cellpose 4.2.1.1 `_run_net` (`resample`). Differs: nothing.
 */
export async function resizeOutput(
  core: Core,
  from: StoredOutput,
  to: StoredOutput,
): Promise<void> {
  const { height, width } = from.size;
  const target = to.size;
  const pixels = target.height * target.width;
  const pace = createPace();
  for (let k = 0; k < 3; k++) {
    for (let first = 0; first < target.height; first += RESIZE_ROWS) {
      const count = Math.min(RESIZE_ROWS, target.height - first);
      await pace(count * target.width);
      const choice = { first, count };
      const band = rowsForResize(height, target.height, choice);
      const rows = from.store.read(
        (k * height + band.top) * width,
        band.height * width,
      );
      const resized = core.resizeRows(rows, from.size, target, {
        top: band.top,
        ...choice,
      });
      to.store.write(k * pixels + first * target.width, resized);
    }
  }
}

/** Whether two sizes are one. */
export function isSameSize(a: Size2D, b: Size2D): boolean {
  return a.height === b.height && a.width === b.width;
}
