/**
 * What files of an image in bands are made of.
 *
 * @module
 */
import type { OutputNames } from "../../shared/image/names.ts";
import type { OpenedImage } from "../../shared/image/open.ts";
import type { StoreMaker } from "../../shared/pipeline/array_store.ts";
import type { SegmentResult } from "../../shared/pipeline/result.ts";
import type { BandPlaneResult } from "../../shared/pipeline/segment_bands.ts";
import type { Core } from "../../wasm/mod.ts";

/** An image and its result. */
export interface BandContext {
  readonly core: Core;
  /** File name of the image. */
  readonly fileName: string;
  /** Its start, that of all files. */
  readonly stem: string;
  /** Of the files. */
  readonly folder: string;
  readonly image: OpenedImage;
  readonly result: SegmentResult<BandPlaneResult>;
  /** For what is needed while a file is written. */
  readonly stores: StoreMaker;
}

/** One plane and the names of its files. */
export interface BandPlaneContext extends BandContext {
  readonly index: number;
  readonly plane: BandPlaneResult;
  readonly names: OutputNames;
}

/** Values of an image that are worked on at a time. */
const BAND_VALUES = 2 ** 20;

/** Bands of an image: first row, and rows. */
export function* listBands(
  { height, width }: { readonly height: number; readonly width: number },
): Generator<readonly [top: number, count: number]> {
  const step = Math.max(1, Math.floor(BAND_VALUES / width));
  for (let top = 0; top < height; top += step) {
    yield [top, Math.min(step, height - top)];
  }
}
