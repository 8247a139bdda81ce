/**
 * PNG files written row by row.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { Zlib } from "fflate";
import type { Size2D } from "../ndarray.ts";

/** Of 0–9: as label TIFFs. */
const LEVEL = 4;

/** Values of a row before they are packed, at a time. */
const BAND_VALUES = 2 ** 20;

/** Largest edge that a header holds (PNG §11.2.2). */
const MAX_EDGE = 2 ** 31 - 1;

/** An image whose rows are asked for. */
export interface StreamedPng {
  readonly size: Size2D;
  /** 1 gray, 3 RGB. */
  readonly channels: 1 | 3;
  /** Rows, count×W×C u8 or u16, always of one type. */
  readonly readRows: (
    top: number,
    count: number,
  ) => Rows | Promise<Rows>;
  /** Write 16 bits a sample. */
  readonly isWide: boolean;
}

type Rows = Uint8Array | Uint16Array;

/**
 * Write an image as PNG: what `encodePng` writes, packed a little differently.
 *
 * @param append  puts bytes at the file's end
 * @throws {RangeError} if an edge is more than PNG holds
 *
 * Source: PNG (third edition) §5.3, §9, §11.2; every row has filter 0.
 */
export async function streamPng(
  { size: { height, width }, channels, readRows, isWide }: StreamedPng,
  append: (bytes: Uint8Array) => void,
): Promise<void> {
  if (Math.max(height, width) > MAX_EDGE) {
    throw new RangeError(`PNG holds no image of ${height}×${width}`);
  }
  append(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([isWide ? 16 : 8, channels === 3 ? 2 : 0], 8);
  append(chunk("IHDR", header));
  const packer = new Zlib({ level: LEVEL }, (packed) => {
    if (packed.length > 0) append(chunk("IDAT", packed));
  });
  const step = Math.max(1, Math.floor(BAND_VALUES / (width * channels)));
  for (let top = 0; top < height; top += step) {
    const count = Math.min(step, height - top);
    const rows = await readRows(top, count);
    packer.push(filterRows(rows, count, isWide), top + count === height);
  }
  append(chunk("IEND", new Uint8Array(0)));
}

/** Rows after a byte each that names no filter, big-endian. */
function filterRows(rows: Rows, count: number, isWide: boolean): Uint8Array {
  const length = rows.length / count;
  const bytes = isWide ? 2 : 1;
  const out = new Uint8Array(count * (1 + length * bytes));
  const view = new DataView(out.buffer);
  for (let y = 0, to = 1; y < count; y++, to += 1 + length * bytes) {
    const row = rows.subarray(y * length, (y + 1) * length);
    if (!isWide) out.set(row, to);
    else row.forEach((value, i) => view.setUint16(to + 2 * i, value));
  }
  return out;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}
