/**
 * Random crops for training: an affine window of an image, its labels and its
 * flows, and changes of intensity.
 *
 * Which window and which changes is the caller's choice; here they are applied.
 *
 * @module
 */
import { ArgumentError } from "../shared/errors.ts";
import {
  checkLength,
  type LabelArray,
  type Size2D,
} from "../shared/ndarray.ts";
import { type Arena, checkResult } from "./arena.ts";
import { checkImage, type ImageArray } from "./image_size.ts";

/** Where a crop lies. */
export interface CropWindow {
  /** Of the crop, pixels. */
  readonly size: Size2D;
  /**
   * (yy, yx, y0, xy, xx, x0): pixel (y, x) of the crop lies at
   * (yy·y + yx·x + y0, xy·y + xx·x + x0) of the image.
   */
  readonly matrix: readonly [number, number, number, number, number, number];
}

/** What happens to the intensities of a crop, in this order. */
export interface CropLook {
  /** C2×C f32, row-major: channels of the crop from those of the image */
  readonly mix: readonly (readonly number[])[];
  /** One an image's channel: these values become 0 and 1 first; default none. */
  readonly range?: readonly (readonly [number, number])[];
  /** One a crop's channel: x^gamma, then (x − ½)·gain + ½ + offset. */
  readonly tones?: readonly {
    readonly gamma: number;
    readonly gain: number;
    readonly offset: number;
  }[];
  /** σ of a Gaussian, pixels of the crop; default 0. */
  readonly blur?: number;
  /** Deviations: everywhere, and where the value is 1; u32 seed. */
  readonly noise?: {
    readonly sigma: number;
    readonly photon: number;
    readonly seed: number;
  };
}

/** Functions of training crops; part of the core. */
export function crops(arena: Arena) {
  return {
    /**
     * Cut an affine window of an image and change its intensities.
     *
     * Only the pixels that the window covers are copied into the core.
     *
     * @param image   C×H×W, any type
     * @param size    its channels (1 by default), height and width
     * @param window  where the crop lies; outside the image it is 0
     * @param look    channels, range, tones, blur, noise
     * @returns       C2×h×w f32
     * @throws {ArgumentError | ShapeError} naming the argument
     *
     * Source: Cellpose 4.2.1.1 `random_rotate_and_resize` (the window).
     * Differs: the intensities, which Cellpose leaves as they are.
     */
    cropImage(
      image: ImageArray,
      size: Size2D & { readonly channels?: number },
      { window, look }: { window: CropWindow; look: CropLook },
    ): Float32Array<ArrayBuffer> {
      const { channels } = checkImage(image, size);
      if (look.mix.some((row) => row.length !== channels)) {
        throw new ArgumentError("look.mix", `needs ${channels} columns`);
      }
      const { height, width } = window.size;
      const pixels = height * width;
      const planes = look.mix.length;
      return arena.scope((kernels) => {
        const part = coveredPart(size, window);
        const area = part.height * part.width;
        const at = arena.reserve(channels * area * 4);
        copyPart(arena.viewF32(at, channels * area), image, size, part);
        for (const [k, [low, high]] of (look.range ?? []).entries()) {
          kernels.rescale(at + k * area * 4, area, low, high, 0);
        }
        const warped = arena.reserve(channels * pixels * 4);
        kernels.warpLinear(
          warped,
          at,
          channels,
          part.height,
          part.width,
          height,
          width,
          ...shifted(window, part),
        );
        const matrix = arena.put(Float32Array.from(look.mix.flat()));
        const out = arena.reserve(planes * pixels * 4);
        kernels.mixChannels(out, warped, matrix, planes, channels, pixels);
        for (const [k, tone] of (look.tones ?? []).entries()) {
          const plane = out + k * pixels * 4;
          const { gamma, gain, offset } = tone;
          checkResult(
            kernels.adjustTone(plane, pixels, gamma, gain, offset),
          );
        }
        const { blur = 0, noise } = look;
        for (const [k, weights] of look.mix.entries()) {
          // a channel that holds nothing stays empty
          if (weights.every((weight) => weight === 0)) continue;
          const plane = out + k * pixels * 4;
          if (blur > 0) {
            checkResult(
              kernels.smoothSharpen(plane, 1, height, width, blur, 0, 0),
            );
          }
          if (noise === undefined) continue;
          const { sigma, photon, seed } = noise;
          kernels.addNoise(plane, pixels, sigma, photon, seed + k);
        }
        return arena.viewF32(out, planes * pixels).slice();
      });
    },

    /**
     * Cut an affine window of labels, each pixel the nearest one's, and make
     * training targets of it.
     *
     * @param labels  H×W, 0 background; any ids
     * @param size    size of the image
     * @param window  where the crop lies
     * @returns       the labels, h×w u32, and their foreground, h×w f32
     * @throws {ArgumentError | ShapeError} naming the argument
     *
     * Source: Cellpose 3.1 `random_rotate_and_resize` (nearest labels).
     * Differs: Cellpose warps flows with the image; here labels are, and their
     *   flows computed from what is left of each cell.
     */
    cropLabels(
      labels: LabelArray,
      size: Size2D,
      window: CropWindow,
    ): {
      labels: Uint32Array<ArrayBuffer>;
      foreground: Float32Array<ArrayBuffer>;
    } {
      checkLength("labels", labels, size.height * size.width);
      const { height, width } = window.size;
      const pixels = height * width;
      return arena.scope((kernels) => {
        const part = coveredPart(size, window);
        const area = part.height * part.width;
        const at = arena.reserve(area * 4);
        copyPart(arena.viewU32(at, area), labels, size, part);
        const out = arena.reserve(pixels * 4);
        kernels.warpNearest(
          out,
          at,
          part.height,
          part.width,
          height,
          width,
          ...shifted(window, part),
        );
        const foreground = arena.reserve(pixels * 4);
        kernels.labelForeground(foreground, out, pixels);
        return {
          labels: arena.viewU32(out, pixels).slice(),
          foreground: arena.viewF32(foreground, pixels).slice(),
        };
      });
    },

    /**
     * Cut an affine window of a network's answer: flows turn with the window,
     * logits become probabilities.
     *
     * @param field   3×H×W f32: dY, dX at unit scale, logit
     * @param size    size of the image
     * @param window  where the crop lies; outside both are 0
     * @returns       3×h×w f32: probability, dY, dX
     * @throws {ArgumentError | ShapeError} naming the argument
     *
     * Source: Cellpose 4.2.1.1 `random_rotate_and_resize` (turned flows).
     * Differs: probabilities instead of a foreground.
     */
    cropField(
      field: Float32Array,
      size: Size2D,
      window: CropWindow,
    ): Float32Array<ArrayBuffer> {
      checkLength("field", field, 3 * size.height * size.width);
      const { height, width } = window.size;
      const pixels = height * width;
      return arena.scope((kernels) => {
        const part = coveredPart(size, window);
        const area = part.height * part.width;
        const at = arena.reserve(3 * area * 4);
        const source = arena.viewF32(at, 3 * area);
        copyPart(source, field, { ...size, channels: 3 }, part);
        // probabilities before the window: outside they are 0
        kernels.logitsToShares(at + 2 * area * 4, area);
        const warped = arena.reserve(3 * pixels * 4);
        kernels.warpLinear(
          warped,
          at,
          3,
          part.height,
          part.width,
          height,
          width,
          ...shifted(window, part),
        );
        kernels.turnFlows(warped, pixels, ...turnOf(window));
        const out = new Float32Array(3 * pixels);
        const view = arena.viewF32(warped, 3 * pixels);
        out.set(view.subarray(2 * pixels));
        out.set(view.subarray(0, 2 * pixels), pixels);
        return out;
      });
    },
  };
}

