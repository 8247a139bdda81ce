/**
 * Pages that a TIFF file tells only by their number: ImageJ writes stacks
 * above 4 GB with one directory, and the planes one after the other.
 *
 * @module
 */
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

/** The samples of an implied page. */
export function readImplied(bytes: Uint8Array, page: TiffPage): NpyData {
  const { isLittle, bits, samples, height, width } = page;
  const kind = page.sampleFormat === 3
    ? "f"
    : page.sampleFormat === 2
    ? "i"
    : "u";
  const [from] = page.offsets;
  return decodeNpyArray(bytes.subarray(from), {
    descr: `${isLittle ? "<" : ">"}${kind}${bits / 8}`,
    isFortran: false,
    shape: [height, width, samples],
  }, { offset: from }).data;
}
