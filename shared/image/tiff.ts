/**
 * TIFF files to pixels: strips, tiles, pages, BigTIFF.
 *
 * @module
 */
import { GeoTIFF } from "geotiff";
import type { Size } from "../ndarray.ts";
import { type ByteSource, toByteSource } from "./byte_source.ts";
import { type Budget, createBudget } from "./limits.ts";
import type { OmeIdentity } from "./ome_xml.ts";
import { registerDecoders } from "./tiff_blocks.ts";
import { implyPages } from "./tiff_implied.ts";
import { readTiffPages, type TiffPage } from "./tiff_pages.ts";
import {
  checkPage,
  librarySource,
  readPage,
  readPages,
  type TiffFile,
  translate,
  visitPage,
} from "./tiff_samples.ts";
import type { DecodedImage, PixelArray } from "./types.ts";

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
  /**
   * Decode all rows of a page, a few at a time.
   *
   * @param visit  gets rows×W×C samples, which do not last, in order
   */
  readonly visitRows: (
    page: number,
    visit: (samples: PixelArray) => void,
  ) => Promise<void>;
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
    visitRows: (index, visit) =>
      translate(async () => {
        checkPage(file, index, budget);
        await visitPage(file, index, visit);
      }),
  };
}

/** Whether two pages can be of one volume. */
export function areAlike(a: TiffPage, b: TiffPage): boolean {
  return describe(a) === describe(b);
}

function describe(page: TiffPage): string {
  const { height, width, samples, bits, sampleFormat, photometric } = page;
  return [height, width, samples, bits, sampleFormat, photometric].join();
}
