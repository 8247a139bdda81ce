/**
 * SPINE of reading: the bytes of a file → pixels with named axes.
 *
 * Sniffed by content, limits checked from headers, axes from the caller, the
 * file or the shape, and the result says which.
 *
 * @module
 */
import { UnsupportedFormatError } from "../errors.ts";
import { decideAxes } from "./axes.ts";
import { toByteSource } from "./byte_source.ts";
import {
  assemble,
  type DecodedArray,
  type DecodeOptions,
  narrowIntegers,
} from "./decoded.ts";
import { createBudget } from "./limits.ts";
import { decodeNpy, type Npy } from "./npy.ts";
import { decodeJpeg } from "./jpeg.ts";
import { decodePng } from "./png.ts";
import { type ImageFormat, READ_FORMATS, sniffImage } from "./sniff.ts";
import { layOutPages, nameAxes } from "./tiff_axes.ts";
import { openTiffFiles } from "./tiff_files.ts";
import type { DecodedImage } from "./types.ts";
import { decodeWebp } from "./webp.ts";
import { decodeZarr } from "./zarr.ts";
import { readZip, type ZipFile, zipStore } from "./zip.ts";

/**
 * Decode an image file.
 *
 * PNG, JPEG, WebP, TIFF (OME, ImageJ, plain), NPY, NPZ, and OME-Zarr in a zip.
 *
 * @param bytes  the whole file
 * @throws {UnsupportedFormatError} for other formats, with the program that
 *   converts them where one is known
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 * @throws {ArgumentError} if the given axes do not fit
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Promise<DecodedArray> {
  const format = sniffImage(bytes);
  if (format === "tiff") return await decodeTiffImage(bytes, options);
  if (format === "zip") return await decodeZip(bytes, options);
  const budget = createBudget(options.limits);
  if (format === "npy") {
    return fromNpy(decodeNpy(bytes, budget), "npy", options);
  }
  const image = format === "png"
    ? await decodePng(bytes, budget)
    : format === "jpeg"
    ? await decodeJpeg(bytes, budget)
    : await decodeWebp(bytes, budget);
  return fromPicture(image, format, options);
}

/** Pixels of a picture: the axes are known. */
function fromPicture(
  image: DecodedImage & { readonly warnings?: readonly string[] },
  format: ImageFormat,
  options: DecodeOptions,
): DecodedArray {
  const { data, size, channels, warnings } = image;
  const { height, width } = size;
  const shape = channels > 1 ? [height, width, channels] : [height, width];
  const told = channels > 1 ? "YXC" : "YX";
  return assemble(
    data,
    format,
    decideAxes(shape, { told, given: options.axes }),
    warnings,
  );
}

async function decodeTiffImage(
  bytes: Uint8Array,
  options: DecodeOptions,
): Promise<DecodedArray> {
  const budget = createBudget(options.limits);
  const tiff = openTiffFiles(toByteSource(bytes), budget, options.siblings);
  const layout = layOutPages(tiff);
  const { data, channels } = await tiff.read(layout.order);
  const { height, width } = tiff.pages[layout.order[0]];
  const size = { height, width, channels };
  const { pixelSize, channelNames, warnings } = layout;
  return {
    ...assemble(data, "tiff", nameAxes(layout, size, options.axes), warnings),
    ...(pixelSize && { pixelSize }),
    ...(channelNames && { channelNames }),
  };
}

async function decodeZip(
  bytes: Uint8Array,
  options: DecodeOptions,
): Promise<DecodedArray> {
  const zip = readZip(bytes, options.limits);
  const store = zipStore(zip);
  if (store !== undefined) return await decodeZarr(store, options);
  return decodeNpz(zip, options);
}

function decodeNpz(zip: ZipFile, options: DecodeOptions): DecodedArray {
  const names = zip.names.filter((name) => name.endsWith(".npy"));
  if (names.length === 0) {
    throw new UnsupportedFormatError("A zip file without arrays", [
      ...READ_FORMATS,
    ], { advice: "ImageJ ROIs are labels: read them as such" });
  }
  const name = options.entry === undefined
    ? names[0]
    : names.find((n) => n === options.entry || n === `${options.entry}.npy`);
  if (name === undefined) {
    throw new UnsupportedFormatError(`The entry ${options.entry}`, names);
  }
  const npy = decodeNpy(zip.read(name), createBudget(options.limits));
  const image = fromNpy(npy, "npz", options);
  if (names.length === 1 || options.entry !== undefined) return image;
  return {
    ...image,
    warnings: [
      ...image.warnings,
      `${name} of ${names.length} arrays is read: ${names.join(", ")}`,
    ],
  };
}

function fromNpy(
  npy: Npy,
  format: "npy" | "npz",
  options: DecodeOptions,
): DecodedArray {
  const axes = decideAxes(npy.shape, { given: options.axes });
  const { data, warnings } = narrowIntegers(npy);
  return assemble(data, format, axes, warnings);
}
