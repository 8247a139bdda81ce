/**
 * Rows of a TIFF page whose strips hold samples as memory does: they are put in
 * place without the library, which looks at every sample.
 *
 * @module
 */
import type { ByteSource } from "./byte_source.ts";
import { createRoom, inflateRuns } from "./inflate_runs.ts";
import { PADDING_BYTES } from "./tiff_blocks.ts";
import type { TiffPage } from "./tiff_pages.ts";
import type { PixelArray } from "./types.ts";

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
  { top, count }: { readonly top: number; readonly count: number },
): PixelArray | undefined {
  const type = typeOf(page);
  if (type === undefined) return undefined;
  const { block, width, height, samples, bits, offsets, byteCounts } = page;
  const rowBytes = width * samples * bits / 8;
  const out = new Uint8Array(count * rowBytes);
  const isPacked = page.compression !== 1;
  const room = createRoom(
    isPacked ? block.height * rowBytes + PADDING_BYTES : 0,
  );
  for (let y = top; y < top + count;) {
    const strip = Math.floor(y / block.height);
    const first = strip * block.height;
    const end = Math.min(top + count, height, first + block.height);
    const stored = source.read(
      offsets[strip],
      offsets[strip] + byteCounts[strip],
    );
    const held = isPacked ? inflateRuns(stored, room) : stored.length;
    const bytes = isPacked ? room.bytes : stored;
    const to = (end - first) * rowBytes;
    if (held < to) return undefined;
    out.set(
      bytes.subarray((y - first) * rowBytes, to),
      (y - top) * rowBytes,
    );
    y = end;
  }
  return new type(out.buffer);
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
