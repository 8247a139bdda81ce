/**
 * What the writers of TIFF and its OME description share.
 *
 * @module
 */
import type { PixelSize } from "./pixel_size.ts";
import type { PixelArray } from "./types.ts";

/** What a TIFF file is written from. */
export interface TiffSource {
  /** C order. */
  readonly data: PixelArray;
  /** As "YX", "ZYX"; "YXC" with 3 channels for RGB. */
  readonly axes: string;
  readonly shape: readonly number[];
  /** Micrometers. */
  readonly pixelSize?: PixelSize;
  readonly channelNames?: readonly string[];
}
