/**
 * TIFF files to pixels: strips, tiles, pages, BigTIFF.
 *
 * @module
 */
import { fromArrayBuffer, type GeoTIFFImage } from "geotiff";
import {
  CorruptImageError,
  isSegError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { Size } from "../ndarray.ts";
import { walkPages } from "./tiff_pages.ts";
import type { DecodedImage, PixelArray } from "./types.ts";

/** PhotometricInterpretation values (TIFF 6.0, pages 37 and 117). */
const WHITE_IS_ZERO = 0;
/** Palette, CMYK, YCbCr, CIELab: the reader converts these to RGB. */
const CONVERTED_TO_RGB = [3, 5, 6, 8];

/** Greatest ratio of compression: zstd packs 128 KiB of one byte into 4 bytes. */
const MAX_RATIO = 32768;

/** A decoded file and its description, which may hold ImageJ or OME axes. */
export interface DecodedTiff extends DecodedImage {
  readonly description?: string;
}

/**
 * Decode a TIFF file: one page to an image, equal pages to a volume.
 *
 * Pages are the slices of D×H×W×C in file order, as far as they share the
 * first page's size, channels and type; reduced copies (pyramids, thumbnails)
 * and what follows a differing page are left out. White-is-zero is inverted.
 * What the axes of ImageJ or OME files mean is left to the caller.
 *
 * @param bytes  the whole file
 * @returns      H×W×C or D×H×W×C, dtype as in the file
 * @throws {UnsupportedFormatError} if it is not TIFF, or packs samples in a
 *   way that is not read
 * @throws {CorruptImageError}
 */
export async function decodeTiff(bytes: Uint8Array): Promise<DecodedTiff> {
  const count = walkPages(bytes);
  try {
    return await readPages(bytes, count);
  } catch (err) {
    if (isSegError(err)) throw err;
    const detail = err instanceof Error ? err.message : String(err);
    if (/unsupported|unknown compression|not supported/i.test(detail)) {
      throw new UnsupportedFormatError(`A TIFF feature (${detail})`, [
        "strips and tiles of integers and floats",
      ], { cause: err });
    }
    throw new CorruptImageError("tiff", detail, { cause: err });
  }
}

async function readPages(
  bytes: Uint8Array,
  count: number,
): Promise<DecodedTiff> {
  // not slice(): a Node Buffer's shares its memory
  const tiff = await fromArrayBuffer(new Uint8Array(bytes).buffer);
  const first = await tiff.getImage(0);
  const pages = [await readPage(first, bytes.length)];
  for (let i = 1; i < count; i++) {
    const image = await tiff.getImage(i);
    if (isReduced(image)) continue;
    if (describe(image) !== describe(first)) break;
    pages.push(await readPage(image, bytes.length));
  }

  const height = first.getHeight();
  const width = first.getWidth();
  const data = concat(pages);
  const size: Size = pages.length > 1
    ? { depth: pages.length, height, width }
    : { height, width };
  const channels = data.length / (pages.length * height * width);
  const description = await first.fileDirectory.loadValue("ImageDescription");
  return typeof description === "string"
    ? { data, size, channels, description: description.replace(/\0+$/, "") }
    : { data, size, channels };
}

async function readPage(
  image: GeoTIFFImage,
  fileBytes: number,
): Promise<PixelArray> {
  const pixels = image.getWidth() * image.getHeight();
  const bits = pixels * image.getSamplesPerPixel() * image.getBitsPerSample();
  const isPacked = image.fileDirectory.getValue("Compression") !== 1;
  // an honest file holds what it declares; a header must not cost gigabytes
  if (!(bits / 8 <= fileBytes * (isPacked ? MAX_RATIO : 1)) || pixels < 1) {
    throw new CorruptImageError(
      "tiff",
      `${image.getHeight()}×${image.getWidth()} pixels of ${image.getSamplesPerPixel()} samples in ${fileBytes} bytes`,
    );
  }
  const photometric = image.fileDirectory.getValue("PhotometricInterpretation");
  const isConverted = photometric !== undefined &&
    CONVERTED_TO_RGB.includes(photometric);
  const data = isConverted
    ? await image.readRGB({ interleave: true })
    : await image.readRasters({ interleave: true });
  if (data.length === 0 || data.length % pixels !== 0) {
    throw new CorruptImageError("tiff", "a page holds too few samples");
  }
  const array = narrow(data as ArrayBufferView & ArrayLike<number>);
  if (photometric === WHITE_IS_ZERO) invert(array, image.getBitsPerSample());
  return array;
}

/** What pages of one volume have in common. */
function describe(image: GeoTIFFImage): string {
  return [
    image.getHeight(),
    image.getWidth(),
    image.getSamplesPerPixel(),
    image.getBitsPerSample(),
    image.getSampleFormat(),
  ].join();
}

function isReduced(image: GeoTIFFImage): boolean {
  const type = image.fileDirectory.getValue("NewSubfileType") ?? 0;
  return (Number(type) & 1) === 1;
}

/** The reader's own array types include 16-bit floats; widen those. */
function narrow(data: ArrayBufferView & ArrayLike<number>): PixelArray {
  for (
    const type of [
      Uint8Array,
      Uint16Array,
      Uint32Array,
      Int8Array,
      Int16Array,
      Int32Array,
      Float32Array,
      Float64Array,
    ]
  ) {
    if (data instanceof type) return data;
  }
  return Float32Array.from(data);
}

function invert(data: PixelArray, bits: number): void {
  const top = data instanceof Float32Array || data instanceof Float64Array
    ? 1
    : 2 ** bits - 1;
  for (let i = 0; i < data.length; i++) data[i] = top - data[i];
}

function concat(pages: PixelArray[]): PixelArray {
  if (pages.length === 1) return pages[0];
  const type = pages[0].constructor as { new (length: number): PixelArray };
  const out = new type(pages.length * pages[0].length);
  pages.forEach((page, i) => out.set(page, i * page.length));
  return out;
}