/** A part of an image, pixels. */
interface Part extends Size2D {
  readonly top: number;
  readonly left: number;
}

/** The part of an image that a window's corners span, at least one pixel. */
function coveredPart(image: Size2D, { size, matrix }: CropWindow): Part {
  const [yy, yx, y0, xy, xx, x0] = matrix;
  if (![...matrix].every(Number.isFinite)) {
    throw new ArgumentError("window.matrix", "must be finite");
  }
  const corners = [0, size.height - 1].flatMap((y) =>
    [0, size.width - 1].map((x) => [
      yy * y + yx * x + y0,
      xy * y + xx * x + x0,
    ])
  );
  const span = (axis: 0 | 1, edge: number) => {
    const values = corners.map((corner) => corner[axis]);
    const first = Math.floor(Math.min(...values));
    const last = Math.floor(Math.max(...values)) + 1;
    const from = Math.min(Math.max(first, 0), edge - 1);
    return [from, Math.max(Math.min(last, edge - 1), from) - from + 1];
  };
  const [top, height] = span(0, image.height);
  const [left, width] = span(1, image.width);
  return { top, left, height, width };
}

/** A window's map, for the part alone. */
function shifted({ matrix }: CropWindow, { top, left }: Part) {
  const [yy, yx, y0, xy, xx, x0] = matrix;
  return [yy, yx, y0 - top, xy, xx, x0 - left] as const;
}

/** How vectors turn: the inverse of the window's map, without its scale. */
function turnOf({ matrix: [yy, yx, , xy, xx] }: CropWindow) {
  const determinant = yy * xx - yx * xy;
  const scale = Math.sqrt(Math.abs(determinant)) / determinant;
  return [xx * scale, -yx * scale, -xy * scale, yy * scale] as const;
}

/** Copy a part of each plane, converting the type. */
function copyPart(
  out: Float32Array | Uint32Array,
  image: ImageArray,
  size: Size2D & { readonly channels?: number },
  part: Part,
): void {
  const { channels = 1, height, width } = size;
  for (let k = 0; k < channels; k++) {
    for (let y = 0; y < part.height; y++) {
      const from = (k * height + part.top + y) * width + part.left;
      out.set(
        image.subarray(from, from + part.width),
        (k * part.height + y) * part.width,
      );
    }
  }
}
