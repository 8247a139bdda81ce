/**
 * Rows of a TIFF page whose strips hold samples as memory does: they are put in
 * place without the library, which looks at every sample.
 *
 * @module
 */
import type { ByteSource } from "./byte_source.ts";
import { createRoom } from "./inflate_runs.ts";
import { PADDING_BYTES } from "./tiff_blocks.ts";
import type { TiffPage } from "./tiff_pages.ts";
import type { PixelArray } from "./types.ts";
import { inflateInto } from "./zlib.ts";

/** Types of samples, by sample format and bits. */
const TYPES = {
  "1/8": Uint8Array,
  "1/16": Uint16Array,
  "1/32": Uint32Array,
  "2/8": Int8Array,
  "2/16": Int16Array,
  "2/32": Int32Array,
  "3/32": Float32Array,
  "3/64": Float64Array,
} as const;

/** TIFF's numbers of Deflate. */
const DEFLATE: readonly number[] = [8, 32946];
/** TIFF's photometrics of which samples are the values: white or black is 0, RGB. */
const PLAIN: readonly number[] = [0, 1, 2];

/** Rows that are asked for. */
interface Rows {
  readonly top: number;
  readonly count: number;
}

/**
 * Read rows of strips.
 *
 * @param page  checked by `checkBlocks`
 * @returns     count×W×C, or undefined where the library must read them:
 *   tiles, other packings, other byte orders, strips that are broken
 */
export function readStrips(
  source: ByteSource,
  page: TiffPage,
  rows: Rows,
): PixelArray | undefined {
  const type = typeOf(page);
  if (type === undefined) return undefined;
  const { top, count } = rows;
  const rowLength = page.width * page.samples;
  const out = new type(count * rowLength);
  const end = visitStrips(source, page, rows, (samples, y) => {
    out.set(samples, (y - top) * rowLength);
  });
  return end === top + count ? out : undefined;
}

/**
 * Visit rows of strips, as many at a time as a strip has.
 *
 * @param visit  gets rows×W×C samples, which do not last, and their first row
 * @returns      the row behind the last that was visited; the library must
 *   read what is left
 */
export function visitStrips(
  source: ByteSource,
  page: TiffPage,
  { top, count }: Rows,
  visit: (samples: PixelArray, row: number) => void,
): number {
  const type = typeOf(page);
  if (type === undefined) return top;
  const { block, width, height, samples, bits, offsets, byteCounts } = page;
  const rowBytes = width * samples * bits / 8;
  const isPacked = page.compression !== 1;
  const room = createRoom(
    isPacked ? block.height * rowBytes + PADDING_BYTES : 0,
  );
  let y = top;
  while (y < top + count) {
    const strip = Math.floor(y / block.height);
    const first = strip * block.height;
    const end = Math.min(top + count, height, first + block.height);
    const stored = source.read(
      offsets[strip],
      offsets[strip] + byteCounts[strip],
    );
    const held = isPacked ? inflateInto(stored, room) : stored.length;
    const [from, to] = [(y - first) * rowBytes, (end - first) * rowBytes];
    if (held < to) break;
    // samples in a file may begin at any byte
    const bytes = isPacked
      ? room.bytes.subarray(from, to)
      : stored.slice(from, to);
    const length = bytes.length / type.BYTES_PER_ELEMENT;
    visit(new type(bytes.buffer as ArrayBuffer, bytes.byteOffset, length), y);
    y = end;
  }
  return y;
}

function typeOf(page: TiffPage) {
  const { compression, block, width, samples, bits, sampleFormat } = page;
  const isReadable = page.isLittle && page.predictor === 1 &&
    block.width === width && (samples === 1 || !page.isPlanar) &&
    (compression === 1 || DEFLATE.includes(compression)) &&
    PLAIN.includes(page.photometric);
  const name = `${sampleFormat}/${bits}`;
  return isReadable && name in TYPES
    ? TYPES[name as keyof typeof TYPES]
    : undefined;
}
