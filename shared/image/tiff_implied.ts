/**
 * Pages that a TIFF file tells only by their number: ImageJ writes stacks
 * above 4 GB with one directory, and the planes one after the other.
 *
 * @module
 */
import type { ByteSource } from "./byte_source.ts";
import { decodeNpyArray, type NpyData } from "./npy.ts";
import type { TiffPage } from "./tiff_pages.ts";

/**
 * Add the pages that follow the only one, as far as the file holds them.
 *
 * @param description  of the first page
 * @returns            the pages as they are, where nothing says so
 *
 * Source: ImageJ's TiffDecoder: `images=N` in the description of a file with
 *   one uncompressed page.
 */
export function implyPages(
  pages: TiffPage[],
  description: string,
  fileBytes: number,
): TiffPage[] {
  const [page] = pages;
  const told = /^ImageJ=[\s\S]*?^images=(\d+)\s*$/m.exec(description)?.[1];
  const isPlain = pages.length === 1 && page.compression === 1 &&
    !page.isPlanar && page.bits >= 8 && page.offsets.length > 0;
  if (told === undefined || !isPlain) return pages;
  const bytes = page.height * page.width * page.samples * page.bits / 8;
  const first = page.offsets[0];
  const count = Math.min(
    Number(told),
    Math.floor((fileBytes - first) / bytes),
  );
  return Array.from({ length: Math.max(1, count) }, (_, i) =>
    i === 0 ? page : {
      ...page,
      block: { height: page.height, width: page.width },
      offsets: [first + i * bytes],
      byteCounts: [bytes],
      isImplied: true,
    });
}

/**
 * Samples of an uncompressed page, rows top … top + count, straight from the
 * file: of implied pages, and of strips that are too large to be read whole.
 */
export function readPlainRows(
  source: ByteSource,
  page: TiffPage,
  top: number,
  count: number,
): NpyData {
  const { isLittle, bits, samples, width, block, offsets } = page;
  const kind = page.sampleFormat === 3
    ? "f"
    : page.sampleFormat === 2
    ? "i"
    : "u";
  const rowBytes = width * samples * bits / 8;
  const bytes = new Uint8Array(count * rowBytes);
  for (let y = top; y < top + count;) {
    // rows of this strip
    const strip = Math.floor(y / block.height);
    const end = Math.min(top + count, (strip + 1) * block.height);
    const from = offsets[strip] + (y - strip * block.height) * rowBytes;
    const part = source.read(from, from + (end - y) * rowBytes);
    bytes.set(part, (y - top) * rowBytes);
    y = end;
  }
  return decodeNpyArray(bytes, {
    descr: `${isLittle ? "<" : ">"}${kind}${bits / 8}`,
    isFortran: false,
    shape: [count, width, samples],
  }, { offset: offsets[0] }).data;
}
