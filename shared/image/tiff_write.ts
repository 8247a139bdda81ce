/**
 * Arrays to TIFF files: Deflate strips, one page a plane, OME-XML.
 *
 * Own code: the npm packages write uncompressed files, or 8 bits only.
 *
 * @module
 */
import { ArgumentError } from "../errors.ts";
import { checkLength } from "../ndarray.ts";
import { parseAxes } from "./axes.ts";
import { writeOmeXml } from "./ome_write.ts";
import {
  describePage,
  encodeHeader,
  type Entry,
  layOutDirectories,
} from "./tiff_directories.ts";
import type { TiffSource } from "./tiff_source.ts";
import type { PixelArray } from "./types.ts";
import { deflate } from "./zlib.ts";

/** Bytes of a strip before packing; TIFF 6.0 recommends small ones, tifffile
 * writes 256 KiB. */
const STRIP_BYTES = 1 << 18;
/** Of 0–9: labels pack almost as well as at 9, five times as fast. */
const LEVEL = 4;
/** Room for directories, before offsets need 64 bits. */
const CLASSIC_BYTES = 2 ** 32 - 2 ** 24;

/**
 * Encode an array as OME-TIFF; BigTIFF above 4 GB.
 *
 * @returns  the file; the same bytes for the same array in the same runtime
 * @throws {ArgumentError} if axes and shape disagree
 *
 * Source: TIFF 6.0 §2, §8, supplement 2 (Adobe Deflate); BigTIFF; OME-TIFF.
 */
export function encodeTiff(source: TiffSource): Uint8Array {
  const { data, shape } = source;
  const layout = layOutPlanes(source, data.BYTES_PER_ELEMENT);
  const { rowBytes, rowsPerStrip, height } = layout;
  checkLength("data", data, shape.reduce((a, b) => a * b, 1));
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const pages = Array.from({ length: layout.pages }, (_, i) => {
    const strips: Uint8Array[] = [];
    for (let y = 0; y < height; y += rowsPerStrip) {
      const from = (i * height + y) * rowBytes;
      const rows = Math.min(rowsPerStrip, height - y);
      const strip = bytes.subarray(from, from + rows * rowBytes);
      strips.push(deflate(strip, LEVEL));
    }
    return strips;
  });
  const entries = describePage(source, layout);
  const description = describe({ ...source, axes: layout.axes });
  return layOut(pages, { entries, description });
}

/** An array that is not in memory. */
export interface StreamedTiff extends Omit<TiffSource, "data"> {
  /** Any array of its type. */
  readonly like: PixelArray;
  /** Write BigTIFF; default: above 4 GB before packing. */
  readonly isBig?: boolean;
  /** Rows of a page, of the type of `like`. */
  readonly readRows: (
    page: number,
    top: number,
    count: number,
  ) => PixelArray | Promise<PixelArray>;
}

/**
 * Write an array as OME-TIFF strip by strip: the bytes of `encodeTiff`; BigTIFF
 * where the array has more than 4 GB before it is packed.
 *
 * @param write  puts bytes at a place of the file
 * @throws {ArgumentError} if axes and shape disagree
 */
export async function streamTiff(
  source: StreamedTiff,
  write: (at: number, bytes: Uint8Array) => void,
): Promise<void> {
  const { like, readRows } = source;
  const layout = layOutPlanes(source, like.BYTES_PER_ELEMENT);
  const { rowBytes, rowsPerStrip, height, pages } = layout;
  const isBig = source.isBig ?? pages * height * rowBytes > CLASSIC_BYTES;
  let at = isBig ? 16 : 8;
  const strips: { offsets: number[]; counts: number[] }[] = [];
  for (let page = 0; page < pages; page++) {
    const offsets: number[] = [];
    const counts: number[] = [];
    for (let y = 0; y < height; y += rowsPerStrip) {
      const count = Math.min(rowsPerStrip, height - y);
      const rows = await readRows(page, y, count);
      const strip = deflate(
        new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength),
        LEVEL,
      );
      write(at, strip);
      offsets.push(at);
      counts.push(strip.length);
      at += strip.length;
    }
    strips.push({ offsets, counts });
  }
  const described = { ...source, data: like, axes: layout.axes };
  const { first, tail } = layOutDirectories(at, strips, {
    entries: describePage(described, layout),
    description: describe(described),
    isBig,
  });
  write(at, tail);
  write(0, encodeHeader(first, isBig));
}

/** How an array lies in pages and strips. */
interface PlaneLayout {
  readonly axes: string;
  readonly pages: number;
  readonly height: number;
  readonly width: number;
  readonly samples: number;
  readonly rowBytes: number;
  readonly rowsPerStrip: number;
}

function layOutPlanes(
  source: Pick<TiffSource, "axes" | "shape">,
  sampleBytes: number,
): PlaneLayout {
  const { shape } = source;
  const axes = parseAxes(source.axes);
  const isRgb = axes.endsWith("YXC") && shape[shape.length - 1] === 3;
  if (axes.length !== shape.length || !(isRgb || axes.endsWith("YX"))) {
    throw new ArgumentError(
      "axes",
      `${axes} must name the ${shape.length} axes and end with YX, or YXC of 3 channels`,
    );
  }
  const samples = isRgb ? 3 : 1;
  const [height, width] = shape.slice(axes.indexOf("Y"));
  const rowBytes = width * samples * sampleBytes;
  return {
    axes,
    pages: shape.slice(0, axes.indexOf("Y")).reduce((a, b) => a * b, 1),
    height,
    width,
    samples,
    rowBytes,
    rowsPerStrip: Math.max(
      1,
      Math.min(height, Math.floor(STRIP_BYTES / rowBytes)),
    ),
  };
}

function describe(source: TiffSource): Uint8Array {
  return new TextEncoder().encode(writeOmeXml(source) + "\0");
}

/** Header, strips, then the directories, each before its long values. */
function layOut(
  pages: readonly (readonly Uint8Array[])[],
  facts: {
    readonly entries: readonly Entry[];
    readonly description: Uint8Array;
  },
): Uint8Array {
  const packed = pages.flat().reduce((sum, strip) => sum + strip.length, 0);
  const isBig = packed > CLASSIC_BYTES;
  let at = isBig ? 16 : 8;
  const strips = pages.map((page) => ({
    offsets: page.map((strip) => {
      at += strip.length;
      return at - strip.length;
    }),
    counts: page.map((strip) => strip.length),
  }));
  const { first, tail } = layOutDirectories(at, strips, {
    ...facts,
    isBig,
  });
  const out = new Uint8Array(at + tail.length);
  out.set(encodeHeader(first, isBig));
  for (const [i, page] of pages.entries()) {
    for (const [k, strip] of page.entries()) {
      out.set(strip, strips[i].offsets[k]);
    }
  }
  out.set(tail, at);
  return out;
}
