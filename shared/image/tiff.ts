/**
 * TIFF files to pixels: strips, tiles, pages, BigTIFF.
 *
 * @module
 */
import { fromArrayBuffer, type GeoTIFF } from "geotiff";
import {
  CorruptImageError,
  isSegError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { Size } from "../ndarray.ts";
import { type Budget, createBudget } from "./limits.ts";
import { narrowIntegers } from "./decoded.ts";
import { blockBytes, checkBlocks, registerDecoders } from "./tiff_blocks.ts";
import { implyPages, readImplied } from "./tiff_implied.ts";
import { readTiffPages, type TiffPage } from "./tiff_pages.ts";
import type { DecodedImage, PixelArray } from "./types.ts";

/** PhotometricInterpretation values (TIFF 6.0, pages 37 and 117). */
const WHITE_IS_ZERO = 0;
/** Palette, CMYK, YCbCr, CIELab: the reader converts these to RGB. */
const CONVERTED_TO_RGB = [3, 5, 6, 8];

/** A decoded file and its description, which may hold ImageJ or OME axes. */
export interface DecodedTiff extends DecodedImage {
  readonly description?: string;
}

/** A file whose directories are read, and whose pixels can be. */
export interface OpenedTiff {
  /** All pages, reduced ones included. */
  readonly pages: readonly TiffPage[];
  readonly description?: string;
  /**
   * Decode pages of one size and type, in this order.
   *
   * @param order  indices of pages
   * @returns      N×H×W×C; the dtype is the file's
   */
  readonly read: (order: readonly number[]) => Promise<{
    data: PixelArray;
    channels: number;
  }>;
}

/**
 * Decode a TIFF file: one page to an image, equal pages to a volume.
 *
 * Pages are the slices of D×H×W×C in file order, as far as they share the
 * first page's size, channels and type; reduced copies (pyramids, thumbnails)
 * and what follows a differing page are left out. White-is-zero is inverted.
 * What the axes of ImageJ or OME files mean is left to the caller.
 *
 * @param bytes   the whole file
 * @param budget  limits, checked before anything is unpacked
 * @returns       H×W×C or D×H×W×C, dtype as in the file
 * @throws {UnsupportedFormatError} if it is not TIFF, or packs samples in a
 *   way that is not read
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 */
export async function decodeTiff(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): Promise<DecodedTiff> {
  const { pages, description, read } = openTiff(bytes, budget);
  const order = listEqualPages(pages);
  const { data, channels } = await read(order);
  const { height, width } = pages[0];
  const size: Size = order.length > 1
    ? { depth: order.length, height, width }
    : { height, width };
  return description === undefined
    ? { data, size, channels }
    : { data, size, channels, description };
}

/** Indices of pages that are alike, as `decodeTiff` tells. */
export function listEqualPages(pages: readonly TiffPage[]): number[] {
  const order: number[] = [];
  for (const [i, page] of pages.entries()) {
    if (i > 0 && page.isReduced) continue;
    if (describe(page) !== describe(pages[0])) break;
    order.push(i);
  }
  return order;
}

/** Read the directories of a TIFF file; otherwise as `decodeTiff`. */
export function openTiff(
  bytes: Uint8Array,
  budget: Budget = createBudget(),
): OpenedTiff {
  const told = readTiffPages(bytes, budget.limits.maxPages);
  // many writers end text with NUL
  const description = told[0].description &&
    new TextDecoder().decode(told[0].description).replace(/\0+$/, "");
  const pages = implyPages(told, description ?? "", bytes.length);
  return {
    pages,
    ...(description !== undefined && { description }),
    read: async (order) => {
      try {
        return await readPages(bytes, pages, order, budget);
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
    },
  };
}

async function readPages(
  bytes: Uint8Array,
  pages: readonly TiffPage[],
  order: readonly number[],
  budget: Budget,
) {
  const first = pages[order[0]];
  const channels = isConverted(first) ? 3 : first.samples;
  const length = first.height * first.width * channels;
  const bytesPerSample = Math.max(1, first.bits / 8);
  budget.checkSize({
    samples: order.length * length,
    bytesPerSample,
    encodedBytes: bytes.length,
    pages: order.length,
  });
  for (const i of order) {
    checkBlocks(bytes, pages[i]);
    // a tile may be larger than its image
    budget.checkSize({
      samples: blockBytes(pages[i]) / bytesPerSample,
      bytesPerSample,
      encodedBytes: bytes.length,
    });
  }

  registerDecoders();
  const isWhole = bytes.byteLength === bytes.buffer.byteLength;
  // not slice(): a Node Buffer's shares its memory
  const buffer = isWhole ? bytes.buffer : new Uint8Array(bytes).buffer;
  const tiff = await fromArrayBuffer(buffer as ArrayBuffer);
  let out: PixelArray | undefined;
  for (const [at, i] of order.entries()) {
    budget.checkTime();
    const data = pages[i].isImplied
      ? narrowIntegers({ data: readImplied(bytes, pages[i]) }).data
      : await readPage(tiff, i, pages[i]);
    if (data.length !== length) {
      throw new CorruptImageError("tiff", `page ${i} holds too few samples`);
    }
    if (order.length === 1) return { data, channels };
    out ??= allocate(data, length * order.length);
    out.set(data, at * length);
  }
  if (out === undefined) throw new CorruptImageError("tiff", "it has no page");
  return { data: out, channels };
}

async function readPage(
  tiff: GeoTIFF,
  index: number,
  page: TiffPage,
): Promise<PixelArray> {
  const image = await tiff.getImage(index);
  const data = isConverted(page)
    ? await image.readRGB({ interleave: true })
    : await image.readRasters({ interleave: true });
  const array = narrow(data as ArrayBufferView & ArrayLike<number>);
  if (page.photometric === WHITE_IS_ZERO) invert(array, page.bits);
  return array;
}

function isConverted({ photometric }: TiffPage): boolean {
  return CONVERTED_TO_RGB.includes(photometric);
}

/** What pages of one volume have in common. */
function describe(page: TiffPage): string {
  const { height, width, samples, bits, sampleFormat, photometric } = page;
  return [height, width, samples, bits, sampleFormat, photometric].join();
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
    // a new view: the reader hangs a width and height on its own
    if (data instanceof type) return data.subarray();
  }
  return Float32Array.from(data);
}

function invert(data: PixelArray, bits: number): void {
  const top = data instanceof Float32Array || data instanceof Float64Array
    ? 1
    : 2 ** bits - 1;
  for (let i = 0; i < data.length; i++) data[i] = top - data[i];
}

function allocate(like: PixelArray, length: number): PixelArray {
  const type = like.constructor as { new (length: number): PixelArray };
  return new type(length);
}
