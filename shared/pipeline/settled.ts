/**
 * How many of the cells' paths came to rest: of all cells up to 4 Mpx, beyond
 * that of those in a few windows, which stand for the whole. The size of the
 * image decides, not the way it is segmented.
 *
 * @module
 */
import type { Size2D } from "../ndarray.ts";
import type { Core, Masks, MasksOptions, Store } from "../../wasm/mod.ts";
import { takeTurns } from "../../wasm/mod.ts";

/** Paths of larger images are not all measured, nor tracked in one call. */
export const WHOLE_PIXELS = 2 ** 22;

/** Edge of a window; four lie around the middles of the image's quarters. */
const WINDOW = 512;

/**
 * Measure the share in windows: one of up to 4 Mpx that is the whole image, or
 * four, at whose edges the paths that leave them end.
 *
 * @param output   3×H×W f32: dY, dX at unit scale, cellprob
 * @param size     of the image
 * @param options  of `computeMasks`
 * @returns        share of the paths, 0–1; `undefined`: no cell in any window
 *
 * Source: ours.
 */
export async function sampleSettled(
  core: Core,
  { store, size }: {
    readonly store: Pick<Store<Float32Array<ArrayBuffer>>, "readInto">;
    readonly size: Size2D;
  },
  options: MasksOptions,
): Promise<number | undefined> {
  const edge = size.height * size.width <= WHOLE_PIXELS ? Infinity : WINDOW;
  const edges = {
    height: Math.min(size.height, edge),
    width: Math.min(size.width, edge),
  };
  const pixels = edges.height * edges.width;
  const sums = { settled: 0, pixels: 0 };
  for (const top of placeWindows(size.height, edges.height)) {
    for (const left of placeWindows(size.width, edges.width)) {
      await takeTurns();
      const values = new Float32Array(3 * pixels);
      for (let row = 0; row < 3 * edges.height; row++) {
        const plane = Math.floor(row / edges.height);
        const y = plane * size.height + top + row % edges.height;
        store.readInto(
          y * size.width + left,
          values.subarray(row * edges.width, (row + 1) * edges.width),
        );
      }
      const found = core.computeMasks(
        values.subarray(0, 2 * pixels),
        values.subarray(2 * pixels),
        edges,
        { ...options, settled: true },
      );
      addSettled(found, sums);
    }
  }
  return shareOf(sums);
}

/** The share of what was added up; `undefined`: no cell. */
export function shareOf(
  { settled, pixels }: { readonly settled: number; readonly pixels: number },
): number | undefined {
  return pixels === 0 ? undefined : settled / pixels;
}

/** Where windows begin: around one and three quarters of an edge. */
function placeWindows(edge: number, window: number): number[] {
  const places = [0.25, 0.75].map((part) =>
    Math.min(edge - window, Math.max(0, Math.round(edge * part - window / 2)))
  );
  return [...new Set(places)];
}

/** Add the settled share of masks, weighted by the cells' pixels. */
export function addSettled(
  { settled }: Pick<Masks, "settled">,
  sums: { settled: number; pixels: number },
): void {
  if (settled === undefined) return;
  for (const [k, each] of settled.pixels.entries()) {
    sums.settled += settled.shares[k] * each;
    sums.pixels += each;
  }
}
