/**
 * What decoding gives, whatever the format.
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import type { Axes } from "./axes.ts";
import type { ByteSource } from "./byte_source.ts";
import type { DecodeLimits } from "./limits.ts";
import type { Npy } from "./npy.ts";
import type { PixelSize } from "./pixel_size.ts";
import type { ImageFormat } from "./sniff.ts";
import type { PixelArray } from "./types.ts";

/** Names of sample types, as NumPy spells them. */
export type ImageDtype =
  | "uint8"
  | "uint16"
  | "uint32"
  | "int8"
  | "int16"
  | "int32"
  | "float32"
  | "float64";

/** An image, volume or series with named axes. */
export interface DecodedArray {
  /** C order, as `shape`. */
  readonly data: PixelArray;
  /** T time, C channel, Z depth, Y rows, X columns; slowest first, as "CYX". */
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: ImageDtype;
  readonly format: ImageFormat | "npz" | "zarr";
  /** True if the axes are a guess from the shape; a warning says so too. */
  readonly axesInferred: boolean;
  /** Micrometers, where the file tells. */
  readonly pixelSize?: PixelSize;
  /** One a channel, where the file tells. */
  readonly channelNames?: readonly string[];
  readonly warnings: readonly string[];
}

/** The files beside an image's own. */
export interface Siblings {
  /** Of the image's own file. */
  readonly name: string;
  /**
   * Open a file of the same folder.
   *
   * @param name  has no folder in it
   * @returns     none where there is no such file
   */
  readonly open: (name: string) => ByteSource | undefined;
}

/** How an image is decoded. */
export interface DecodeOptions {
  /** As "ZYX": overrules the file; axes of length 1 may be left out. */
  readonly axes?: string;
  readonly limits?: Partial<DecodeLimits>;
  /** Entry of an NPZ file, path of an array in a Zarr; default: the first. */
  readonly entry?: string;
  /** For OME-TIFF in several files; default: what others hold is left out. */
  readonly siblings?: Siblings;
}

/** 64-bit integers to the narrowest type that holds them all. */
export function narrowIntegers(
  { data }: Pick<Npy, "data">,
): { data: PixelArray; warnings: string[] } {
  const isWide = data instanceof BigInt64Array ||
    data instanceof BigUint64Array;
  if (!isWide) return { data, warnings: [] };
  let [low, high] = [0n, 0n];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const type = low >= 0n && high < 2n ** 32n
    ? Uint32Array
    : low >= -(2n ** 31n) && high < 2n ** 31n
    ? Int32Array
    : Float64Array;
  const limit = 2n ** 53n;
  if (low < -limit || high > limit) {
    throw new UnsupportedFormatError("Integers above 2^53", ["smaller ones"]);
  }
  const out = new type(data.length);
  for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
  const dtype = nameDtype(out);
  return { data: out, warnings: [`64-bit integers are read as ${dtype}`] };
}

/** The name of an array's type. */
export function nameDtype(data: PixelArray): ImageDtype {
  return data.constructor.name.replace("Array", "").toLowerCase() as ImageDtype;
}

/** Put a result together. */
export function assemble(
  data: PixelArray,
  format: DecodedArray["format"],
  axes: Axes,
  warnings: readonly string[] = [],
): DecodedArray {
  if (data.length === 0) throw new CorruptImageError(format, "it is empty");
  return {
    data,
    axes: axes.axes,
    shape: axes.shape,
    dtype: nameDtype(data),
    format,
    axesInferred: axes.inferred,
    warnings: [...warnings, ...axes.warnings],
  };
}
