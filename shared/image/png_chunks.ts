/**
 * The chunks of a PNG file: checked against the limits and the header, their
 * data unpacked within what the header promises.
 *
 * @module
 */
import { CorruptImageError, UnsupportedFormatError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import { inflateFast } from "./inflate.ts";
import type { Budget } from "./limits.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Most bytes of a block that is stored as it is (RFC 1951 §3.2.4). */
const BLOCK_BYTES = 0xffff;
/** Samples of a pixel by color type: gray, RGB, palette, with alpha. */
const CHANNELS: Readonly<Record<number, number>> = {
  0: 1,
  2: 3,
  3: 1,
  4: 2,
  6: 4,
};
/** First row and column, and steps, of the passes of Adam7 (PNG §8.2). */
const PASSES = [
  [0, 0, 8, 8],
  [0, 4, 8, 8],
  [4, 0, 8, 4],
  [0, 2, 4, 4],
  [2, 0, 4, 2],
  [0, 1, 2, 2],
  [1, 0, 2, 1],
] as const;
/** What pixels depend on; the rest may hold bombs of its own (iCCP, zTXt). */
const NEEDED = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];

/**
 * Check a file's chunks and unpack its pixels, once.
 *
 * @param budget  limits, checked before anything is unpacked
 * @returns       a PNG file of the needed chunks, whose data is not packed and
 *                whose checksums are not set
 * @throws {UnsupportedFormatError} if it is not a PNG file
 * @throws {CorruptImageError}
 * @throws {ImageTooLargeError}
 */
export async function unpackChunks(
  bytes: Uint8Array,
  budget: Budget,
): Promise<Uint8Array> {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new UnsupportedFormatError("A file without PNG signature", ["png"]);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  const before: Uint8Array[] = [bytes.subarray(0, 8)];
  const after: Uint8Array[] = [];
  let rawBytes = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at === 8 && type !== "IHDR") throw corrupt("it has no header", at);
    if (at + 12 + length > bytes.length) {
      throw corrupt(`its ${type} chunk is cut short`, at);
    }
    if (NEEDED.includes(type)) {
      checkSum(bytes, view, { at, length, type });
      const chunk = bytes.subarray(at, at + 12 + length);
      if (type === "IHDR") rawBytes = checkHeader(view, at + 8, budget);
      if (type === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length));
      else (data.length === 0 ? before : after).push(chunk);
    }
    at += 12 + length;
    if (type === "IEND") break;
  }
  // of a memory of its own: shared memory is no part of a stream
  const packed = new Uint8Array(concat(data));
  const rows = await inflateFast(packed, rawBytes, { format: "png" });
  if (rawBytes === 0 || rows.length < rawBytes) {
    throw corrupt(`it has ${rows.length} of ${rawBytes} bytes of pixels`, 8);
  }
  return concat([...before, storeData(rows), ...after]);
}

/** PNG §5.3: the sum is of the type and the data. */
function checkSum(
  bytes: Uint8Array,
  view: DataView,
  { at, length, type }: { at: number; length: number; type: string },
): void {
  const told = view.getUint32(at + 8 + length);
  if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== told) {
    throw corrupt(`the checksum of its ${type} chunk is wrong`, at);
  }
}

/** Bytes as the data chunk of a PNG file, in stored blocks (RFC 1951 §3.2.4). */
function storeData(rows: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(rows.length / BLOCK_BYTES));
  const length = 2 + 5 * blocks + rows.length + 4;
  const chunk = new Uint8Array(12 + length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, length);
  chunk.set([0x49, 0x44, 0x41, 0x54, 0x78, 0x01], 4); // IDAT, zlib's header
  let at = 10;
  for (let from = 0, block = 1; block <= blocks; block++) {
    const size = Math.min(BLOCK_BYTES, rows.length - from);
    chunk[at] = block === blocks ? 1 : 0;
    view.setUint16(at + 1, size, true);
    view.setUint16(at + 3, ~size, true);
    chunk.set(rows.subarray(from, from + size), at + 5);
    at += 5 + size;
    from += size;
  }
  return chunk;
}

/** Bytes of the filtered rows that the header promises. */
function checkHeader(view: DataView, at: number, budget: Budget): number {
  if (at + 13 > view.byteLength) throw corrupt("its header is cut short", at);
  const width = view.getUint32(at);
  const height = view.getUint32(at + 4);
  const depth = view.getUint8(at + 8);
  const channels = CHANNELS[view.getUint8(at + 9)];
  const isInterlaced = view.getUint8(at + 12) === 1;
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth)) {
    throw corrupt("its header names no color type and depth of PNG", at);
  }
  // a palette of RGBA is the widest that a sample becomes
  const isPalette = view.getUint8(at + 9) === 3;
  budget.checkSize({
    samples: width * height * (isPalette ? 4 : channels),
    bytesPerSample: depth === 16 ? 2 : 1,
    encodedBytes: view.byteLength,
  });
  const rows = (columns: number, count: number) =>
    columns * count === 0
      ? 0
      : count * (1 + Math.ceil(columns * channels * depth / 8));
  if (!isInterlaced) return rows(width, height);
  return PASSES.reduce((sum, [y, x, dy, dx]) => {
    const columns = Math.max(0, Math.ceil((width - x) / dx));
    return sum + rows(columns, Math.max(0, Math.ceil((height - y) / dy)));
  }, 0);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function corrupt(detail: string, offset: number): CorruptImageError {
  return new CorruptImageError("png", detail, { offset });
}
