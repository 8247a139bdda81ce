/**
 * What decoders give and drawing takes.
 *
 * @module
 */
import type { Size } from "../ndarray.ts";

/** Pixel values as files hold them. */
export type PixelArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A decoded image, H×W×C, or a volume, D×H×W×C. */
export interface DecodedImage {
  readonly data: PixelArray;
  readonly size: Size;
  /** C: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA, or any number. */
  readonly channels: number;
}

/** An RGB picture for people to look at: H×W×3 u8. */
export interface Picture {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Red, green, blue, 0–255. */
export type Color = readonly [number, number, number];
