/**
 * The samples of TIFF pages: whole, or rows; checked before any is unpacked.
 *
 * @module
 */
import type { GeoTIFF } from "geotiff";
import {
  CorruptImageError,
  isSegError,
  UnsupportedFormatError,
} from "../errors.ts";
import type { ByteSource } from "./byte_source.ts";
import { narrowIntegers } from "./decoded.ts";
import type { Budget } from "./limits.ts";
import { blockBytes, checkBlocks } from "./tiff_blocks.ts";
import { readPlainRows } from "./tiff_implied.ts";
import type { TiffPage } from "./tiff_pages.ts";
import { readStrips, visitStrips } from "./tiff_strips.ts";
import type { PixelArray } from "./types.ts";

/** PhotometricInterpretation values (TIFF 6.0, pages 37 and 117). */
const WHITE_IS_ZERO = 0;
/** Palette, CMYK, YCbCr, CIELab: the reader converts these to RGB. */
const CONVERTED_TO_RGB = [3, 5, 6, 8];

/** Rows that the library unpacks together. */
const VISIT_ROWS = 64;

/** Strips above this are read in part where they can be. */
const LARGE_BLOCK = 2 ** 22;

/** A file whose directories are read. */
export interface TiffFile {
  readonly source: ByteSource;
  readonly pages: readonly TiffPage[];
  /** The library, which unpacks blocks. */
  readonly open: () => Promise<GeoTIFF>;
}

/** Do what the library does, with the project's errors. */
export async function translate<T>(work: () => Promise<T>): Promise<T> {
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
export function librarySource(source: ByteSource) {
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

/** Decode pages of one size and type. */
export async function readPages(
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
export function checkPage(
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

/** Decode rows of a page. */
export async function readPage(
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

/** Visit all rows of a page, as many at a time as a strip has. */
export async function visitPage(
  file: TiffFile,
  index: number,
  visit: (samples: PixelArray) => void,
): Promise<void> {
  const page = file.pages[index];
  const { height, block, photometric } = page;
  let top = 0;
  if (photometric !== WHITE_IS_ZERO) {
    const all = { top, count: height };
    top = visitStrips(file.source, page, all, visit);
  }
  const rows = block.height * Math.ceil(VISIT_ROWS / block.height);
  for (; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    visit(await readPage(file, index, { top, count }));
  }
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
