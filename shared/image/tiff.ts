/**
 * TIFF files to pixels: strips, tiles, pages, BigTIFF.
 *
 * @module
 */
import { GeoTIFF } from "geotiff";
import {
  CorruptImageError,
  isSegError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { Size } from "../ndarray.ts";
import { type ByteSource, toByteSource } from "./byte_source.ts";
import { type Budget, createBudget } from "./limits.ts";
import { narrowIntegers } from "./decoded.ts";
import { blockBytes, checkBlocks, registerDecoders } from "./tiff_blocks.ts";
import { readStrips } from "./tiff_strips.ts";
import { implyPages, readPlainRows } from "./tiff_implied.ts";
import type { OmeIdentity } from "./ome_xml.ts";
import { readTiffPages, type TiffPage } from "./tiff_pages.ts";
import type { DecodedImage, PixelArray } from "./types.ts";

/** PhotometricInterpretation values (TIFF 6.0, pages 37 and 117). */
const WHITE_IS_ZERO = 0;
/** Palette, CMYK, YCbCr, CIELab: the reader converts these to RGB. */
const CONVERTED_TO_RGB = [3, 5, 6, 8];

/** Strips above this are read in part where they can be. */
const LARGE_BLOCK = 2 ** 22;

/** A decoded file and its description, which may hold ImageJ or OME axes. */
export interface DecodedTiff extends DecodedImage {
  readonly description?: string;
}

/** A file whose directories are read, and whose pixels can be. */
export interface OpenedTiff {
  /** All pages, reduced ones included. */
  readonly pages: readonly TiffPage[];
  readonly description?: string;
  /** Of other files that are read as this one's: their first pages, by name. */
  readonly firstPages?: ReadonlyMap<string, number>;
  /** How the description names this file, where it names others. */
  readonly identity?: OmeIdentity;
  readonly warnings?: readonly string[];
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
  /**
   * Decode rows of a page.
   *
   * @returns  count×W×C; strips and tiles are unpacked whole
   */
  readonly readRows: (
    page: number,
    top: number,
    count: number,
  ) => Promise<PixelArray>;
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
    if (!areAlike(page, pages[0])) break;
    order.push(i);
  }
  return order;
}

/** Read the directories of a TIFF file; otherwise as `decodeTiff`. */
export function openTiff(
  bytes: Uint8Array | ByteSource,
  budget: Budget = createBudget(),
): OpenedTiff {
  const source = toByteSource(bytes);
  const told = readTiffPages(source, budget.limits.maxPages);
  // many writers end text with NUL
  const description = told[0].description &&
    new TextDecoder().decode(told[0].description).replace(/\0+$/, "");
  const pages = implyPages(told, description ?? "", source.length);
  let library: Promise<GeoTIFF> | undefined;
  const file: TiffFile = {
    source,
    pages,
    open() {
      registerDecoders();
      return library ??= GeoTIFF.fromSource(librarySource(source));
    },
  };
  const checked = new Set<number>();
  return {
    pages,
    ...(description !== undefined && { description }),
    read: (order) => translate(() => readPages(file, order, budget)),
    readRows: (index, top, count) =>
      translate(() => {
        if (!checked.has(index)) checkPage(file, index, budget);
        checked.add(index);
        return readPage(file, index, { top, count });
      }),
  };
}

/** A file whose directories are read. */
interface TiffFile {
  readonly source: ByteSource;
  readonly pages: readonly TiffPage[];
  /** The library, which unpacks blocks. */
  readonly open: () => Promise<GeoTIFF>;
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
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

/** What the library reads from. */
function librarySource(source: ByteSource) {
  const fetchSlice = ({ offset, length }: Slice) => {
    // not slice(): a Node Buffer's shares its memory
    const data = new Uint8Array(source.read(offset, offset + length)).buffer;
    return Promise.resolve({ offset, length, data });
  };
  return {
    fetchSlice,
    fetch: (slices: Slice[]) =>
      Promise.all(slices.map(async (each) => (await fetchSlice(each)).data)),
    fileSize: source.length,
    close: () => Promise.resolve(),
  };
}

interface Slice {
  readonly offset: number;
  readonly length: number;
}

async function readPages(
  file: TiffFile,
  order: readonly number[],
  budget: Budget,
) {
  const { pages, source } = file;
  const first = pages[order[0]];
  const channels = channelsOf(first);
  const length = first.height * first.width * channels;
  budget.checkSize({
    samples: order.length * length,
    bytesPerSample: Math.max(1, first.bits / 8),
    encodedBytes: source.length,
    pages: order.length,
  });
  for (const i of order) checkPage(file, i, budget);

  let out: PixelArray | undefined;
  for (const [at, i] of order.entries()) {
    budget.checkTime();
    const data = await readPage(file, i, { top: 0, count: first.height });
    if (order.length === 1) return { data, channels };
    out ??= allocate(data, length * order.length);
    out.set(data, at * length);
  }
  if (out === undefined) throw new CorruptImageError("tiff", "it has no page");
  return { data: out, channels };
}

/** Check a page's blocks before any is unpacked. */
function checkPage(
  { source, pages }: TiffFile,
  index: number,
  budget: Budget,
): void {
  const page = pages[index];
  checkBlocks(source, page);
  const bytesPerSample = Math.max(1, page.bits / 8);
  // a tile may be larger than its image
  budget.checkSize({
    samples: blockBytes(page) / bytesPerSample,
    bytesPerSample,
    encodedBytes: source.length,
  });
}

async function readPage(
  { source, pages, open }: TiffFile,
  index: number,
  { top, count }: { readonly top: number; readonly count: number },
): Promise<PixelArray> {
  const page = pages[index];
  const { width, height, photometric } = page;
  const length = count * width * channelsOf(page);
  let array: PixelArray;
  if (page.isImplied || (count < height && isLargePlain(page))) {
    const data = readPlainRows(source, page, top, count);
    array = narrowIntegers({ data }).data;
  } else {
    array = readStrips(source, page, { top, count }) ??
      await readByLibrary(await open(), { index, page, top, count });
  }
  if (array.length !== length) {
    throw new CorruptImageError("tiff", `page ${index} holds too few samples`);
  }
  if (photometric === WHITE_IS_ZERO && !page.isImplied) {
    invert(array, page.bits);
  }
  return array;
}

async function readByLibrary(
  library: GeoTIFF,
  { index, page, top, count }: {
    readonly index: number;
    readonly page: TiffPage;
    readonly top: number;
    readonly count: number;
  },
): Promise<PixelArray> {
  const image = await library.getImage(index);
  const window = [0, top, page.width, top + count];
  const data = isConverted(page)
    ? await image.readRGB({ interleave: true, window })
    : await image.readRasters({ interleave: true, window });
  return narrow(data as ArrayBufferView & ArrayLike<number>);
}

/** Uncompressed strips that are not worth reading whole for a few rows. */
function isLargePlain(page: TiffPage): boolean {
  return page.compression === 1 && !page.isPlanar && page.bits >= 8 &&
    page.block.width === page.width && blockBytes(page) > LARGE_BLOCK &&
    !isConverted(page);
}

function channelsOf(page: TiffPage): number {
  return isConverted(page) ? 3 : page.samples;
}

function isConverted({ photometric }: TiffPage): boolean {
  return CONVERTED_TO_RGB.includes(photometric);
}

/** Whether two pages can be of one volume. */
export function areAlike(a: TiffPage, b: TiffPage): boolean {
  return describe(a) === describe(b);
}

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
