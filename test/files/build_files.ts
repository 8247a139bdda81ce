/**
 * Files byte by byte, as no honest program writes them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { encodePng } from "../../shared/image/png.ts";
import { encodeTiff } from "../../shared/image/tiff_write.ts";

/** A file, made when it is its turn. */
export interface HostileFile {
  readonly name: string;
  readonly make: () => Uint8Array;
}

export const bytes = (...parts: (string | ArrayLike<number> | Uint8Array)[]) =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === "string"
          ? Buffer.from(part, "latin1")
          : Buffer.from(Uint8Array.from(part))
      ),
    ),
  );
export const u16 = (value: number) => [value & 255, value >> 8 & 255];
export const u32 = (
  value: number,
) => [...u16(value & 0xffff), ...u16(value >>> 16)];
export const u64 = (
  value: number,
) => [...u32(value >>> 0), ...u32(value / 2 ** 32)];
export const big32 = (value: number) => u32(value).reverse();

/** A PNG chunk with its checksum. */
export function chunk(type: string, data: ArrayLike<number>): Uint8Array {
  const body = bytes(type, data);
  return bytes(big32(body.length - 4), body, big32(crc32(body)));
}

export function png(
  width: number,
  height: number,
  data: Uint8Array,
  { depth = 8, color = 0, extra = [] as Uint8Array[] } = {},
): Uint8Array {
  return bytes(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk("IHDR", [...big32(width), ...big32(height), depth, color, 0, 0, 0]),
    ...extra,
    chunk("IDAT", data),
    chunk("IEND", []),
  );
}

/** A little-endian classic TIFF: one page of tags, then data at 1024. */
export function tiff(
  tags: Record<number, number | readonly number[]>,
  data: Uint8Array = new Uint8Array(64),
  next = 0,
): Uint8Array {
  const entries = Object.entries(tags);
  const out = new Uint8Array(1024 + data.length);
  out.set(bytes("II", u16(42), u32(8), u16(entries.length)));
  entries.forEach(([tag, value], i) => {
    const [count, word] = Array.isArray(value) ? value : [1, value];
    out.set(
      [...u16(Number(tag)), ...u16(4), ...u32(count), ...u32(Number(word))],
      10 + 12 * i,
    );
  });
  out.set(u32(next), 10 + 12 * entries.length);
  out.set(data, 1024);
  return out;
}

/** Tags of an 8-bit page of one strip at 1024. */
export const page = (
  width: number,
  height: number,
  length = 64,
  compression = 1,
) => ({
  256: width,
  257: height,
  258: 8,
  259: compression,
  262: 1,
  273: 1024,
  277: 1,
  278: height,
  279: length,
});

interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly packed?: Uint8Array;
  /** What the directory claims. */
  readonly claim?: number;
  readonly flags?: number;
  readonly method?: number;
}

export function zip(entries: readonly ZipEntry[]): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  const seen = new Set<ZipEntry>();
  let [at, end] = [0, 0];
  for (const entry of entries) {
    if (!seen.has(entry)) at = end;
    const { name, data, packed = data, flags = 0 } = entry;
    const method = entry.method ?? (packed === data ? 0 : 8);
    const size = entry.claim ?? data.length;
    const facts = [
      ...[...u16(flags), ...u16(method), ...u32(0), ...u32(0)],
      ...[...u32(packed.length), ...u32(size), ...u16(name.length)],
    ];
    const head = bytes("PK\x03\x04", u16(20), facts, u16(0), name);
    // entries may share one body
    const isFirst = !seen.has(entry);
    seen.add(entry);
    if (isFirst) local.push(head, packed);
    central.push(bytes(
      ...["PK\x01\x02", u16(20), u16(20), facts, u16(0), u16(0), u16(0)],
      ...[u16(0), u32(0), u32(at), name],
    ));
    if (isFirst) end += head.length + packed.length;
  }
  const list = bytes(...central);
  return bytes(
    ...local,
    list,
    ...["PK\x05\x06", u16(0), u16(0)],
    ...[u16(entries.length), u16(entries.length)],
    ...[u32(list.length), u32(end), u16(0)],
  );
}

/** A zip whose end says that the directory is told in 64 bits. */
export function zip64(
  { count, at, record = 0 }: {
    readonly count: number;
    readonly at: number;
    /** Where the record is said to be. */
    readonly record?: number;
  },
): Uint8Array {
  return bytes(
    "PK\x06\x06",
    [...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0)],
    [...u64(count), ...u64(count), ...u64(46), ...u64(at)],
    ...["PK\x06\x07", u32(0), u64(record), u32(1)],
    ...["PK\x05\x06", u16(0), u16(0), u16(0xffff), u16(0xffff)],
    ...[u32(2 ** 32 - 1), u32(2 ** 32 - 1), u16(0)],
  );
}

export const npyObject = (pickle: Uint8Array) =>
  bytes(
    "\x93NUMPY\x01\x00",
    u16(118),
    "{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117) + "\n",
    pickle,
  );
export const npyHeader = (text: string) =>
  bytes("\x93NUMPY\x01\x00", u16(118), text.padEnd(117) + "\n");

export const zeros = (length: number) => new Uint8Array(length);
export const jpeg = (height: number, width: number, rest: number[] = []) =>
  bytes([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, height >> 8, height & 255], [
    ...[width >> 8, width & 255, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0],
    ...rest,
    ...[0xff, 0xd9],
  ]);
export const webp = (kind: string, body: readonly number[]) => {
  const data = bytes(kind, u32(body.length), body, zeros(16));
  return bytes("RIFF", u32(data.length + 4), "WEBP", data);
};
export const smallPng = () =>
  encodePng({
    data: Uint8Array.from({ length: 4096 }, (_, i) => i * 37),
    size: { height: 64, width: 64 },
    channels: 1,
  });
export const smallTiff = () =>
  encodeTiff({
    data: Uint16Array.from({ length: 4096 }, (_, i) => i * 37),
    axes: "YX",
    shape: [64, 64],
  });
export const ones = (length: number) => new Uint8Array(length).fill(1);
export const zarrArray = (
  shape: number[],
  chunk: number[],
  codecs: unknown[],
) =>
  bytes(JSON.stringify({
    zarr_format: 3,
    node_type: "array",
    shape,
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: chunk } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes" }, ...codecs],
    attributes: {},
  }));
export const flip = (file: Uint8Array, at: number) => {
  const out = file.slice();
  out[at] ^= 0xff;
  return out;
};
